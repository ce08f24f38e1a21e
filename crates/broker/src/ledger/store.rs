//! The port: what the broker asks of a store.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{Ending, Filter, NewRow, Row, State};

/// Whether a write is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Returns after the commit, or with an error within a few seconds.
    Committed,
    /// The same for somebody who is not in a hurry: it goes with the next commit, and causes one only
    /// after some milliseconds.
    Shared,
    /// Returns at once and without error. The record is queued; when the queue is full, or the
    /// store refuses it, it is lost and counted in [`StoreHealth::lost`].
    No,
}

/// What became of a row to be.
#[derive(Debug)]
pub enum Begun {
    /// It is in the ledger, or queued when it was not waited for.
    New,
    /// Its key is taken by this row, and nothing was written.
    Known(Box<Row>),
}

/// A state of a row, told from later ones of the same name by the attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Where it is.
    pub state: State,
    /// How often it began to run.
    pub attempts: u32,
}

/// The end of a call.
#[derive(Debug, Clone)]
pub struct End {
    /// The call's id.
    pub id: String,
    /// Succeeded, failed, unknown, handed over, or finished.
    pub state: State,
    /// How it ended.
    pub ending: Ending,
    /// The whole result, in whatever encoding. Sealed.
    pub result: Option<Bytes>,
}

/// Stands in [`super::Delivery::error`] once an attempt may have reached the engine without its
/// answer having reached us.
pub const MAY_HAVE_ARRIVED: &str = "an earlier attempt may have arrived";

/// A result that has to be delivered now.
#[derive(Debug, Clone)]
pub struct Due {
    /// The call, with its callback.
    pub row: Row,
    /// The whole result, opened.
    pub result: Result<Option<Bytes>, StoreError>,
}

/// What is kept how long. Open rows and results not delivered yet are never removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Rows that are older go, with their sealed parts and keys.
    pub age: Option<Duration>,
    /// The oldest rows go, until the others have about this many bytes. Those that somebody still
    /// has to look at (unknown, undeliverable) go by age alone.
    pub bytes: Option<u64>,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many rows.
    pub rows: u64,
    /// About how many bytes they had.
    pub bytes: u64,
}

/// How the store is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreHealth {
    /// Why nothing can be written at the moment. None: the last write went well.
    pub problem: Option<String>,
    /// Records that were lost since the start.
    pub lost: u64,
    /// Records that wait to be written.
    pub queued: usize,
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or written, or not in time. Nothing is known to be recorded.
    #[error("the ledger is not available: {0}")]
    Unavailable(String),
    /// The row is not there.
    #[error("there is no call {0} in the ledger")]
    NotFound(String),
    /// The row is in a state from which this step is not allowed.
    #[error("call {id} is {from}: it cannot become {to}")]
    NotAllowed {
        /// The row.
        id: String,
        /// Where it is.
        from: State,
        /// Where it should go.
        to: State,
    },
    /// Another process has taken the row over, because this one was not heard of for too long.
    #[error("call {0} was taken over by another process")]
    TakenOver(String),
    /// A sealed part cannot be opened.
    #[error(
        "the sealed {part} of {id} cannot be opened: it was changed, or sealed with another \
         master key"
    )]
    Sealed {
        /// The row; `secret NAME` and the like for what is in a drawer.
        id: String,
        /// Which part.
        part: &'static str,
    },
    /// The database refused this very record.
    #[error("the ledger does not take this record: {0}")]
    Refused(String),
}

