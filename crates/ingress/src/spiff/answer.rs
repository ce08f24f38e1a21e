//! Outcomes and failures as SpiffArena's backend reads them.
//!
//! How it judges an answer, in this order: a structured error is the command's failure with that
//! code; an inner status of 300 and above too; an outer one is a failure of the proxy. It tries
//! again (when the task asks for that) on an outer or inner 429 or 5xx only.

use axum::response::Response;
use bytes::Bytes;
use crosspoint_broker::ledger::Row;
use crosspoint_core::{Completion, Failure, Invalid, Kind, Outcome, Refusal, inner_status};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};

use crate::answer::{self, JSON};

/// An outcome: its verbatim answer, or the version 2 envelope. Outer 202 when the result follows,
/// from the connector itself or from us.
pub(super) fn succeeded(outcome: Outcome) -> Response {
    let later = outcome.completion != Completion::Finished;
    let status = if later {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    let mut response = match outcome.verbatim {
        Some(_) => verbatim(outcome),
        None => envelope(status, outcome, None),
    };
    if later {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    response
}

/// The result of a long call as it is sent to its callback: always the version 2 envelope, with an
/// error whatever kind of failure it was, since there is no outer status any more.
pub fn callback(_: &Row, result: Result<Outcome, Failure>) -> Bytes {
    let (outcome, error) = match result {
        Ok(outcome) => (outcome, None),
        Err(failure) => {
            let (error, status) = (error(&failure), inner_status(&failure));
            let outcome = failure.outcome;
            let outcome = outcome.map_or_else(|| Outcome::empty(status), |outcome| *outcome);
            (outcome, Some(error))
        }
    };
    let (body, tail) = body_and_tail(outcome, error);
    [HEAD, &*body, tail.as_bytes()].concat().into()
}

/// A failure: the one place where SpiffArena's statuses are decided.
pub(super) fn failed(failure: Failure) -> Response {
    let status = match failure.kind {
        // The command ran, or would have: its own failure, which a diagram can catch.
        Kind::Reported
        | Kind::Transport
        | Kind::Refused(Refusal::Egress | Refusal::NotAuthorised) => StatusCode::OK,
        // The diagram is wrong: trying again is vain, so never a 5xx.
        Kind::Invalid(Invalid::Arguments | Invalid::Input | Invalid::Profile) => {
            StatusCode::BAD_REQUEST
        }
        Kind::Invalid(Invalid::UnknownCommand) => StatusCode::NOT_FOUND,
        Kind::Invalid(Invalid::Conflict) | Kind::Unknown => StatusCode::CONFLICT,
        // Worth trying again later.
        Kind::Refused(Refusal::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
        Kind::Refused(Refusal::DeadlineExceeded) => StatusCode::GATEWAY_TIMEOUT,
        Kind::Refused(
            Refusal::Overloaded
            | Refusal::CircuitOpen
            | Refusal::LedgerUnavailable
            | Refusal::ShuttingDown
            | Refusal::NotReady
            | Refusal::SecretUnavailable,
        ) => StatusCode::SERVICE_UNAVAILABLE,
        // Trying again is vain, whatever the number says; the backend does not know better.
        Kind::Refused(Refusal::LedgerOff) => StatusCode::NOT_IMPLEMENTED,
        Kind::Refused(Refusal::Loop) => StatusCode::LOOP_DETECTED,
        // The connector broke.
        Kind::Raised | Kind::Crashed => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let wait = failure.retry_after;
    let mut response = if status == StatusCode::OK {
        own_failure(failure)
    } else {
        not_run(status, &failure)
    };
    if let Some(wait) = wait {
        let seconds = answer::seconds(wait).to_string();
        answer::set(response.headers_mut(), RETRY_AFTER, &seconds);
    }
    response
}

fn own_failure(failure: Failure) -> Response {
    let error = error(&failure);
    let status = inner_status(&failure);
    let outcome = failure
        .outcome
        .map_or_else(|| Outcome::empty(status), |outcome| *outcome);
    match outcome.verbatim {
        Some(_) => verbatim(outcome),
        None => envelope(StatusCode::OK, outcome, Some(error)),
    }
}

/// `ConnectorProxyProtocolError`, with the log lines if there are any.
fn not_run(status: StatusCode, failure: &Failure) -> Response {
    let mut answer = json!({"command_response": {}, "error": error(failure)});
    if let Some(outcome) = failure.outcome.as_ref().filter(|o| !o.logs.is_empty()) {
        answer["spiff__logs"] = json!(outcome.logs);
    }
    answer::json(status, &answer)
}

fn error(failure: &Failure) -> Value {
    json!({"error_code": failure.code, "message": failure.message})
}

fn verbatim(outcome: Outcome) -> Response {
    let Some(verbatim) = outcome.verbatim else {
        return envelope(StatusCode::OK, outcome, None);
    };
    let status = StatusCode::from_u16(verbatim.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mimetype = HeaderValue::from_str(&verbatim.mimetype).unwrap_or(JSON);
    answer::bytes(status, mimetype, verbatim.body)
}

/// The version 2 envelope (`ConnectorProxyResponseV2`), written around the body's own text.
fn envelope(status: StatusCode, outcome: Outcome, error: Option<Value>) -> Response {
    let (body, tail) = body_and_tail(outcome, error);
    answer::bytes(
        status,
        JSON,
        answer::joined([Bytes::from_static(HEAD), body, tail.into()]),
    )
}

const HEAD: &[u8] = br#"{"command_response":{"body":"#;

/// What comes after [`HEAD`].
fn body_and_tail(outcome: Outcome, error: Option<Value>) -> (Bytes, String) {
    let (body, _) = answer::body_json(outcome.body);
    let headers = answer::headers_json(outcome.headers);
    let tail = format!(
        r#","mimetype":{},"http_status":{},"headers":{}}},"command_response_version":2,"error":{},"spiff__logs":{}}}"#,
        Value::from(&*outcome.mimetype),
        outcome.status,
        headers,
        error.unwrap_or_default(),
        Value::from(outcome.logs),
    );
    (body, tail)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
