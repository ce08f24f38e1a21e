//! `/v1/do/{connector}/{command}`: runs a command.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use crosspoint_core::{CommandId, Completion};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};

use super::{answer as answers, invocation};
use crate::access::KEY_HEADER;
use crate::answer::{self, Watched};
use crate::body::{self, BodyError};
use crate::request::{Logged, Seen, trace};
use crate::router::Shared;

/// Under which a call has one effect (draft-ietf-httpapi-idempotency-key-header, section 2).
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key: it is kept with the call.
const LONGEST_KEY: usize = 1000;

/// Runs a command. GET with a body works as POST does, as in the reference proxy.
pub(crate) async fn run(
    State(shared): State<Shared>,
    path: Result<Path<(String, String)>, PathRejection>,
    Extension(seen): Extension<Seen>,
    request: Request,
) -> Response {
    // The rest of the head is let go: it would keep the connection's buffer from being used again.
    let (Parts { mut headers, .. }, body) = request.into_parts();
    let Ok(Path((connector, command))) = path else {
        let message = "the names of connector and command in the path are not UTF-8 text";
        return answer::error(StatusCode::BAD_REQUEST, "invalid_request", message);
    };
    if let Some(refused) = not_json(&headers) {
        return refused;
    }
    let body = match body::read(body, shared.max_body).await {
        Ok(body) => body,
        Err(error) => return unreadable(&error, shared.max_body),
    };
    let mut call = match invocation::decode(CommandId::new(connector, command), body) {
        Ok(call) => call,
        Err(error) => {
            let message = format!("reading the request body: {error}");
            return answer::error(StatusCode::BAD_REQUEST, "invalid_request", &message);
        }
    };
    call.id = seen.call;
    call.request_id = seen.id;
    call.origin.caller = seen.key;
    call.key = match idempotency_key(&headers) {
        Ok(key) => key,
        Err(message) => return answer::error(StatusCode::BAD_REQUEST, "invalid_request", message),
    };
    call.trace = trace(&headers);
    // A connector may see what the request carried, but not who may call this proxy.
    for private in [&AUTHORIZATION, &COOKIE, &KEY_HEADER] {
        headers.remove(private);
    }
    call.headers = headers;
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

/// The key under which the call has one effect. One that cannot be told from others is refused, not
/// passed over: whoever sends a key relies on it.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    let mut keys = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return match headers.contains_key(&IDEMPOTENCY_KEY) {
            true => Err("the header Idempotency-Key is there more than once"),
            false => Ok(None),
        };
    };
    match key.to_str() {
        Ok(key) if is_key(key) => Ok(Some(key.to_owned())),
        _ => Err("the header Idempotency-Key must have 1 to 1000 visible ASCII characters"),
    }
}

fn is_key(key: &str) -> bool {
    let plain = key.bytes().all(|b| matches!(b, b' '..=b'~'));
    plain && !key.trim().is_empty() && key.len() <= LONGEST_KEY
}

/// A body that says it is something else than JSON is not guessed at. One that says nothing is
/// read as JSON: many small clients leave the header out.
fn not_json(headers: &HeaderMap) -> Option<Response> {
    let sent = headers.get(CONTENT_TYPE)?;
    let mime = sent
        .to_str()
        .unwrap_or("")
        .split(';')
        .next()
        .unwrap_or("")
        .trim();
    let mime = mime.to_ascii_lowercase();
    if mime == "application/json" || (mime.starts_with("application/") && mime.ends_with("+json")) {
        return None;
    }
    let message = "send the parameters as a JSON object with content-type application/json";
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Some(answer::error(status, "unsupported_media_type", message))
}

fn unreadable(error: &BodyError, limit: usize) -> Response {
    let (status, code, message) = match error {
        BodyError::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "request_too_large",
            format!("the request body is larger than {limit} bytes (setting max_body)"),
        ),
        BodyError::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "the request body did not arrive in time".to_owned(),
        ),
        BodyError::Broken => (
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "the request body broke off".to_owned(),
        ),
    };
    answer::error(status, code, &message)
}
