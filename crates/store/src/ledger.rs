//! A ledger on a database: its parts, and what the port needs of them.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use crosspoint_broker::ledger::{Row, State, Store, StoreError, Wait};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::alive::Alive;
use crate::codec;
use crate::engine::{Engine, Fault};
use crate::open::Options;
use crate::queue::NotQueued;
use crate::record::Change;
use crate::sealer::Sealer;
use crate::sql::Dialect;
use crate::value::{Rows, Statement, Value};
use crate::work::{Ask, Heard, Waiter, Work};
use crate::writer::{Shared, Writer};

/// The names of the sealed columns, which are bound to what is in them.
pub(crate) const CALL: &str = "call";
pub(crate) const RESULT: &str = "result";

/// A ledger on SQLite or PostgreSQL; made by [`crate::open`]. Dropping it without closing it loses
/// what is still queued, as the end of the process does.
pub struct Ledger {
    pub(crate) shared: Arc<Shared>,
    pub(crate) sealer: Sealer,
    pub(crate) owner: Arc<str>,
    pub(crate) patience: Duration,
    pub(crate) lease: Duration,
    /// Where several owners share the database.
    pub(crate) alive: Option<Arc<Alive>>,
    clock: Clock,
    /// Whether the times of deliveries are by this process's clock.
    pub(crate) recovered: AtomicBool,
    writer: JoinHandle<()>,
    signs: Option<JoinHandle<()>>,
    /// Keep other processes from serving from the same file, and from replacing its master key.
    _locks: Vec<File>,
}

/// An answer of the writer that is still to come.
pub(crate) type Answered<T> = oneshot::Receiver<Result<T, StoreError>>;

/// A clock that does not jump while the process runs.
struct Clock {
    start: Instant,
    start_ms: i64,
}

// === impl Ledger ===

impl Ledger {
    pub(crate) async fn start(
        engine: Arc<dyn Engine>,
        sealer: Sealer,
        options: &Options,
        locks: Vec<File>,
    ) -> Result<Ledger, Fault> {
        let owner: Arc<str> = uuid::Uuid::now_v7().to_string().into();
        let alive = match engine.dialect().leases {
            false => None,
            true => {
                let alive = Alive::begin(engine.clone(), owner.clone(), options.lease);
                Some(Arc::new(alive.await?))
            }
        };
        let shared = Arc::new(Shared::new(engine, options.queue));
        let writer = Writer::new(shared.clone(), owner.clone());
        Ok(Ledger {
            shared,
            sealer,
            owner,
            patience: options.patience,
            lease: options.lease,
            signs: alive.clone().map(|alive| tokio::spawn(alive.run())),
            alive,
            clock: Clock::start(),
            recovered: AtomicBool::new(false),
            writer: tokio::spawn(writer.run()),
            _locks: locks,
        })
    }

