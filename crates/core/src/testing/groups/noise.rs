//! What answers must not have in them.

use crate::testing::findings::Findings;
use crate::testing::kit::{Exchange, Kit};
use crate::testing::subject::Ended;

/// What SpiffArena's backend acts on when it stands at the top of an answer.
const ACTED_ON: [&str; 3] = ["api_response", "auth", "refreshed_token_set"];

pub(crate) async fn single_lines(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for exchange in exchanges(kit, &mut findings).await {
        let broken = exchange
            .seen
            .logs
            .iter()
            .find(|line| line.contains(['\n', '\r']));
        let what = |line: &String| format!("a log line is several: {line:?}");
        findings.note(broken.map(|line| kit.complain(&exchange, what(line))));
    }
    findings
}

pub(crate) async fn nothing_beside(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    for exchange in exchanges(kit, &mut findings).await {
        let extra = exchange.seen.extra.iter();
        let acted_on = extra
            .filter(|name| ACTED_ON.contains(&name.as_str()))
            .collect::<Vec<_>>();
        let what = || format!("it has {acted_on:?} beside the result");
        findings.note((!acted_on.is_empty()).then(|| kit.complain(&exchange, what())));
    }
    findings
}

pub(crate) async fn no_web_pages(kit: &Kit<'_>) -> Findings {
    let mut findings = Findings::new();
    let mut exchanges = exchanges(kit, &mut findings).await;
    if let Some((connector, _)) = kit.commands().first().and_then(|c| c.id.split_once('/')) {
        let none = format!("{connector}/CrosspointCheckUnknown");
        exchanges.push(kit.ask(&none, "{}".to_owned()).await);
    }
    for exchange in exchanges
        .iter()
        .filter(|e| e.seen.ended != Ended::Succeeded)
    {
        let message = exchange.seen.fault().map(|fault| fault.message.as_str());
        let texts = [Some(exchange.seen.whole.as_str()), message];
        let page = texts.into_iter().flatten().any(is_page);
        findings.note(page.then(|| kit.complain(exchange, "the error is a web page")));
    }
    findings
}

fn is_page(text: &str) -> bool {
    // The outer status may stand before it.
    let text = text.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace());
    let start: String = text.chars().take(20).collect();
    let start = start.to_lowercase();
    start.starts_with("<!doctype") || start.starts_with("<html")
}

/// The calls of all samples, and a refused one of each command.
async fn exchanges(kit: &Kit<'_>, findings: &mut Findings) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    for trial in kit.trials(findings) {
        // A bare answer of version 1 is the upstream's own.
        if !trial.sample.version_1 {
            exchanges.push(kit.run_trial(trial).await);
        }
    }
    for command in kit
        .commands()
        .iter()
        .filter(|c| c.required().next().is_some())
    {
        exchanges.push(kit.ask(&command.id, "{}".to_owned()).await);
    }
    exchanges
}
