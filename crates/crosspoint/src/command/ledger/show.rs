//! `crosspoint ledger show`.

use std::process::ExitCode;

use anyhow::Result;
use crosspoint_broker::ledger::{Row, Store, StoreError, Unreadable, open_call, open_result};
use crosspoint_core::{Failure, Outcome};

use super::advice::Broken;
use super::{Desk, lines, not_possible, rows};
use crate::cli::ShowArgs;
use crate::outcome;

/// Prints one call, or its result.
pub async fn run(desk: &Desk, args: ShowArgs) -> Result<ExitCode> {
    let row = desk.find(&args.id).await?;
    let result = result(desk.store(), &row).await;
    if args.result {
        return whole_result(&row, result, args.json);
    }
    let result_error = result.err().map(|error| error.to_string());
    let replay_error = replay_error(desk.store(), &row).await;
    if args.json {
        let mut shown = rows::json(&row);
        shown["result_error"] = result_error.into();
        shown["replay_error"] = replay_error.into();
        println!("{shown:#}");
        return Ok(ExitCode::SUCCESS);
    }
    let broken = Broken {
        result: result_error,
        replay: replay_error,
    };
    print!("{}", lines::text(&row, &broken));
    Ok(ExitCode::SUCCESS)
}

/// Why a sealed part gives nothing.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// The whole result. None where none was kept.
async fn result(store: &dyn Store, row: &Row) -> Result<Option<Result<Outcome, Failure>>, Closed> {
    if !row.kept.result {
        return Ok(None);
    }
    let sealed = store.result(&row.id).await?;
    Ok(sealed.map(|sealed| open_result(&sealed)).transpose()?)
}

async fn replay_error(store: &dyn Store, row: &Row) -> Option<String> {
    if !row.kept.replay {
        return None;
    }
    let opened = match store.replay(&row.id).await {
        Ok(Some(sealed)) => open_call(&row.id, &sealed).map(drop).map_err(Closed::from),
        Ok(None) => Ok(()),
        Err(error) => Err(error.into()),
    };
    opened.err().map(|error| error.to_string())
}

/// Prints the result as it was.
fn whole_result(
    row: &Row,
    result: Result<Option<Result<Outcome, Failure>>, Closed>,
    json: bool,
) -> Result<ExitCode> {
    let id = &row.id;
    let result = match result {
        Ok(Some(result)) => result,
        Ok(None) if row.ending.is_none() => {
            let text = format!("Call {id} is {}: it has no result yet.", row.state);
            return Err(not_possible(text));
        }
        Ok(None) => {
            return Err(not_possible(format!(
                "The result of call {id} was not kept: that is done for calls with an idempotency \
                 key and for long calls."
            )));
        }
        Err(error) => {
            let text = format!("The result of call {id} cannot be opened: {error}.");
            return Err(not_possible(text));
        }
    };
    if json {
        println!("{:#}", outcome::whole(&result)?);
        return Ok(ExitCode::SUCCESS);
    }
    if let Err(failure) = &result {
        eprintln!("failed: {}", crate::show::plain(&failure.to_string()));
    }
    let outcome = match &result {
        Ok(outcome) => Some(outcome),
        Err(failure) => failure.outcome.as_deref(),
    };
    if let Some(outcome) = outcome {
        outcome::write_body(&outcome.body)?;
    }
    Ok(ExitCode::SUCCESS)
}
