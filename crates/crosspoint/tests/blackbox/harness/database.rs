//! The tables of a ledger, read past the program under test.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _, SqliteConnection};

/// A ledger's database, by its URL.
pub struct Database {
    url: String,
}

/// Every value of the calls as text; of what is sealed, each byte that is ASCII as that.
const DUMP: &str = "SELECT c::text || coalesce(encode(c.sealed_call, 'escape'), '') || \
     coalesce(encode(c.sealed_result, 'escape'), '') FROM crosspoint_calls c \
     UNION ALL SELECT m::text || encode(m.value, 'escape') FROM crosspoint_meta m \
     UNION ALL SELECT o::text FROM crosspoint_owners o";

/// Keeps everybody else from writing a ledger, until it is dropped.
pub enum Lock {
    Sqlite(#[expect(dead_code, reason = "it is only held")] SqliteConnection),
    Postgres(#[expect(dead_code, reason = "it is only held")] PgConnection),
}

// === impl Database ===

impl Database {
    pub fn new(url: impl Into<String>) -> Database {
        Database { url: url.into() }
    }

    /// A file of SQLite.
    pub fn file(path: &Path) -> Database {
        Database::new(format!("sqlite:{}", path.display()))
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs SQL, and gives the first column of each row.
    pub async fn sql(&self, sql: &str) -> Vec<String> {
        let text = || sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        if self.url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            let rows = text().fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            return rows.iter().map(|row| row.get_unchecked(0)).collect();
        }
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let rows = text().fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| row.get_unchecked(0)).collect()
    }

    /// Keeps everybody else from writing.
    pub async fn lock(&self) -> Lock {
        if self.url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            let lock = sqlx::raw_sql("BEGIN IMMEDIATE");
            lock.execute(&mut connection).await.unwrap();
            return Lock::Sqlite(connection);
        }
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let lock = sqlx::raw_sql("BEGIN; LOCK TABLE crosspoint_calls IN EXCLUSIVE MODE");
        lock.execute(&mut connection).await.unwrap();
        Lock::Postgres(connection)
    }

    /// Everything that tables of PostgreSQL hold.
    pub async fn dump(&self) -> String {
        self.sql(DUMP).await.join("\n")
    }
}
