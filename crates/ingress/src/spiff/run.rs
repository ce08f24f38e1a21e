//! `/v1/do/{connector}/{command}`: runs a command.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use crosspoint_core::{CommandId, Completion};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::{answer as answers, invocation};
use crate::answer::{self, Watched};
use crate::body;
use crate::request::{self, Logged, Seen, trace};
use crate::router::Shared;

/// Runs a command. GET with a body works as POST does, as in the reference proxy.
pub(crate) async fn run(
    State(shared): State<Shared>,
    path: Result<Path<(String, String)>, PathRejection>,
    Extension(seen): Extension<Seen>,
    request: Request,
) -> Response {
    // The rest of the head is let go: it would keep the connection's buffer from being used again.
    let (Parts { headers, .. }, body) = request.into_parts();
    let Ok(Path((connector, command))) = path else {
        let message = "the names of connector and command in the path are not UTF-8 text";
        return answer::error(StatusCode::BAD_REQUEST, "invalid_request", message);
    };
    if let Some(message) = seen.refusal_of(&connector) {
        return answer::denied(StatusCode::FORBIDDEN, &message);
    }
    if let Some(refused) = not_json(&headers) {
        return refused;
    }
    let body = match body::read(body, shared.max_body).await {
        Ok(body) => body,
        Err(error) => {
            let (status, code, message) = error.told(shared.max_body);
            return answer::error(status, code, &message);
        }
    };
    let mut call = match invocation::decode(CommandId::new(connector, command), body) {
        Ok(call) => call,
        Err(error) => {
            let message = format!("reading the request body: {error}");
            return answer::error(StatusCode::BAD_REQUEST, "invalid_request", &message);
        }
    };
    call.id = seen.call;
    call.origin.caller = seen.caller();
    call.request_id = seen.id;
    call.key = match request::idempotency_key(&headers) {
        Ok(key) => key,
        Err(message) => return answer::error(StatusCode::BAD_REQUEST, "invalid_request", message),
    };
    call.trace = trace(&headers);
    call.headers = request::passed_on(headers);
    let result = shared.broker.submit(call, shared.spiff_deadline).await;
    let mut response = match result {
        Ok(outcome) if outcome.completion == Completion::Accepted => {
            let (broker, call) = (shared.broker.clone(), seen.call);
            let left = move || broker.answered(call);
            answers::succeeded(outcome).map(|body| Body::new(Watched::new(body, left)))
        }
        Ok(outcome) => answers::succeeded(outcome),
        Err(failure) => answers::failed(failure),
    };
    response.extensions_mut().insert(Logged);
    response
}

/// A body that says it is something else than JSON is not guessed at. One that says nothing is
/// read as JSON: many small clients leave the header out.
fn not_json(headers: &HeaderMap) -> Option<Response> {
    if request::says_json(headers) != Some(false) {
        return None;
    }
    let message = "send the parameters as a JSON object with content-type application/json";
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Some(answer::error(status, "unsupported_media_type", message))
}
