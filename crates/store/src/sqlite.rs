//! SQLite: one file, one process that serves from it.

use std::borrow::Cow;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use futures_util::TryFutureExt;
use futures_util::future::{BoxFuture, ready};
use sqlx::error::DatabaseError;
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode,
    SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions as _, Row as _};

use crate::engine::{Backend, Connected, Fault};
use crate::open::Durability;
use crate::sql::Dialect;
use crate::value::{Columns, Statement, Value};

/// How long a write waits for another process (a backup, the command line) to let go.
const BUSY: Duration = Duration::from_secs(5);

/// How many reads may run at once, each in a thread of its own.
const READERS: u32 = 4;

static DIALECT: Dialect = Dialect {
    blob: "BLOB",
    text: "TEXT",
    numbered: false,
    now: "0",
    skip_locked: "",
    leases: false,
    lock: None,
};

/// Opens a file, which is made when it is missing.
pub(crate) fn engine(path: &Path, durability: Durability) -> Connected<Sqlite> {
    let writer = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match durability {
            Durability::Process => SqliteSynchronous::Normal,
            Durability::Full => SqliteSynchronous::Full,
        })
        .busy_timeout(BUSY)
        // What a burst made large does not stay so.
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging();
    let reader = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY)
        .disable_statement_logging();
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .connect_lazy_with(reader);
    Connected::new(writer, readers)
}

/// Whether a text is a URL of a file.
pub(crate) fn file_of(url: &str) -> Option<Result<std::path::PathBuf, sqlx::Error>> {
    url.starts_with("sqlite:").then(|| {
        SqliteConnectOptions::from_str(url).map(|options| options.get_filename().to_owned())
    })
}

impl Backend for Sqlite {
    // A transaction that first reads and then writes would be refused at once, however long the
    // busy timeout, when another process has written in between.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const SEVERAL: bool = true;
    const DIALECT: &'static Dialect = &DIALECT;

    fn fetch<'c>(
        connection: &'c mut SqliteConnection,
        sql: Cow<'static, str>,
        values: &[Value],
    ) -> BoxFuture<'c, Result<Vec<SqliteRow>, sqlx::Error>> {
        match arguments(values) {
            Ok(arguments) => {
                let sql = AssertSqlSafe(sql);
                Box::pin(sqlx::query_with::<Sqlite, _>(sql, arguments).fetch_all(connection))
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn execute<'c>(
        connection: &'c mut SqliteConnection,
        statement: &Statement,
    ) -> BoxFuture<'c, Result<u64, sqlx::Error>> {
        match arguments(&statement.values) {
            Ok(arguments) => {
                let sql = AssertSqlSafe(statement.sql.clone());
                let executing = sqlx::query_with::<Sqlite, _>(sql, arguments).execute(connection);
                Box::pin(executing.map_ok(|done| done.rows_affected()))
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn judge(error: &dyn DatabaseError) -> Fault {
        let code = error.code().and_then(|code| code.parse::<i32>().ok());
        let message = error.message();
        // The primary code is in the low byte.
        let advice = match code.unwrap_or_default() & 0xff {
            5 | 6 => "another process holds its lock: end that one, or let it finish",
            8 => "it cannot be written: check the permissions of the file and its directory",
            10 => "reading or writing it failed: check the disk",
            11 | 26 => "the file is damaged or no SQLite database: restore a copy of it",
            13 => "the disk is full, or the file may not grow: make room",
            14 => "it cannot be opened: check that its directory exists and can be written",
            _ => return Fault::Statement(message.to_owned()),
        };
        Fault::Broken(format!("SQLite: {message}; {advice}"))
    }
}

fn arguments(values: &[Value]) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value.clone() {
            Value::Text(text) => arguments.add(text),
            Value::Int(number) => arguments.add(number),
            Value::Blob(bytes) => arguments.add(bytes),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

impl Columns for SqliteRow {
    fn text(&self, column: usize) -> Result<Option<String>, sqlx::Error> {
        self.try_get_unchecked(column)
    }

    fn int(&self, column: usize) -> Result<Option<i64>, sqlx::Error> {
        self.try_get_unchecked(column)
    }

    fn blob(&self, column: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.try_get_unchecked(column)
    }
}
