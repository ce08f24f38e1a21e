//! The tables, and how they come to be. Several processes may start at once.

use crate::engine::{Engine, Fault, Transaction};
use crate::open::OpenError;
use crate::sql::Dialect;
use crate::value::Statement;

/// What brings the schema from each version to the next, beginning with none. Only ever appended
/// to. `{blob}` and `{text}` stand for the database's own types.
const MIGRATIONS: &[&[&str]] = &[CALLS, CABINET];

const CALLS: &[&str] = &[
    "CREATE TABLE crosspoint_meta (
        name {text} PRIMARY KEY,
        value {blob} NOT NULL
    )",
    "CREATE TABLE crosspoint_owners (
        owner {text} PRIMARY KEY,
        lease BIGINT NOT NULL
    )",
    // What is large comes last, so that the rest is read without it.
    "CREATE TABLE crosspoint_calls (
        id {text} PRIMARY KEY,
        key_hash {blob} UNIQUE,
        scope {text},
        key {text},
        fingerprint {blob},
        ingress {text} NOT NULL,
        caller {text},
        instance {text},
        model {text},
        task {text},
        request_id {text} NOT NULL,
        connector {text} NOT NULL,
        command {text} NOT NULL,
        created BIGINT NOT NULL,
        owner {text} NOT NULL,
        callback {text},
        state {text} NOT NULL,
        attempts BIGINT NOT NULL,
        started BIGINT,
        ended BIGINT,
        status BIGINT,
        mimetype {text},
        code {text},
        effect {text},
        may_pass BIGINT,
        argument_bytes BIGINT NOT NULL,
        result_bytes BIGINT,
        size BIGINT NOT NULL,
        deliveries BIGINT NOT NULL,
        deliver_at BIGINT,
        deliver_until BIGINT,
        delivery_error {text},
        message {text},
        arguments {text},
        summary {text},
        sealed_call {blob},
        sealed_result {blob}
    )",
    "CREATE INDEX crosspoint_calls_connector ON crosspoint_calls (connector, id)",
    // Nearly all rows succeed at once, and then this index never sees them.
    "CREATE INDEX crosspoint_calls_state ON crosspoint_calls (state, id)
        WHERE state <> 'succeeded'",
    "CREATE INDEX crosspoint_calls_task ON crosspoint_calls (task, id) WHERE task IS NOT NULL",
    "CREATE INDEX crosspoint_calls_instance ON crosspoint_calls (instance, id)
        WHERE instance IS NOT NULL",
    "CREATE INDEX crosspoint_calls_request ON crosspoint_calls (request_id, id)
        WHERE request_id <> id",
];

/// What outlives the process beside calls. The two counters are what revisions are taken from, and
/// what tells others that something was changed.
const CABINET: &[&str] = &[
    "CREATE TABLE crosspoint_items (
        drawer {text} NOT NULL,
        id {text} NOT NULL,
        revision BIGINT NOT NULL,
        changed BIGINT NOT NULL,
        expires BIGINT,
        claimed BIGINT,
        sealed {blob} NOT NULL,
        PRIMARY KEY (drawer, id)
    )",
    "CREATE INDEX crosspoint_items_expires ON crosspoint_items (expires)
        WHERE expires IS NOT NULL",
    "CREATE TABLE crosspoint_acts (
        id BIGINT PRIMARY KEY,
        at BIGINT NOT NULL,
        actor {text} NOT NULL,
        ingress {text} NOT NULL,
        act {text} NOT NULL,
        subject {text} NOT NULL,
        detail {text}
    )",
    "CREATE TABLE crosspoint_counters (
        name {text} PRIMARY KEY,
        value BIGINT NOT NULL
    )",
    "INSERT INTO crosspoint_counters (name, value) VALUES ('revision', 0), ('version', 0)",
    "ALTER TABLE crosspoint_calls ADD COLUMN profile {text}",
    "ALTER TABLE crosspoint_calls ADD COLUMN uses {text}",
];

/// The table with the version has the same shape for ever, so that any program can read it.
const VERSION_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS crosspoint_schema (version BIGINT PRIMARY KEY)";
const VERSION: &str = "SELECT MAX(version) FROM crosspoint_schema";
const SET_VERSION: &str = "INSERT INTO crosspoint_schema (version) VALUES ($1)";

/// Brings the schema up to date, in one transaction that keeps other processes waiting.
pub(crate) async fn migrate(engine: &dyn Engine) -> Result<(), OpenError> {
    let known = MIGRATIONS.len() as i64;
    // Usually there is nothing to do, and then nothing has to wait.
    if let Ok(rows) = engine.read(Statement::new(VERSION, [])).await
        && let Some(Ok(Some(found))) = rows.first().map(|row| row.int(0))
    {
        if found == known {
            return Ok(());
        }
        if found > known {
            return Err(OpenError::Newer { found, known });
        }
    }
    let mut transaction = engine.begin().await?;
    match apply(&mut *transaction, engine.dialect()).await {
        Ok(()) => Ok(transaction.commit().await?),
        Err(error) => {
            transaction.rollback().await;
            Err(error)
        }
    }
}

async fn apply(transaction: &mut dyn Transaction, dialect: &Dialect) -> Result<(), OpenError> {
    if let Some(lock) = dialect.lock {
        transaction.run(&Statement::new(lock, [])).await?;
    }
    transaction.run(&Statement::new(VERSION_TABLE, [])).await?;
    let rows = transaction.run(&Statement::new(VERSION, [])).await?;
    let found = rows.first().map(|row| row.int(0)).transpose();
    let found = found.map_err(Fault::from)?.flatten().unwrap_or(0);
    let known = MIGRATIONS.len() as i64;
    let Some(missing) = usize::try_from(found)
        .ok()
        .and_then(|n| MIGRATIONS.get(n..))
    else {
        return Err(OpenError::Newer { found, known });
    };
    for statement in missing.concat() {
        let sql = dialect.spell(statement);
        transaction.run(&Statement::new(sql, [])).await?;
    }
    if found < known {
        let set = Statement::new(SET_VERSION, [known.into()]);
        transaction.run(&set).await?;
    }
    Ok(())
}
