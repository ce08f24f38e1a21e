//! What people decide about a call: how it ended, or that it runs again.

use crosspoint_core::{Effect, Failure, Outcome, Safety};

use super::{End, Repeat, Row, State, Store, StoreError, ending, seal_result};

/// Why a call does not run again.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// It is in a state from which it does not.
    #[error("{0}")]
    State(String),
    /// What is needed to run it was not kept.
    #[error(
        "call {0} cannot run again: its arguments were not kept, since it had neither a key nor a \
         callback"
    )]
    NotKept(String),
    /// Somebody else was faster.
    #[error("call {0} has just been changed by somebody else: look at it again")]
    Changed(String),
    /// What was kept of it cannot be read.
    #[error(transparent)]
    Unreadable(#[from] super::Unreadable),
    /// The ledger does not answer, or not what is needed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such command any more, or the process is about to end.
    #[error("{0}")]
    Refused(String),
}

/// More is no error code.
const LONGEST_CODE: usize = 200;

/// Not an error code.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an error code of 1 to {LONGEST_CODE} characters is needed, such as NotPaid")]
pub struct NotACode;

/// The failure of a call of which somebody says that it has not happened.
pub fn settled_failure(code: &str, message: Option<&str>) -> Result<Failure, NotACode> {
    let code = code.trim();
    if code.is_empty() || code.len() > LONGEST_CODE || code.contains(char::is_control) {
        return Err(NotACode);
    }
    let message = message.unwrap_or("settled by an operator: it has not happened");
    Ok(Failure::reported(code.to_owned(), message))
}

/// Says how a call ended whose end is unknown. The same key is answered so from then on, and a
/// result that was promised is delivered. False when the call is not unknown.
pub async fn settle(
    store: &dyn Store,
    row: &Row,
    result: &Result<Outcome, Failure>,
) -> Result<bool, StoreError> {
    // Whoever settles a call knows what happened.
    let repeat = Repeat {
        safety: Safety::Idempotent,
        key_honoured: false,
    };
    let (state, mut ending) = ending(result, repeat);
    if result.is_err() {
        ending.effect = Some(Effect::None);
        ending.may_pass = false;
    }
    let state = match row.about.callback {
        Some(_) => State::Finished,
        None => state,
    };
    let end = End {
        id: row.id.clone(),
        state,
        ending,
        result: Some(seal_result(result)),
    };
    store.settle(end).await
}

/// Whether a call may run again because somebody says so: when it is unknown, or failed.
pub(super) fn may_run_again(row: &Row) -> Result<(), NotRun> {
    let id = &row.id;
    let failed = row
        .ending
        .as_ref()
        .is_some_and(|ending| ending.code.is_some());
    let why = match row.state {
        State::Unknown | State::Failed => return Ok(()),
        State::Delivered if failed => return Ok(()),
        State::Undeliverable => {
            format!("call {id} has its result: `crosspoint ledger replay {id}` delivers it again")
        }
        State::Received | State::Accepted | State::Running => format!("call {id} is running"),
        State::Finished => format!("call {id} has its result, which is being delivered"),
        State::Succeeded | State::Delivered | State::HandedOver => {
            format!("call {id} has succeeded: to do the same once more, call it with a new key")
        }
    };
    Err(NotRun::State(why))
}
