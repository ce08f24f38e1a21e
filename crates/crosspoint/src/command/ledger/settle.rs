//! `crosspoint ledger settle`.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use bytes::Bytes;
use crosspoint_broker::ledger::{Row, State, settle, settled_failure};
use crosspoint_core::{Body, Failure, Json, Outcome};

use super::{DELIVERED, Desk, again, not_possible};
use crate::cli::SettleArgs;

/// Says how the call ended, or runs it again.
pub async fn run(desk: &Desk, args: SettleArgs) -> Result<ExitCode> {
    // Before the ledger is asked, so that a mistake here is told in any case.
    let result = result(&args)?;
    let row = desk.find(&args.id).await?;
    if row.state != State::Unknown {
        return Err(not_possible(why_not(&row)));
    }
    let Some(result) = result else {
        desk.record("ledger.settle", &row.id, Some("run again"))
            .await;
        return again::run(desk, &row, args.json).await;
    };
    if !settle(desk.store(), &row, &result).await? {
        let row = desk.find(&row.id).await?;
        return Err(not_possible(why_not(&row)));
    }
    let said = if result.is_ok() {
        "succeeded"
    } else {
        "failed"
    };
    desk.record("ledger.settle", &row.id, Some(said)).await;
    let mut sentence = match &result {
        Ok(_) => format!("Call {} is settled: it succeeded.", row.id),
        Err(failure) => format!("Call {} is settled: it failed with {failure}.", row.id),
    };
    if row.about.callback.is_some() {
        sentence = format!("{sentence}\n{DELIVERED}");
    } else if row.key.is_some() {
        sentence.push_str("\nA request with its key is answered so from now on.");
    }
    desk.tell(&row.id, args.json, &sentence).await?;
    Ok(ExitCode::SUCCESS)
}

/// How it ended. None: it runs again.
fn result(args: &SettleArgs) -> Result<Option<Result<Outcome, Failure>>> {
    if args.run_again {
        return Ok(None);
    }
    if let Some(code) = &args.failed {
        let failure = settled_failure(code, args.message.as_deref());
        return Ok(Some(Err(failure.context("reading --failed")?)));
    }
    let outcome = match &args.body {
        Some(path) => outcome(read(path)?),
        None => Outcome::json(Json::empty_object()),
    };
    Ok(Some(Ok(outcome)))
}

fn read(path: &Path) -> Result<Bytes> {
    let mut body = Vec::new();
    if path == Path::new("-") {
        let reading = std::io::stdin().read_to_end(&mut body);
        reading.context("reading standard input")?;
    } else {
        body = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    }
    Ok(body.into())
}

/// JSON if it is, else text if it is.
fn outcome(body: Bytes) -> Outcome {
    if let Ok(json) = Json::parse(body.clone()) {
        return Outcome::json(json);
    }
    match std::str::from_utf8(&body) {
        Ok(text) => Outcome::text(text),
        Err(_) => Outcome::new(Body::Bytes(body), "application/octet-stream"),
    }
}

/// Why a call is not settled, and what can be done instead.
fn why_not(row: &Row) -> String {
    let id = &row.id;
    let next = match row.state {
        State::Failed | State::Undeliverable => {
            format!("; crosspoint ledger replay {id} repeats it")
        }
        _ => String::new(),
    };
    format!(
        "Call {id} is {}: only calls that are unknown are settled{next}",
        row.state
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    use crate::cli::{Cli, Command, LedgerCommand};

    fn args(words: &[&str]) -> Result<SettleArgs, clap::Error> {
        let words = ["crosspoint", "ledger", "settle", "id"].iter().chain(words);
        match Cli::try_parse_from(words)?.command {
            Command::Ledger(LedgerCommand::Settle(args)) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    fn settled(words: &[&str]) -> Option<Result<Outcome, Failure>> {
        result(&args(words).unwrap()).unwrap()
    }

    #[test]
    fn exactly_one_end_is_said() {
        for words in [
            &[][..],
            &["--succeeded", "--failed", "E"],
            &["--succeeded", "--run-again"],
            &["--failed", "E", "--run-again"],
            &["--run-again", "--body", "x"],
            &["--succeeded", "--message", "x"],
            &["--failed"],
        ] {
            assert!(args(words).is_err(), "{words:?}");
        }
        assert!(settled(&["--run-again"]).is_none());
    }

    #[test]
    fn what_was_said_is_the_result() {
        let nothing = settled(&["--succeeded"]).unwrap().unwrap();
        assert_eq!((nothing.status, nothing.body.as_bytes()), (200, &b"{}"[..]));
        let failure = settled(&["--failed", "NotPaid", "--message", "no money"]);
        let failure = failure.unwrap().unwrap_err();
        assert_eq!(failure.to_string(), "NotPaid: no money");
        for code in ["", " ", "a\nb", &"x".repeat(201)] {
            assert!(
                result(&args(&["--failed", code]).unwrap()).is_err(),
                "{code:?}"
            );
        }
    }

    #[test]
    fn a_body_is_json_or_text_or_bytes() {
        for (body, mimetype) in [
            (&br#" {"n": 1.50} "#[..], "application/json"),
            (b"null", "application/json"),
            (b"{oops", "text/plain"),
            (b"", "text/plain"),
            (b"\xff\x00", "application/octet-stream"),
        ] {
            let outcome = outcome(Bytes::from_static(body));
            assert_eq!(outcome.mimetype, mimetype);
        }
    }
}
