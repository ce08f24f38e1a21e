//! A call as it is answered, polled and sent to a callback: one object, whatever became of it.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crosspoint_broker::Ended;
use crosspoint_broker::ledger::{Row, State};
use crosspoint_core::{
    CallId, CommandId, Completion, Effect, Failure, Invalid, Kind, Outcome, Refusal,
};
use http::StatusCode;
use http::header::LOCATION;
use serde_json::{Map, Value, json};

use super::Problem;
use super::problem::Mistake;
use crate::answer::{self, JSON};

/// The pause before another try where nobody knows a better one.
const PAUSE: Duration = Duration::from_secs(1);

/// What a call has brought back, as far as that is known.
pub(super) struct Brought {
    /// The outcome, or what came with a failure.
    pub(super) outcome: Option<Outcome>,
    /// Why it failed.
    pub(super) error: Value,
}

/// A call that was waited for. `errors` are the mistakes of its arguments.
pub(super) fn ended(command: &CommandId, ended: Ended, errors: Vec<Mistake>) -> Response {
    let Ended {
        id, state, result, ..
    } = ended;
    match result {
        Ok(outcome) if outcome.completion == Completion::Accepted => accepted(command, id, state),
        Ok(outcome) => told(command, id, state, Ok(outcome)),
        Err(failure) => failed(command, id, state, failure, errors),
    }
}

/// A call that goes on: its result is delivered, or asked for at the place that is named.
fn accepted(command: &CommandId, id: CallId, state: State) -> Response {
    let members = Value::Object(members(command, &id.to_string(), state));
    let mut response = answer::json(StatusCode::ACCEPTED, &members);
    let location = format!("/api/v1/calls/{id}");
    answer::set(response.headers_mut(), LOCATION, &location);
    response
}

/// A failure: the one place where the API's statuses are decided.
fn failed(
    command: &CommandId,
    id: CallId,
    state: State,
    failure: Failure,
    errors: Vec<Mistake>,
) -> Response {
    let (status, wait) = match failure.kind {
        // The command ran, or would have: its own failure.
        Kind::Reported
        | Kind::Transport
        | Kind::Refused(Refusal::Egress | Refusal::NotAuthorised) => {
            return told(command, id, state, Err(failure));
        }
        // Trying again is vain.
        Kind::Invalid(Invalid::Arguments | Invalid::Input | Invalid::Profile) => {
            (StatusCode::BAD_REQUEST, None)
        }
        Kind::Invalid(Invalid::UnknownCommand) => (StatusCode::NOT_FOUND, None),
        Kind::Invalid(Invalid::Conflict) | Kind::Unknown => (StatusCode::CONFLICT, None),
        // Worth trying again later.
        Kind::Refused(Refusal::RateLimited) => (StatusCode::TOO_MANY_REQUESTS, Some(PAUSE)),
        Kind::Refused(
            Refusal::Overloaded
            | Refusal::CircuitOpen
            | Refusal::LedgerUnavailable
            | Refusal::ShuttingDown
            | Refusal::NotReady
            | Refusal::SecretUnavailable,
        ) => (StatusCode::SERVICE_UNAVAILABLE, Some(PAUSE)),
        // Only where it does no harm.
        Kind::Refused(Refusal::DeadlineExceeded) => {
            let harmless = failure.effect == Effect::None;
            (StatusCode::GATEWAY_TIMEOUT, harmless.then_some(PAUSE))
        }
        // Not with this configuration.
        Kind::Refused(Refusal::LedgerOff) => (StatusCode::NOT_IMPLEMENTED, None),
        Kind::Refused(Refusal::Loop) => (StatusCode::LOOP_DETECTED, None),
        // The connector broke.
        Kind::Raised | Kind::Crashed => (StatusCode::BAD_GATEWAY, None),
    };
    let code = match failure.kind {
        Kind::Invalid(Invalid::Arguments) => "invalid_arguments".into(),
        _ => failure.code,
    };
    let problem = Problem::new(status, code, failure.message)
        .with_errors(errors)
        .with_body(failure.outcome)
        .again_after(failure.retry_after.or(wait));
    let about_a_call = !matches!(
        failure.kind,
        Kind::Invalid(Invalid::Arguments | Invalid::UnknownCommand | Invalid::Profile)
            | Kind::Refused(
                Refusal::LedgerUnavailable
                    | Refusal::LedgerOff
                    | Refusal::ShuttingDown
                    | Refusal::NotReady
            )
    );
    match about_a_call {
        true => problem.about(id, failure.effect),
        false => problem,
    }
    .into_response()
}

