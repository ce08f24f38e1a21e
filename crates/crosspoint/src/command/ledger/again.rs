//! Runs a call again: in the running server, which has everything loaded, else in this process.

use std::process::ExitCode;

use anyhow::Result;
use crosspoint_broker::Broker;
use crosspoint_broker::ledger::{NotRun, Row, State, Store};
use crosspoint_core::Tracing;

use super::{Desk, not_possible};
use crate::cli::FAILED;
use crate::control::{self, Request};
use crate::data_dir::{DataDir, DataDirError};
use crate::show::{Waiting, plain};
use crate::wire;

/// Runs the call and prints what came of it.
pub async fn run(desk: &Desk, row: &Row, json: bool) -> Result<ExitCode> {
    let id = &row.id;
    let call = format!("{}/{}", row.about.connector, row.about.command);
    let waiting = Waiting::new(format!("running {} again", plain(&call)));
    let request = Request::RunAgain { id: id.clone() };
    let asked = tokio::select! {
        asked = control::ask_if_there(&desk.loaded.config.data_dir.0, request) => asked,
        never = waiting.show() => match never {},
    };
    drop(waiting);
    match asked {
        Ok(Some(answer)) if answer.done => {
            let after = desk.store().find(id).await?;
            desk.tell(
                id,
                json,
                &sentence(row, after.as_ref(), answer.failure.as_deref()),
            )
            .await?;
            Ok(code(answer.failure.is_none()))
        }
        Ok(Some(answer)) => Err(not_possible(plain(&answer.text))),
        Ok(None) => here(desk, row, json).await,
        Err(error) => Err(not_possible(format!(
            "{error:#}. What has become of the call: crosspoint ledger show {id}"
        ))),
    }
}

/// Runs the call in this process.
async fn here(desk: &Desk, row: &Row, json: bool) -> Result<ExitCode> {
    let _alone = alone(desk)?;
    let ledger = Some(desk.ledger.clone());
    let (only, untraced) = (Some(&*row.about.connector), Tracing::default());
    let broker = wire::in_process(&desk.loaded, only, ledger, None, untraced).await?;
    let done = match in_broker(&broker, row).await {
        Ok(failure) => {
            let after = desk.store().find(&row.id).await?;
            let sentence = sentence(row, after.as_ref(), failure.as_deref());
            desk.tell(&row.id, json, &sentence)
                .await
                .map(|()| code(failure.is_none()))
        }
        Err(error) => Err(not_possible(plain(&error.to_string()))),
    };
    broker.drain(desk.loaded.config.drain.0).await;
    done
}

/// The failure that it ended with, if it did.
async fn in_broker(broker: &Broker, row: &Row) -> Result<Option<String>, NotRun> {
    let waiting = Waiting::new(format!("running call {} again", row.id));
    let ended = tokio::select! {
        ended = broker.run_again(&row.id) => ended?,
        never = waiting.show() => match never {},
    };
    Ok(ended.err().map(|failure| failure.to_string()))
}

/// A server that starts meanwhile would take the call for one that a dead process has left, where
/// only one process serves from a ledger.
fn alone(desk: &Desk) -> Result<Option<DataDir>> {
    if desk.ledger.is_shared() {
        return Ok(None);
    }
    match DataDir::open(&desk.loaded.config.data_dir.0) {
        Ok(data_dir) => Ok(Some(data_dir)),
        Err(DataDirError::Taken(path)) => Err(not_possible(format!(
            "A `crosspoint serve` uses {path}, but does not answer: it is starting or ending. Try \
             again in a moment."
        ))),
        // No server can use it, either.
        Err(DataDirError::Unusable(..)) => Ok(None),
    }
}

fn sentence(row: &Row, after: Option<&Row>, failure: Option<&str>) -> String {
    let id = &row.id;
    let state = after.map_or(row.state, |row| row.state);
    let ended = match failure {
        None => format!("Call {id} has run again and succeeded."),
        Some(failure) => format!("Call {id} has run again and failed: {}", plain(failure)),
    };
    match state {
        State::Unknown => format!(
            "{ended}\nNobody knows whether it has happened now: crosspoint ledger show {id}"
        ),
        State::Finished => format!("{ended}\n{}", super::DELIVERED),
        _ => ended,
    }
}

fn code(succeeded: bool) -> ExitCode {
    match succeeded {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAILED),
    }
}
