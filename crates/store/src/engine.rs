//! A database behind a connection for writing and a pool for reading, whichever it is.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::{Connection, Database, Pool};
use tokio::time::timeout;

use crate::sql::Dialect;
use crate::value::{Columns, Rows, Statement, Value};

/// How long one statement or the wait for a connection may take before the database counts as
/// gone. Longer than the busy timeout of SQLite, so that what it says comes first.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a database did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It cannot be reached, or broke off. It may be back in a moment.
    Unreachable(String),
    /// It is there and cannot: full, locked, read-only, corrupt.
    Broken(String),
    /// It refuses this statement; others may go well.
    Statement(String),
}

/// What a database has to know of itself.
pub(crate) trait Backend: Database<Row: Columns + 'static> {
    /// Begins a transaction that writes.
    const BEGIN: &'static str;
    /// Whether several statements can be one text: then a transaction begins with its first one, which
    /// saves a change of thread.
    const SEVERAL: bool;
    /// What its SQL looks like.
    const DIALECT: &'static Dialect;

    /// Runs a statement, or several in one text.
    fn fetch<'c>(
        connection: &'c mut Self::Connection,
        sql: Cow<'static, str>,
        values: &[Value],
    ) -> BoxFuture<'c, Result<Vec<Self::Row>, sqlx::Error>>;

    /// Runs a statement; answers how many rows it has made or changed.
    fn execute<'c>(
        connection: &'c mut Self::Connection,
        statement: &Statement,
    ) -> BoxFuture<'c, Result<u64, sqlx::Error>>;

    /// What an error of its own means.
    fn judge(error: &dyn sqlx::error::DatabaseError) -> Fault;
}

/// A database, whichever it is.
pub(crate) trait Engine: Send + Sync {
    fn dialect(&self) -> &'static Dialect;

    /// Begins the one transaction that writes. Dropping it rolls it back.
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Transaction>, Fault>>;

    /// Reads with a connection of the pool.
    fn read(&self, statement: Statement) -> BoxFuture<'_, Result<Rows, Fault>>;

    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A transaction that writes.
pub(crate) trait Transaction: Send {
    fn run<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<Rows, Fault>>;
    fn execute<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<u64, Fault>>;
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), Fault>>;
    fn rollback(self: Box<Self>) -> BoxFuture<'static, ()>;
}

type OptionsOf<B> = <<B as Database>::Connection as Connection>::Options;

/// An [`Engine`] of a [`Backend`].
pub(crate) struct Connected<B: Backend> {
    options: OptionsOf<B>,
    writer: Slot<B>,
    readers: Pool<B>,
}

/// Where the writing connection waits for its next transaction. Whatever goes wrong in one, the
/// connection does not come back, so that the next begins with a sound one.
type Slot<B> = Arc<Mutex<Option<<B as Database>::Connection>>>;

struct Open<B: Backend> {
    connection: B::Connection,
    slot: Slot<B>,
    /// Whether the database knows of the transaction.
    begun: bool,
}

// === impl Connected ===

impl<B: Backend> Connected<B> {
    pub(crate) fn new(options: OptionsOf<B>, readers: Pool<B>) -> Connected<B> {
        Connected {
            options,
            writer: Slot::<B>::default(),
            readers,
        }
    }
}

impl<B: Backend> Engine for Connected<B> {
    fn dialect(&self) -> &'static Dialect {
        B::DIALECT
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Transaction>, Fault>> {
        Box::pin(async move {
            let waiting = take(&self.writer);
            let connection = match waiting {
                Some(connection) => connection,
                None => in_time::<B, _>(B::Connection::connect_with(&self.options))
                    .await
                    .map_err(Fault::while_connecting)?,
            };
            let mut open = Open::<B> {
                connection,
                slot: self.writer.clone(),
                begun: false,
            };
            if !B::SEVERAL {
                open.begin().await?;
            }
            Ok(Box::new(open) as Box<dyn Transaction>)
        })
    }

