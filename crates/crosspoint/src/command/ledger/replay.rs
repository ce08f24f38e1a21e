//! `crosspoint ledger replay`.

use std::process::ExitCode;

use anyhow::Result;
use crosspoint_broker::ledger::{NoReplay, Replay, Row, Store, replay};

use super::{DELIVERED, Desk, again, not_possible};
use crate::cli::ReplayArgs;

/// Delivers the result again, or runs the call again.
pub async fn run(desk: &Desk, args: ReplayArgs) -> Result<ExitCode> {
    let row = desk.find(&args.id).await?;
    let id = &row.id;
    match replay(&row).map_err(|why| not_possible(sentence(&row, why)))? {
        Replay::Runs => {
            desk.record("ledger.replay", id, None).await;
            again::run(desk, &row, args.json).await
        }
        Replay::Delivers if desk.ledger.redeliver(id).await? => {
            desk.record("ledger.replay", id, None).await;
            let sentence = format!("The result of call {id} is due again.\n{DELIVERED}");
            desk.tell(id, args.json, &sentence).await?;
            Ok(ExitCode::SUCCESS)
        }
        Replay::Delivers => Err(not_possible(format!(
            "Call {id} has just been changed by somebody else: crosspoint ledger show {id}"
        ))),
    }
}

/// Why a call is not replayed, and what can be done instead.
fn sentence(row: &Row, why: NoReplay) -> String {
    let id = &row.id;
    match why {
        NoReplay::UnderWay => {
            format!("Call {id} is under way. How it goes: crosspoint ledger show {id}")
        }
        NoReplay::BeingDelivered => format!(
            "Call {id} has its result, which is being delivered. How it goes: crosspoint ledger \
             show {id}"
        ),
        NoReplay::Unknown => format!(
            "Nobody knows whether call {id} has happened. Find out, and settle it: crosspoint \
             ledger show {id}"
        ),
        NoReplay::NotKept => format!(
            "Call {id} cannot run again: its arguments were not kept, since it had neither a key \
             nor a callback. Send the request again instead."
        ),
        NoReplay::Done => format!(
            "Call {id} is {} and will not be repeated. To do the same once more, send the request \
             again, with another key if it has one.",
            row.state
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::full;
    use super::*;
    use crosspoint_broker::ledger::State;

    #[test]
    fn what_was_not_taken_is_delivered_and_what_failed_runs() {
        for state in State::ALL {
            let mut row = full();
            row.state = state;
            let step = replay(&row).map_err(|why| sentence(&row, why));
            match state {
                State::Undeliverable => assert_eq!(step, Ok(Replay::Delivers)),
                State::Failed | State::Delivered => assert_eq!(step, Ok(Replay::Runs)),
                _ => assert!(step.is_err_and(|why| why.contains(&row.id)), "{state}"),
            }
        }
        let mut row = full();
        row.state = State::Failed;
        row.kept.replay = false;
        assert_eq!(replay(&row), Err(NoReplay::NotKept));
    }
}