fn told(
    command: &CommandId,
    id: CallId,
    state: State,
    result: Result<Outcome, Failure>,
) -> Response {
    let members = members(command, &id.to_string(), state);
    whole(members, Brought::of(result))
}

/// The result of a call as it is sent to its callback: what the caller would have been answered.
pub fn callback(row: &Row, result: Result<Outcome, Failure>) -> Bytes {
    let state = match result {
        Ok(_) => State::Succeeded,
        Err(_) => State::Failed,
    };
    let about = &row.about;
    let command = CommandId::new(about.connector.as_str(), about.command.as_str());
    let members = members(&command, &row.id, state);
    parts(members, Brought::of(result).by(row)).concat().into()
}

fn members(command: &CommandId, id: &str, state: State) -> Map<String, Value> {
    let members = json!({
        "id": id,
        "connector": command.connector,
        "command": command.command,
        "state": state.name(),
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// An answer with these members and the result, which is not copied when it is large.
pub(super) fn whole(members: Map<String, Value>, result: Brought) -> Response {
    let parts = parts(members, result);
    answer::bytes(StatusCode::OK, JSON, answer::joined(parts))
}

fn parts(members: Map<String, Value>, result: Brought) -> [Bytes; 3] {
    let mut head = Value::Object(members).to_string();
    // Further members follow.
    head.pop();
    head.push_str(r#","outcome":"#);
    let error = result.error;
    let Some(outcome) = result.outcome else {
        let tail = format!(r#"null,"error":{error}}}"#);
        return [head.into(), Bytes::new(), tail.into()];
    };
    head.push_str(r#"{"body":"#);
    let (body, encoding) = answer::body_json(outcome.body);
    let tail = format!(
        r#","encoding":"{encoding}","mimetype":{},"status":{},"headers":{},"logs":{}}},"error":{error}}}"#,
        Value::from(&*outcome.mimetype),
        outcome.status,
        answer::headers_json(outcome.headers),
        Value::from(outcome.logs),
    );
    [head.into(), body, tail.into()]
}

// === impl Brought ===

impl Brought {
    /// All of it.
    pub(super) fn of(result: Result<Outcome, Failure>) -> Brought {
        match result {
            Ok(outcome) => Brought {
                outcome: Some(outcome),
                error: Value::Null,
            },
            Err(failure) => Brought {
                error: json!({
                    "kind": failure.kind.name(),
                    "code": failure.code,
                    "message": failure.message,
                    "effect": failure.effect.name(),
                }),
                outcome: failure.outcome.map(|outcome| *outcome),
            },
        }
    }

    /// The same with what the row knows better: whether it has happened.
    pub(super) fn by(mut self, row: &Row) -> Brought {
        let effect = row.ending.as_ref().and_then(|ending| ending.effect);
        if let (Some(effect), Value::Object(error)) = (effect, &mut self.error) {
            error.insert("effect".to_owned(), effect.name().into());
        }
        self
    }

    /// What the row alone says.
    pub(super) fn of_row(row: &Row) -> Brought {
        let ending = row.ending.as_ref();
        let failed = ending.and_then(|ending| Some((ending, ending.code.as_ref()?)));
        let error = failed.map(|(ending, code)| {
            json!({
                "kind": null,
                "code": code,
                "message": ending.message,
                "effect": ending.effect.map(Effect::name),
            })
        });
        Brought {
            outcome: None,
            error: error.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