    fn read(&self, statement: Statement) -> BoxFuture<'_, Result<Rows, Fault>> {
        Box::pin(async move {
            let mut connection = in_time::<B, _>(self.readers.acquire())
                .await
                .map_err(Fault::while_connecting)?;
            let rows =
                in_time::<B, _>(B::fetch(&mut connection, statement.sql, &statement.values)).await;
            if let Err(Fault::Unreachable(_)) = rows {
                // It may be in the middle of something.
                drop(connection.detach());
            }
            Ok(boxed::<B>(rows?))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.readers.close().await;
            let waiting = take(&self.writer);
            if let Some(connection) = waiting {
                let _ = timeout(PATIENCE, connection.close()).await;
            }
        })
    }
}

// === impl Open ===

impl<B: Backend> Transaction for Open<B> {
    fn run<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<Rows, Fault>> {
        Box::pin(async move {
            if self.begun {
                return self.fetch(statement.sql.clone(), &statement.values).await;
            }
            self.begun = true;
            let both = format!("{}; {}", B::BEGIN, statement.sql);
            self.fetch(both.into(), &statement.values).await
        })
    }

    fn execute<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(async move {
            // Alone: a beginning in the same text would be counted with what the statement changes.
            if !self.begun {
                self.begin().await?;
            }
            in_time::<B, _>(B::execute(&mut self.connection, statement)).await
        })
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Fault>> {
        Box::pin(async move {
            if self.begun {
                self.fetch("COMMIT".into(), &[]).await?;
            }
            self.put_back();
            Ok(())
        })
    }

    fn rollback(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if !self.begun || self.fetch("ROLLBACK".into(), &[]).await.is_ok() {
                self.put_back();
            }
        })
    }
}

impl<B: Backend> Open<B> {
    async fn begin(&mut self) -> Result<(), Fault> {
        self.begun = true;
        self.fetch(B::BEGIN.into(), &[]).await.map(drop)
    }

    async fn fetch(&mut self, sql: Cow<'static, str>, values: &[Value]) -> Result<Rows, Fault> {
        let rows = in_time::<B, _>(B::fetch(&mut self.connection, sql, values)).await?;
        Ok(boxed::<B>(rows))
    }

    fn put_back(self) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(self.connection);
    }
}

fn take<C>(slot: &Mutex<Option<C>>) -> Option<C> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn boxed<B: Backend>(rows: Vec<B::Row>) -> Rows {
    let boxed = rows
        .into_iter()
        .map(|row| Box::new(row) as Box<dyn Columns>);
    boxed.collect()
}

async fn in_time<B: Backend, T>(
    doing: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Fault> {
    match timeout(PATIENCE, doing).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(sqlx::Error::Database(error))) => Err(B::judge(&*error)),
        Ok(Err(error)) => Err(Fault::of(&error)),
        Err(_) => Err(Fault::Unreachable(
            "the database does not answer".to_owned(),
        )),
    }
}

// === impl Fault ===

impl Fault {
    /// What an error means that did not come from the database itself.
    fn of(error: &sqlx::Error) -> Fault {
        use sqlx::Error;
        match error {
            Error::PoolTimedOut => Fault::Unreachable("no connection is free".to_owned()),
            Error::PoolClosed | Error::WorkerCrashed => Fault::Unreachable(error.to_string()),
            Error::Io(error) => Fault::Unreachable(error.to_string()),
            Error::Tls(_) | Error::Protocol(_) | Error::Configuration(_) => {
                Fault::Unreachable(error.to_string())
            }
            error => Fault::Statement(error.to_string()),
        }
    }

    /// Nobody's record is to blame when there is no connection yet.
    fn while_connecting(self) -> Fault {
        match self {
            Fault::Statement(message) => Fault::Broken(message),
            other => other,
        }
    }

    pub(crate) fn message(&self) -> &str {
        match self {
            Fault::Unreachable(message) | Fault::Broken(message) | Fault::Statement(message) => {
                message
            }
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Fault {
        Fault::of(&error)
    }
}
