//! Runs one statement in a transaction.

use std::pin::pin;

use crosspoint_core::Failure;
use futures_util::TryStreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, SimpleQueryMessage, Statement, Transaction};

use super::bind::{self, Parameter};
use super::fault;
use super::job::Step;
use super::rows;
use super::run::{Asked, Brought, Stopped};

/// Runs `step`, which is number `number`. With a limit its rows are read, at most so many.
pub(super) async fn run(
    sql: &Transaction<'_>,
    step: &Step,
    number: usize,
    fetch: Option<usize>,
    asked: &Asked,
) -> Result<Brought, Stopped> {
    let statement = prepare(sql, step, number, asked).await?;
    let mut parameters: Vec<Parameter> = Vec::with_capacity(step.values.len());
    for (value, wanted) in step.values.iter().zip(statement.params()) {
        parameters.push(bind::parameter(value, wanted)?);
    }
    let parameters: Vec<_> = parameters
        .iter()
        .map(|p| p as &(dyn ToSql + Sync))
        .collect();
    let bad = |error: Error| step.failed(&error);
    if statement.columns().is_empty() {
        if fetch.is_some() {
            let message = "the last statement has no rows to fetch, so the transaction was undone";
            return Err(fault::undone("ProgrammingError", message).into());
        }
        let count = sql.execute(&statement, &parameters).await.map_err(bad)?;
        let count = (count > 0 || step.counts()).then_some(count);
        return Ok(Brought { rows: None, count });
    }
    let portal = sql.bind(&statement, &parameters).await.map_err(bad)?;
    let name = name_of_latest_portal(sql).await.map_err(bad)?;
    let brought = match fetch {
        Some(limit) => Brought {
            rows: Some(read(sql, &statement, &name, step, limit).await?),
            count: None,
        },
        None => Brought {
            rows: None,
            count: Some(skip(sql, &name).await.map_err(bad)?),
        },
    };
    drop(portal);
    Ok(brought)
}

/// Has the server analyse a statement, so that it tells the types of values and columns.
async fn prepare(
    sql: &Transaction<'_>,
    step: &Step,
    number: usize,
    asked: &Asked,
) -> Result<Statement, Stopped> {
    // UNKNOWN leaves it to the server.
    let ask = |value| {
        asked
            .get(&(number, value))
            .cloned()
            .unwrap_or(Type::UNKNOWN)
    };
    let mut types: Vec<_> = (0..step.values.len()).map(ask).collect();
    let prepared = sql.prepare_typed(&step.sql, &types).await;
    let statement = prepared.map_err(|error| unprepared(&error, step, number))?;
    if statement.params().len() != types.len() {
        let message = "a placeholder of PostgreSQL's own ($1) stands in 'sql'; write %s";
        return Err(fault::argument("UndefinedParameter", message).into());
    }
    let mut again = false;
    for (value, reported) in statement.params().iter().enumerate() {
        if let Some(wider) = bind::wider(&step.values[value], reported) {
            types[value] = wider;
            again = true;
        }
    }
    match again {
        false => Ok(statement),
        true => {
            let prepared = sql.prepare_typed(&step.sql, &types).await;
            prepared.map_err(|error| unprepared(&error, step, number))
        }
    }
}

fn unprepared(error: &Error, step: &Step, number: usize) -> Stopped {
    let failure = step.failed(error);
    let value = match error.as_db_error() {
        Some(refusal) if *refusal.code() == SqlState::INDETERMINATE_DATATYPE => {
            fault::number(refusal.message())
        }
        _ => None,
    };
    match value.and_then(|value| value.checked_sub(1)) {
        Some(value) if value < step.values.len() => Stopped::Untyped(failure, (number, value)),
        _ => failure.into(),
    }
}

/// The name of the portal that was made last. The library keeps it to itself, but a portal is a
/// cursor, and in SQL a cursor can be read as text and skipped without sending its rows.
async fn name_of_latest_portal(sql: &Transaction<'_>) -> Result<String, Error> {
    let query = "SELECT pg_catalog.quote_ident(name) FROM pg_catalog.pg_cursors \
                 ORDER BY creation_time DESC LIMIT 1";
    let answer = sql.simple_query(query).await?;
    let name = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(name.unwrap_or_default().to_owned())
}

/// Reads the rows of a portal as a JSON list of lists.
async fn read(
    sql: &Transaction<'_>,
    statement: &Statement,
    portal: &str,
    step: &Step,
    limit: usize,
) -> Result<String, Failure> {
    let bad = |error: Error| step.failed(&error);
    let fetch = format!("FETCH FORWARD {} FROM {portal}", limit.saturating_add(1));
    let mut messages = pin!(sql.client().simple_query_raw(&fetch).await.map_err(bad)?);
    let mut out = String::from("[");
    let mut count = 0;
    while let Some(message) = messages.try_next().await.map_err(bad)? {
        let SimpleQueryMessage::Row(row) = message else {
            continue;
        };
        count += 1;
        if count > limit {
            let message =
                format!("there are more than {limit} rows, so the transaction was undone");
            return Err(fault::undone("TooManyRows", message));
        }
        out.push_str(if count == 1 { "[" } else { ",[" });
        for (i, column) in statement.columns().iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            rows::add(&mut out, column.type_(), row.try_get(i).map_err(bad)?);
        }
        out.push(']');
    }
    out.push(']');
    Ok(out)
}

/// Runs a portal to its end and counts its rows without sending them.
async fn skip(sql: &Transaction<'_>, portal: &str) -> Result<u64, Error> {
    let answer = sql
        .simple_query(&format!("MOVE FORWARD ALL FROM {portal}"))
        .await?;
    let count = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::CommandComplete(count) => Some(*count),
        _ => None,
    });
    Ok(count.unwrap_or_default())
}
