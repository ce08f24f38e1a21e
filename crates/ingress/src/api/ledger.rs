//! `GET /api/v1/calls` and `GET /api/v1/calls/{id}`: what was recorded.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use crosspoint_broker::access::Right;
use crosspoint_broker::ledger::{Filter, Row, Store, StoreError, open_result, row_json};
use crosspoint_core::{CallId, Failure, Outcome};
use http::Uri;
use serde_json::{Map, Value, json};

use super::answer::{self, Brought};
use super::{Problem, query};
use crate::request::Seen;
use crate::router::Shared;

/// Calls, the newest first.
pub(crate) async fn list(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    uri: Uri,
) -> Response {
    super::shown(page(&shared, &seen, uri.query()).await)
}

async fn page(shared: &Shared, seen: &Seen, query: Option<&str>) -> Result<Value, Problem> {
    let query::Page {
        mut filter,
        limit,
        before,
    } = query::page(query)?;
    within(seen, &mut filter)?;
    let store = store(shared)?;
    // One more than is shown tells whether there are more.
    let mut rows = store.list(&filter, limit + 1, before.as_deref()).await?;
    let next = query::cut(&mut rows, limit).map(|row| query::cursor(&row.id));
    let calls: Value = rows.iter().map(row_json).collect();
    Ok(json!({"calls": calls, "next": next}))
}

/// One call, with its result where that was kept.
pub(crate) async fn one(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    match find(&shared, &seen, path).await {
        Ok(row) => shown(&shared, &row).await,
        Err(problem) => problem.into_response(),
    }
}

/// Keeps a list within the connectors that the caller's key is good for.
pub(super) fn within(seen: &Seen, filter: &mut Filter) -> Result<(), Problem> {
    let Some(key) = seen.key.as_ref().filter(|_| seen.is_of_connectors()) else {
        return Ok(());
    };
    if filter.connector.is_none() {
        filter.connector = key.scopes.only_connector().map(str::to_owned);
    }
    let refusal = match &filter.connector {
        Some(connector) => seen.refusal_of(connector),
        None => Some(format!(
            "the key '{}' is good for some connectors only ({}): name one, as connector=NAME",
            key.name, key.scopes
        )),
    };
    match refusal {
        None => Ok(()),
        Some(detail) => Err(Problem::forbidden(detail)),
    }
}

/// The call that a path names. To a caller who may not see it, it is not there.
pub(super) async fn find(
    shared: &Shared,
    seen: &Seen,
    path: Result<Path<String>, PathRejection>,
) -> Result<Row, Problem> {
    let store = store(shared)?;
    let Ok(Path(id)) = path else {
        return Err(Problem::no_such_call("that is not UTF-8 text"));
    };
    // However the id is spelled.
    let Ok(call) = id.parse::<CallId>() else {
        return Err(Problem::no_such_call(&id));
    };
    let row = store.find(&call.to_string()).await?;
    let row = row.filter(|row| may_see(seen, row));
    row.ok_or_else(|| Problem::no_such_call(&id))
}

/// Who may only call sees the own calls.
fn may_see(seen: &Seen, row: &Row) -> bool {
    let Some(key) = &seen.key else {
        return true;
    };
    let own = row.about.caller.as_deref() == Some(&*key.name);
    seen.sees(&row.about.connector) && (own || key.scopes.allow(Right::Read))
}

/// A call as it is now.
pub(super) async fn again(shared: &Shared, id: &str) -> Response {
    let found = match store(shared) {
        Ok(store) => store.find(id).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match found {
        Ok(Some(row)) => shown(shared, &row).await,
        Ok(None) => Problem::no_such_call(id).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn shown(shared: &Shared, row: &Row) -> Response {
    let result = match store(shared) {
        Ok(store) => result(store, row).await,
        Err(problem) => return problem.into_response(),
    };
    let mut members = match row_json(row) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let (brought, error) = match result {
        Ok(Some(result)) => (Brought::of(result).by(row), None),
        Ok(None) => (Brought::of_row(row), None),
        Err(error) => (Brought::of_row(row), Some(error)),
    };
    members.insert("result_error".to_owned(), error.into());
    answer::whole(members, brought)
}

/// The whole result. None where none was kept. The error is why it cannot be read.
async fn result(store: &dyn Store, row: &Row) -> Result<Option<Result<Outcome, Failure>>, String> {
    if !row.kept.result {
        return Ok(None);
    }
    let sealed = store.result(&row.id).await.map_err(|error| match error {
        StoreError::Unavailable(_) => "the ledger does not answer at the moment".to_owned(),
        error => error.to_string(),
    })?;
    let opened = sealed.map(|sealed| open_result(&sealed)).transpose();
    opened.map_err(|error| error.to_string())
}

pub(super) fn store(shared: &Shared) -> Result<&dyn Store, Problem> {
    shared.broker.ledger().ok_or_else(Problem::no_ledger)
}