/// A durable ledger. All methods may be called at any time, also while the database is down.
///
/// Every open store is an owner of its own, with a new name at each start. Rows belong to the owner
/// that began them, ran them again, recovered them or delivers them, and only that owner can start
/// and end them.
/// While it is open, a store tells other processes by itself that its owner is alive.
pub trait Store: Send + Sync + 'static {
    /// The name of this owner.
    fn owner(&self) -> &str;

    /// Whether several processes may serve from this ledger at once, and take over each other's
    /// rows.
    fn is_shared(&self) -> bool {
        self.lease().is_some()
    }

    /// For how long another owner counts as alive after its last sign of life. None where only one
    /// process serves.
    fn lease(&self) -> Option<Duration>;

    /// Whether nobody can have taken over what this owner had at `then`, as far as this process
    /// knows. Asks nobody.
    fn alive_since(&self, then: Instant) -> bool;

    /// Records a call, in one insert under the unique key.
    ///
    /// Dropping the future before it answers takes the row back: nobody is going to run it. A call
    /// with a key must wait for the commit, since only the commit decides who has the key. A row
    /// that was not waited for cannot be found until it is written.
    fn begin(&self, row: NewRow, wait: Wait) -> BoxFuture<'_, Result<Begun, StoreError>>;

    /// Says that a received or accepted call runs from `started` on (milliseconds since 1970).
    fn start<'a>(
        &'a self,
        id: &'a str,
        started: i64,
        wait: Wait,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends a call. One that was begun without waiting and is not written yet is written once, with
    /// its end. An end that was waited for in vain stays queued. A finished call is due at once.
    ///
    /// Refused where another owner has taken the row over. An end that nobody waits for settles the
    /// row then, where that has become unknown.
    fn end(&self, end: End, wait: Wait) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Makes a failed, unknown, delivered or recovered row run as another attempt of the same call.
    /// False when it is not in the version `from` any more: somebody else was faster. What was known
    /// of its last end is gone then, the sealed result too; of a delivered row the delivery as well.
    fn again<'a>(
        &'a self,
        id: &'a str,
        from: Version,
        started: i64,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Says that the result of a call that runs here will be delivered to `callback`.
    fn promise<'a>(
        &'a self,
        id: &'a str,
        callback: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends a call that is unknown, whoever owns it: as succeeded or failed, or, when it has a
    /// callback, as finished. False when it is not unknown.
    fn settle(&self, end: End) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// The row of a call.
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Row>, StoreError>>;

    /// The row that has a key.
    fn find_key<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Row>, StoreError>>;

    /// What is needed to run a call again. None when it was not kept.
    fn replay<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>>;

    /// The whole result of a call. None when it was not kept.
    fn result<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>>;

    /// Rows from the newest to the oldest, only those before the id `before`.
    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        limit: u32,
        before: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// Takes over up to `limit` open rows whose owner is gone, oldest first, as they were left. To
    /// be repeated until there are none. With SQLite every other owner is gone, since only one
    /// process serves from a data directory; with PostgreSQL one that was not heard of for the time
    /// of its lease, by the database's clock. None are taken for the time of a lease after this owner
    /// itself was not heard of for so long: the others may be about to come back as well. Waits as
    /// long as it takes.
    fn recover(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Row>, StoreError>>;

    /// Takes up to `limit` results that are due, for the time of `lease`. Nobody else gets them
    /// until it has passed, or this owner is gone. One that was taken before, without a word of what
    /// became of it, has [`MAY_HAVE_ARRIVED`] as its error.
    fn due(&self, lease: Duration, limit: u32) -> BoxFuture<'_, Result<Vec<Due>, StoreError>>;

    /// Says that the engine has the result, which is true whoever has taken it since.
    fn delivered<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Says that a delivery failed, and that it is due again after `pause`. Refused where another
    /// owner has taken the result since.
    fn delivery_failed<'a>(
        &'a self,
        id: &'a str,
        pause: Duration,
        error: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Gives a delivery up. Refused where another owner has taken the result since.
    fn undeliverable<'a>(
        &'a self,
        id: &'a str,
        error: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Makes a delivery that was given up due again. False when it was not given up.
    fn redeliver<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Removes what is older or more than is kept. Other writes get their turn in between.
    fn prune(&self, retention: Retention) -> BoxFuture<'_, Result<Pruned, StoreError>>;

    /// How the store is. Answers at once and asks nobody.
    fn health(&self) -> StoreHealth;

    /// Waits until everything that was queued before is written, or with an error after a few
    /// seconds.
    fn flush(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Flushes, says that this owner is gone, and ends. Everything afterwards is an error.
    fn close(&self) -> BoxFuture<'_, ()>;
}
