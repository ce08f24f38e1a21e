//! Outcomes and failures as SpiffArena's backend reads them.
//!
//! How it judges an answer, in this order: a structured error is the command's failure with that
//! code; an inner status of 300 and above too; an outer one is a failure of the proxy. It tries
//! again (when the task asks for that) on an outer or inner 429 or 5xx only.

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crosspoint_core::{
    Body as Content, Completion, Failure, Invalid, Kind, Outcome, Refusal, inner_status,
};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde_json::{Map, Value, json};

use crate::answer::{self, JSON, Parts};

/// Beyond this size a body is written from where it lies; below, one copy is cheaper.
const COPY: usize = 16 * 1024;

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
pub fn callback(result: Result<Outcome, Failure>) -> Bytes {
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
        Kind::Reported | Kind::Transport | Kind::Refused(Refusal::Egress) => StatusCode::OK,
        // The diagram is wrong: trying again is vain, so never a 5xx.
        Kind::Invalid(Invalid::Arguments) => StatusCode::BAD_REQUEST,
        Kind::Invalid(Invalid::UnknownCommand) => StatusCode::NOT_FOUND,
        Kind::Invalid(Invalid::Conflict) | Kind::Unknown => StatusCode::CONFLICT,
        // Worth trying again later.
        Kind::Refused(Refusal::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
        Kind::Refused(Refusal::DeadlineExceeded) => StatusCode::GATEWAY_TIMEOUT,
        Kind::Refused(
            Refusal::Overloaded
            | Refusal::CircuitOpen
            | Refusal::LedgerUnavailable
            | Refusal::ShuttingDown,
        ) => StatusCode::SERVICE_UNAVAILABLE,
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
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        answer::set(response.headers_mut(), RETRY_AFTER, &seconds.to_string());
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
    answer::bytes(status, JSON, around(body, tail))
}

const HEAD: &[u8] = br#"{"command_response":{"body":"#;

/// What comes after [`HEAD`].
fn body_and_tail(outcome: Outcome, error: Option<Value>) -> (Bytes, String) {
    let body = match outcome.body {
        Content::Json(json) => json.bytes(),
        Content::Text(text) => Value::from(text).to_string().into(),
        // JSON has no bytes: base64 is what every language's reader expects there.
        Content::Bytes(bytes) => Value::from(STANDARD.encode(bytes)).to_string().into(),
    };
    let headers: Map<String, Value> = outcome
        .headers
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let tail = format!(
        r#","mimetype":{},"http_status":{},"headers":{}}},"command_response_version":2,"error":{},"spiff__logs":{}}}"#,
        Value::from(&*outcome.mimetype),
        outcome.status,
        Value::Object(headers),
        error.unwrap_or_default(),
        Value::from(outcome.logs),
    );
    (body, tail)
}

fn around(body: Bytes, tail: String) -> Body {
    if body.len() > COPY {
        return Body::new(Parts::new([Bytes::from_static(HEAD), body, tail.into()]));
    }
    [HEAD, &*body, tail.as_bytes()].concat().into()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
