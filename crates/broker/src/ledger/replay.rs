//! What is done with a call that somebody wants once more.

use super::{Row, State};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// Its result is delivered again, and nothing runs.
    Delivers,
    /// It runs again, as another attempt of the same call.
    Runs,
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoReplay {
    /// It has no result yet.
    UnderWay,
    /// Its result is on its way.
    BeingDelivered,
    /// Somebody has to say first whether it has happened.
    Unknown,
    /// It failed, and what is needed to run it was not kept.
    NotKept,
    /// It has succeeded, or others answer for it.
    Done,
}

/// What is done with a call in this state, or why nothing.
pub fn replay(row: &Row) -> Result<Replay, NoReplay> {
    let ending = row.ending.as_ref();
    let delivered_failure = ending.is_some_and(|ending| ending.code.is_some());
    let runs = || match row.kept.replay {
        true => Ok(Replay::Runs),
        false => Err(NoReplay::NotKept),
    };
    match row.state {
        State::Undeliverable => Ok(Replay::Delivers),
        State::Failed => runs(),
        State::Delivered if delivered_failure => runs(),
        State::Received | State::Accepted | State::Running => Err(NoReplay::UnderWay),
        State::Finished => Err(NoReplay::BeingDelivered),
        State::Unknown => Err(NoReplay::Unknown),
        State::Succeeded | State::HandedOver | State::Delivered => Err(NoReplay::Done),
    }
}
