//! What the writer is asked to do.

use std::sync::Arc;

use crosspoint_broker::ledger::{Begun, State, StoreError};
use tokio::sync::oneshot;

use crate::record::{Change, Insert};
use crate::value::{Rows, Statement, Value};

/// Who hears of a change that is queued.
pub(crate) enum Heard {
    /// Somebody who waits for the commit.
    Soon(Waiter<()>),
    /// The same, who is content with a commit that comes anyway.
    Later(Waiter<()>),
    /// Nobody.
    Never,
}

/// Somebody who waits for an answer.
pub(crate) type Waiter<T> = oneshot::Sender<Result<T, StoreError>>;

/// The beginning of a call, a change of it, or both at once.
pub(crate) struct Record {
    pub(crate) id: Arc<str>,
    pub(crate) insert: Option<Insert>,
    pub(crate) change: Option<Change>,
    pub(crate) begun: Option<Waiter<Begun>>,
    pub(crate) changed: Option<Waiter<()>>,
    /// Whether it may have been written by a transaction whose end was not heard.
    pub(crate) tried: bool,
}

/// A statement whose answer somebody waits for, with what belongs to it in the same transaction.
pub(crate) struct Ask {
    /// Runs first.
    pub(crate) before: Option<Statement>,
    pub(crate) statement: Statement,
    /// Runs next where the statement has answered with a row.
    pub(crate) after: Option<Statement>,
    pub(crate) answer: Waiter<Rows>,
}

/// What the writer does.
pub(crate) enum Work {
    Record(Box<Record>),
    Ask(Ask),
}

// === impl Work ===

impl Work {
    /// How many bytes it holds.
    pub(crate) fn size(&self) -> usize {
        match self {
            Work::Record(record) => {
                record.insert.as_ref().map_or(0, Insert::size)
                    + record.change.as_ref().map_or(0, Change::size)
            }
            Work::Ask(ask) => ask.statement.values.iter().map(Value::size).sum(),
        }
    }
}

// === impl Record ===

impl Record {
    pub(crate) fn new(id: Arc<str>) -> Record {
        Record {
            id,
            insert: None,
            change: None,
            begun: None,
            changed: None,
            tried: false,
        }
    }

    /// Adds a change to what waits. Fails with the state after which it is not allowed.
    pub(crate) fn join(&mut self, change: &Change) -> Result<(), State> {
        let before = match (&mut self.insert, &mut self.change) {
            (_, Some(before)) => before,
            // What may have been written already must stay as it is.
            (Some(insert), None) if !self.tried => &mut insert.change,
            (_, none) => {
                *none = Some(change.clone());
                return Ok(());
            }
        };
        *before = before.then(change).ok_or(before.state)?;
        Ok(())
    }
}
