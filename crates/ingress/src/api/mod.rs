//! `/api/v1`: the API for any program that is no engine.
//!
//! `answer.rs` has the one function that turns a failure into an answer, `problem.rs` what is answered
//! where nothing was done (RFC 9457).

mod answer;
mod audit;
mod call;
mod change;
mod decide;
mod events;
mod invocation;
mod ledger;
mod listing;
mod problem;
pub(crate) mod profiles;
mod query;
pub(crate) mod secrets;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

pub use answer::callback;
pub(crate) use audit::audit;
pub(crate) use call::call;
pub(crate) use decide::{replay, settle};
pub(crate) use events::{FOLLOWERS, LAST_EVENT_ID, events};
pub(crate) use ledger::{list, one};
pub(crate) use listing::{commands, connectors};
use problem::Problem;

/// Whether a path belongs to the API.
pub(crate) fn is_below(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// What the access rules turned away.
pub(crate) fn denied(status: StatusCode, message: String) -> Response {
    let code = match status {
        StatusCode::UNAUTHORIZED => "unauthorized",
        _ => "forbidden",
    };
    Problem::new(status, code, message).into_response()
}

/// A JSON value, or why there is none.
fn shown(found: Result<Value, Problem>) -> Response {
    match found {
        Ok(value) => crate::answer::json(StatusCode::OK, &value),
        Err(problem) => problem.into_response(),
    }
}

/// That it is done, which needs no words, or why not.
fn done(done: Result<(), Problem>) -> Response {
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// The answer to a path that is none.
pub(crate) fn nothing_here(path: &str) -> Response {
    let message = format!("nothing at {path}; GET /openapi.json describes /api/v1");
    Problem::new(StatusCode::NOT_FOUND, "not_found", message).into_response()
}

/// The answer to a method that a path does not take.
pub(crate) fn not_that_way(message: String) -> Response {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
    .into_response()
}
