//! `crosspoint ledger replay`.

use std::process::ExitCode;

use anyhow::Result;
use crosspoint_broker::ledger::{Row, State, Store};

use super::{DELIVERED, Desk, again, not_possible};
use crate::cli::ReplayArgs;

/// Delivers the result again, or runs the call again.
pub async fn run(desk: &Desk, args: ReplayArgs) -> Result<ExitCode> {
    let row = desk.find(&args.id).await?;
    let id = &row.id;
    match may(&row)? {
        Step::Runs => again::run(desk, &row, args.json).await,
        Step::Delivers if desk.ledger.redeliver(id).await? => {
            let sentence = format!("The result of call {id} is due again.\n{DELIVERED}");
            desk.tell(id, args.json, &sentence).await?;
            Ok(ExitCode::SUCCESS)
        }
        Step::Delivers => Err(not_possible(format!(
            "Call {id} has just been changed by somebody else: crosspoint ledger show {id}"
        ))),
    }
}

/// What is done.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Delivers,
    Runs,
}

/// What is done with a call in this state, or why nothing.
fn may(row: &Row) -> Result<Step> {
    let id = &row.id;
    let failed = row
        .ending
        .as_ref()
        .is_some_and(|ending| ending.code.is_some());
    let runs = match row.state {
        State::Undeliverable => return Ok(Step::Delivers),
        State::Failed => true,
        State::Delivered => failed,
        _ => false,
    };
    if runs && row.kept.replay {
        return Ok(Step::Runs);
    }
    let why = match row.state {
        State::Received | State::Accepted | State::Running => {
            format!("Call {id} is under way. How it goes: crosspoint ledger show {id}")
        }
        State::Finished => format!(
            "Call {id} has its result, which is being delivered. How it goes: crosspoint ledger \
             show {id}"
        ),
        State::Unknown => format!(
            "Nobody knows whether call {id} has happened. Find out, and settle it: crosspoint \
             ledger show {id}"
        ),
        _ if runs => format!(
            "Call {id} cannot run again: its arguments were not kept, since it had neither a key \
             nor a callback. Send the request again instead."
        ),
        _ => format!(
            "Call {id} is {} and will not be repeated. To do the same once more, send the request \
             again, with another key if it has one.",
            row.state
        ),
    };
    Err(not_possible(why))
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::full;
    use super::*;

    #[test]
    fn what_was_not_taken_is_delivered_and_what_failed_runs() {
        for state in State::ALL {
            let mut row = full();
            row.state = state;
            let step = may(&row).map_err(|error| error.to_string());
            match state {
                State::Undeliverable => assert_eq!(step, Ok(Step::Delivers)),
                State::Failed | State::Delivered => assert_eq!(step, Ok(Step::Runs)),
                _ => assert!(step.is_err_and(|why| why.contains(&row.id)), "{state}"),
            }
        }
        let mut row = full();
        row.state = State::Failed;
        row.kept.replay = false;
        assert!(may(&row).unwrap_err().to_string().contains("not kept"));
    }
}