    pub(crate) fn dialect(&self) -> &'static Dialect {
        self.shared.engine.dialect()
    }

    /// The time for statements that compare times: null where the database has a clock of its own,
    /// which all replicas share.
    pub(crate) fn now(&self) -> Value {
        Value::Int((!self.dialect().leases).then(|| self.clock.now()))
    }

    pub(crate) async fn database_now(&self) -> Result<i64, StoreError> {
        if !self.dialect().leases {
            return Ok(self.clock.now());
        }
        let rows = self
            .read(Statement::new(format!("SELECT {}", self.dialect().now), []))
            .await?;
        let now = rows.first().map(|row| row.int(0)).transpose();
        let now = now.map_err(|error| StoreError::Refused(error.to_string()))?;
        Ok(now.flatten().unwrap_or(0))
    }

    pub(crate) async fn read(&self, statement: Statement) -> Result<Rows, StoreError> {
        let reading = self.shared.engine.read(statement);
        let rows = timeout(self.patience, reading).await;
        rows.map_err(|_| self.late())?.map_err(error)
    }

    /// Runs a statement with the writer, together with whatever else there is to write.
    pub(crate) async fn ask(&self, statement: Statement) -> Result<Rows, StoreError> {
        let answered = self.queued(statement)?;
        self.wait(answered).await
    }

    /// The same, and the answer is still to be waited for.
    pub(crate) fn queued(&self, statement: Statement) -> Result<Answered<Rows>, StoreError> {
        self.queued_between(None, statement, None)
    }

    /// The same between two others; the one after it only runs where it has answered with a row.
    pub(crate) fn queued_between(
        &self,
        before: Option<Statement>,
        statement: Statement,
        after: Option<Statement>,
    ) -> Result<Answered<Rows>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let work = Work::Ask(Ask {
            before,
            statement,
            after,
            answer,
        });
        self.shared.queue.push(work).map_err(|_| self.full())?;
        Ok(answered)
    }

    pub(crate) async fn find_one(&self, statement: Statement) -> Result<Option<Row>, StoreError> {
        let rows = self.read(statement).await?;
        rows.first().map(|row| codec::row(&**row)).transpose()
    }

    pub(crate) async fn wait<T>(&self, answered: Answered<T>) -> Result<T, StoreError> {
        match timeout(self.patience, answered).await {
            Ok(Ok(result)) => result,
            // The writer has ended.
            Ok(Err(_)) => Err(self.closed()),
            Err(_) => Err(self.late()),
        }
    }

    /// Changes a row; without waiting, whatever goes wrong is counted.
    pub(crate) async fn change(
        &self,
        id: &str,
        change: Change,
        wait: Wait,
    ) -> Result<(), StoreError> {
        let (id, to): (Arc<str>, _) = (id.into(), change.state);
        match wait {
            Wait::No => {
                if self.shared.queue.change(&id, change, Heard::Never).is_err() {
                    self.shared.queue.lose(1);
                }
                Ok(())
            }
            Wait::Committed | Wait::Shared => {
                let (waiter, answered): (Waiter<()>, _) = oneshot::channel();
                let heard = match wait {
                    Wait::Shared => Heard::Later(waiter),
                    _ => Heard::Soon(waiter),
                };
                match self.shared.queue.change(&id, change, heard) {
                    Ok(()) => self.wait(answered).await,
                    Err(NotQueued::Full) => Err(self.full()),
                    Err(NotQueued::After(from)) => Err(StoreError::NotAllowed {
                        id: id.to_string(),
                        from,
                        to,
                    }),
                }
            }
        }
    }

    /// A step of a delivery: refused where the row is in another state.
    pub(crate) async fn step(
        &self,
        id: &str,
        to: State,
        statement: Statement,
    ) -> Result<(), StoreError> {
        if !self.ask(statement).await?.is_empty() {
            return Ok(());
        }
        let id = id.to_owned();
        match self.find(&id).await? {
            None => Err(StoreError::NotFound(id)),
            Some(row)
                if *row.owner != *self.owner && (row.state == to || row.state.may_become(to)) =>
            {
                Err(StoreError::TakenOver(id))
            }
            Some(row) => Err(StoreError::NotAllowed {
                id,
                from: row.state,
                to,
            }),
        }
    }

    pub(crate) fn seal(
        &self,
        id: &str,
        part: &'static str,
        plain: &Option<Bytes>,
    ) -> Result<Option<Arc<Vec<u8>>>, StoreError> {
        let seal = |plain: &Bytes| self.sealer.seal(id, part, plain).map(Arc::new);
        let sealed = plain.as_ref().map(seal).transpose();
        sealed.map_err(|_| StoreError::Refused(format!("the {part} of {id} is too large")))
    }

    pub(crate) fn opened(
        &self,
        id: &str,
        part: &'static str,
        sealed: Option<Vec<u8>>,
    ) -> Result<Option<Bytes>, StoreError> {
        let open = |sealed: Vec<u8>| self.sealer.open(id, part, &sealed).map(Bytes::from);
        sealed
            .map(open)
            .transpose()
            .map_err(|_| StoreError::Sealed {
                id: id.to_owned(),
                part,
            })
    }

    pub(crate) async fn sealed(
        &self,
        id: &str,
        part: &'static str,
        sql: &'static str,
    ) -> Result<Option<Bytes>, StoreError> {
        let rows = self.read(Statement::new(sql, [id.into()])).await?;
        let Some(row) = rows.first() else {
            return Err(StoreError::NotFound(id.to_owned()));
        };
        let sealed = row.blob(0).map_err(|e| error(e.into()))?;
        self.opened(id, part, sealed)
    }

    /// Why nothing can be written.
    pub(crate) fn problem(&self) -> Option<String> {
        let ended = self.writer.is_finished();
        ended
            .then(|| "the ledger is closed".to_owned())
            .or_else(|| self.shared.problem())
    }

    pub(crate) fn closed(&self) -> StoreError {
        StoreError::Unavailable("it is closed".to_owned())
    }

    pub(crate) fn late(&self) -> StoreError {
        let problem = self.problem();
        StoreError::Unavailable(problem.unwrap_or_else(|| "it does not answer in time".to_owned()))
    }

    pub(crate) fn full(&self) -> StoreError {
        let problem = self.problem();
        let full = "too much waits to be written, or it is closed";
        StoreError::Unavailable(problem.unwrap_or_else(|| full.to_owned()))
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.writer.abort();
        if let Some(signs) = &self.signs {
            signs.abort();
        }
    }
}

// === impl Clock ===

impl Clock {
    fn start() -> Clock {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Clock {
            start: Instant::now(),
            start_ms: ms(since.unwrap_or_default()),
        }
    }

    fn now(&self) -> i64 {
        self.start_ms.saturating_add(ms(self.start.elapsed()))
    }
}

/// Rows in the order of their ids.
pub(crate) fn sorted(rows: &Rows) -> Result<Vec<Row>, StoreError> {
    let mut rows = codec::rows(rows)?;
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(rows)
}

pub(crate) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

pub(crate) fn error(fault: Fault) -> StoreError {
    match fault {
        Fault::Unreachable(message) | Fault::Broken(message) => StoreError::Unavailable(message),
        Fault::Statement(message) => StoreError::Refused(message),
    }
}
