//! Calls at the same time.

use futures_util::future::join_all;

use crate::testing::findings::Findings;
use crate::testing::kit::{Exchange, Kit, Trial, unique};

/// How many.
const CALLS: usize = 16;

pub(crate) async fn alike(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for trial in kit.trials(&mut findings) {
        let (first, second) = (one(kit, trial).await, one(kit, trial).await);
        // What differs when nothing else goes on (a time, a random number) tells nothing.
        let varies = first.essence() != second.essence();
        let wanted = first.essence();
        for call in many(kit, trial).await {
            let got = call.essence();
            let same = match varies {
                true => (&got.0, got.1) == (&wanted.0, wanted.1),
                false => got == wanted,
            };
            let lines = (first.lines(), call.lines());
            let steady = first.lines() == second.lines();
            let what = match (same, !steady || lines.0 == lines.1) {
                (true, true) => None,
                (false, _) => Some(format!(
                    "alone it ended with {}, {}",
                    first.exchange.seen.end(),
                    shown(&wanted.2)
                )),
                (true, false) => Some(format!(
                    "alone it has {} log lines, among others {}",
                    lines.0, lines.1
                )),
            };
            findings.note(what.map(|what| kit.complain(&call.exchange, what)));
        }
    }
    findings
}

pub(crate) async fn apart(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for trial in kit.trials(&mut findings) {
        if !trial.sample.has_unique() {
            findings.skip(&trial.command.id, "no sample has {{unique}} in it");
            continue;
        }
        let calls = many(kit, trial).await;
        for call in &calls {
            let others = calls.iter().map(|other| &other.unique);
            let heard = everything(&call.exchange);
            let other = others
                .filter(|o| **o != call.unique)
                .find(|o| heard.contains(*o));
            let what = |other| format!("it has the text of another call, {other}");
            findings.note(other.map(|other| kit.complain(&call.exchange, what(other))));
        }
    }
    findings
}

/// A call with its own text.
struct One {
    unique: String,
    exchange: Exchange,
}

async fn one(kit: &Kit<'_>, trial: &Trial) -> One {
    let unique = unique();
    let exchange = kit.run_as(trial, &unique).await;
    One { unique, exchange }
}

async fn many(kit: &Kit<'_>, trial: &Trial) -> Vec<One> {
    join_all((0..CALLS).map(|_| one(kit, trial))).await
}

impl One {
    fn essence(&self) -> (String, Option<u16>, Option<String>) {
        self.exchange.essence(&self.unique)
    }

    fn lines(&self) -> usize {
        self.exchange.seen.logs.len()
    }
}

fn shown(body: &Option<String>) -> String {
    let body = body.as_deref().unwrap_or("nothing");
    body.chars().take(120).collect()
}

fn everything(exchange: &Exchange) -> String {
    let body = exchange.seen.body.as_ref().map(ToString::to_string);
    let said = exchange.seen.utterances().map(|(_, text)| text.to_owned());
    said.chain(body).collect::<Vec<_>>().join("\n")
}
