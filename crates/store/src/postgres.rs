//! PostgreSQL: several processes that share the work.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use futures_util::TryFutureExt;
use futures_util::future::{BoxFuture, ready};
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPoolOptions, PgRow, Postgres};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions as _, Row as _};

use crate::engine::{Backend, Connected, Fault};
use crate::open::Durability;
use crate::sql::Dialect;
use crate::value::{Columns, Statement, Value};

/// How many reads may run at once.
const READERS: u32 = 4;

/// How long a transaction may do nothing before the server breaks it off: the locks of a process that
/// was stopped in the middle of one must not keep the others waiting. Less than they are patient.
const IDLE: Duration = Duration::from_secs(4);

/// Stands before a digit in the place of a character that PostgreSQL does not store, or of itself.
/// Not a character of any script, so that texts that people write stay as they are.
const ESCAPE: char = '\u{10FFFF}';

static DIALECT: Dialect = Dialect {
    blob: "BYTEA",
    // Compared by bytes: faster, and the same in every locale.
    text: "TEXT COLLATE \"C\"",
    numbered: true,
    now: "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
    skip_locked: " FOR UPDATE SKIP LOCKED",
    leases: true,
    // Any number will do as long as it stays: "crosspnt".
    lock: Some("SELECT CAST(pg_advisory_xact_lock(7165063455914163828) AS TEXT)"),
};

/// Connects to a server when it is first needed.
pub(crate) fn engine(
    url: &str,
    durability: Durability,
    lease: Duration,
) -> Result<Connected<Postgres>, sqlx::Error> {
    let idle = (lease / 3).min(IDLE).as_millis().to_string();
    let options = PgConnectOptions::from_str(url)?
        .application_name("crosspoint")
        .options([
            (
                "synchronous_commit",
                match durability {
                    Durability::Process => "off",
                    Durability::Full => "on",
                },
            ),
            ("idle_in_transaction_session_timeout", &*idle),
        ])
        .disable_statement_logging();
    let readers = PgPoolOptions::new()
        .max_connections(READERS)
        .connect_lazy_with(options.clone());
    Ok(Connected::new(options, readers))
}

/// Whether a text is a URL of a server.
pub(crate) fn is_url(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

impl Backend for Postgres {
    const BEGIN: &'static str = "BEGIN";
    const SEVERAL: bool = false;
    const DIALECT: &'static Dialect = &DIALECT;

    fn fetch<'c>(
        connection: &'c mut PgConnection,
        sql: Cow<'static, str>,
        values: &[Value],
    ) -> BoxFuture<'c, Result<Vec<PgRow>, sqlx::Error>> {
        match arguments(values) {
            Ok(arguments) => {
                let sql = AssertSqlSafe(sql);
                Box::pin(sqlx::query_with::<Postgres, _>(sql, arguments).fetch_all(connection))
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn execute<'c>(
        connection: &'c mut PgConnection,
        statement: &Statement,
    ) -> BoxFuture<'c, Result<u64, sqlx::Error>> {
        match arguments(&statement.values) {
            Ok(arguments) => {
                let sql = AssertSqlSafe(statement.sql.clone());
                let executing = sqlx::query_with::<Postgres, _>(sql, arguments).execute(connection);
                Box::pin(executing.map_ok(|done| done.rows_affected()))
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn judge(error: &dyn DatabaseError) -> Fault {
        let code = error.code().unwrap_or_default();
        let message = format!("PostgreSQL: {}", error.message());
        match code.get(..2).unwrap_or_default() {
            // Connections that end, a server that stops or is full of connections.
            "08" | "57" => Fault::Unreachable(message),
            "53" if code == "53300" => Fault::Unreachable(message),
            // This process was stopped in the middle of a transaction.
            "25" if code == "25P03" => Fault::Unreachable(message),
            // Resources, damage, a standby that takes no writes, rights, a wrong password.
            "53" | "58" | "XX" | "25" | "28" | "42" | "3D" | "3F" => Fault::Broken(message),
            _ => Fault::Statement(message),
        }
    }
}

fn arguments(values: &[Value]) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::Text(text) => arguments.add(text.as_deref().map(escape)),
            Value::Int(number) => arguments.add(number),
            Value::Blob(bytes) => arguments.add(bytes.as_deref()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// A text without NUL, which PostgreSQL does not store. Different texts stay different.
fn escape(text: &str) -> Cow<'_, str> {
    // One by one, which is much faster than both at once.
    if !text.contains('\0') && !text.contains(ESCAPE) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\0' => escaped.extend([ESCAPE, '0']),
            ESCAPE => escaped.extend([ESCAPE, '1']),
            c => escaped.push(c),
        }
    }
    escaped.into()
}

fn unescape(text: String) -> String {
    if !text.contains(ESCAPE) {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match (c == ESCAPE).then(|| chars.next()) {
            None => c,
            Some(Some('0')) => '\0',
            Some(_) => ESCAPE,
        });
    }
    plain
}

impl Columns for PgRow {
    fn text(&self, column: usize) -> Result<Option<String>, sqlx::Error> {
        let text: Option<String> = self.try_get_unchecked(column)?;
        Ok(text.map(unescape))
    }

    fn int(&self, column: usize) -> Result<Option<i64>, sqlx::Error> {
        self.try_get_unchecked(column)
    }

    fn blob(&self, column: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.try_get_unchecked(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_nul_come_back_and_stay_apart() {
        let texts = ["", "plain", "a\0b", "a\u{10FFFF}0b", "\0", "\u{10FFFF}"];
        let escaped: Vec<_> = texts.iter().map(|text| escape(text)).collect();
        for (text, escaped) in texts.iter().zip(&escaped) {
            assert!(!escaped.contains('\0'));
            assert_eq!(unescape(escaped.clone().into_owned()), *text);
        }
        assert_eq!(escape("plain"), "plain");
    }
}
