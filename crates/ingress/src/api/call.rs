//! `POST /api/v1/calls`: runs a command.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crosspoint_core::{Arguments, Call, CommandId, Ingress, Invalid, Kind, Origin};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::invocation::{self, Invocation};
use super::problem::Mistake;
use super::{Problem, answer, denied};
use crate::answer::Watched;
use crate::body;
use crate::request::{self, Logged, Seen};
use crate::router::Shared;

/// Runs a command, and answers when it has ended; or at once, where nobody waits.
pub(crate) async fn call(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    request: Request,
) -> Response {
    let (Parts { headers, .. }, body) = request.into_parts();
    let body = match read(&headers, body, shared.max_body).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let key = request::idempotency_key(&headers);
    let invocation = match invocation::decode(body, key).and_then(|i| allowed(&shared, i)) {
        Ok(invocation) => invocation,
        Err(problem) => return problem.into_response(),
    };
    if let Some(message) = seen.refusal_of(&invocation.command.connector) {
        return denied(StatusCode::FORBIDDEN, message);
    }
    let mut response = run(&shared, seen, headers, invocation).await;
    response.extensions_mut().insert(Logged);
    response
}

/// Reads a JSON body. It must say that it is one: a web page of somebody else's cannot send it then
/// without being asked first (CORS).
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    if request::says_json(headers) != Some(true) {
        let detail = "send a JSON object with content-type application/json";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "unsupported_media_type", detail));
    }
    body::read(body, limit).await.map_err(|error| {
        let (status, code, detail) = error.told(limit);
        Problem::new(status, code, detail)
    })
}

/// Whether what is asked for can be done here at all.
fn allowed(shared: &Shared, invocation: Invocation) -> Result<Invocation, Problem> {
    let later = !invocation.waits || invocation.callback.is_some();
    if later && shared.broker.ledger().is_none() {
        return Err(Problem::no_ledger());
    }
    let refused = |callback: &String| !shared.broker.takes_callback(Ingress::Api, callback);
    if invocation.callback.as_ref().is_some_and(refused) {
        let detail = "'callback_url' is not of an origin that is configured: the setting \
                      api.callback_origins lists them";
        return Err(Problem::mistakes(vec![Mistake::at(
            &["callback_url"],
            detail,
        )]));
    }
    Ok(invocation)
}

async fn run(shared: &Shared, seen: Seen, headers: HeaderMap, invocation: Invocation) -> Response {
    let command = invocation.command.clone();
    let sent = invocation.arguments.clone();
    let mut origin = Origin::of(Ingress::Api);
    origin.caller = seen.caller();
    let mut call = Call::new(invocation.command, invocation.arguments, origin);
    call.id = seen.call;
    call.request_id = seen.id;
    call.profile = invocation.profile;
    let profile = call.profile.clone();
    call.key = invocation.key;
    call.callback = invocation.callback;
    call.trace = request::trace(&headers);
    call.headers = request::passed_on(headers);
    let broker = &shared.broker;
    let ended = match invocation.waits {
        true => broker.call(call, shared.api_deadline).await,
        false => broker.accept(call, shared.api_long_deadline).await,
    };
    let errors = match &ended.result {
        Err(failure) if failure.kind == Kind::Invalid(Invalid::Arguments) => {
            mistakes(shared, &command, sent, profile.as_deref())
        }
        _ => Vec::new(),
    };
    let response = answer::ended(&command, ended, errors);
    match response.status() {
        StatusCode::ACCEPTED => {
            // A result that is delivered must not arrive before the answer.
            let (broker, asked) = (broker.clone(), seen.call);
            let left = move || broker.answered(asked);
            response.map(|body| Body::new(Watched::new(body, left)))
        }
        _ => response,
    }
}

/// The mistakes of arguments, one by one.
fn mistakes(
    shared: &Shared,
    command: &CommandId,
    sent: Arguments,
    profile: Option<&str>,
) -> Vec<Mistake> {
    let entry = shared.broker.catalogue().find(command);
    let found = entry.map(|entry| entry.mistakes(sent, profile));
    found
        .unwrap_or_default()
        .into_iter()
        .map(|mistake| Mistake::at(&["arguments", &mistake.parameter], mistake.message))
        .collect()
}
