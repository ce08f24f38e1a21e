//! `/mcp`: streamable HTTP, with sessions and without.
//!
//! A call that ends soon is answered as JSON; one that takes longer as a stream, on which progress is
//! told and the connection is kept alive.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::header::{ACCEPT, ALLOW, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::asker::Asker;
use super::fault::Fault;
use super::message::{Incoming, Message, Unreadable};
use super::methods;
use super::respond::{bad, busy, refused};
use super::revision::Revision;
use super::server::{Mcp, Settings};
use super::sessions::Session;
use super::visit::Visit;
use super::{SESSION_ID, sse, standard};
use crate::body;
use crate::request::{self, Seen};
use crate::router::Shared;

/// Takes a message, or a batch of them.
pub(crate) async fn post(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    request: Request,
) -> Response {
    let (Parts { headers, .. }, body) = request.into_parts();
    let (mcp, settings) = match served(&shared, &headers) {
        Ok(served) => served,
        Err(refused) => return *refused,
    };
    if request::says_json(&headers) != Some(true) {
        let fault = Fault::invalid_request("send JSON with content-type application/json");
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &fault);
    }
    let text = match body::read(body, shared.max_body).await {
        Ok(text) => text,
        Err(error) => {
            let (status, _, message) = error.told(shared.max_body);
            return refused(status, &Fault::invalid_request(message));
        }
    };
    let key = match request::idempotency_key(&headers) {
        Ok(key) => key,
        Err(message) => return bad(None, &Fault::invalid_request(message)),
    };
    let incoming = match Incoming::read(&text) {
        Ok(incoming) => incoming,
        Err(Unreadable(id, fault)) => return bad(id.as_ref(), &fault),
    };
    // From here on the values alone hold the text.
    drop(text);
    let revision = match &incoming {
        Incoming::One(Message::Request(id, asked)) => match standard::revision(&headers, asked) {
            Ok(revision) => revision,
            Err(fault) => return bad(Some(id), &fault),
        },
        _ => of_header(&headers),
    };
    let session = match revision.is_some_and(Revision::is_modern) {
        true => None,
        false => match session(&mcp, &settings, &headers, &seen) {
            Ok(session) => session,
            Err(gone) => return *gone,
        },
    };
    let agreed = session.as_ref().map(|session| session.revision);
    let revision = revision.or(agreed).unwrap_or(Revision::ASSUMED);
    let visit = Visit {
        streams: takes_stream(&headers),
        asker: Asker::over_http(&seen, headers, key),
        mcp,
        settings,
        session,
    };
    match incoming {
        Incoming::One(message) => visit.one(revision, message).await,
        Incoming::Batch(messages) => visit.batch(revision, messages).await,
    }
}

/// Opens the stream on which a session is told of changes.
pub(crate) async fn get(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    headers: HeaderMap,
) -> Response {
    let (mcp, settings) = match served(&shared, &headers) {
        Ok(served) => served,
        Err(refused) => return *refused,
    };
    let session = match session(&mcp, &settings, &headers, &seen) {
        Ok(Some(session)) => session,
        Ok(None) => return no_get(),
        Err(gone) => return *gone,
    };
    if !takes_stream(&headers) {
        let fault = Fault::invalid_request(format!("GET answers {}: accept it", sse::MIME));
        return refused(StatusCode::NOT_ACCEPTABLE, &fault);
    }
    let Some(listening) = session.listen() else {
        let fault = Fault::invalid_request("this session has its stream already");
        return refused(StatusCode::CONFLICT, &fault);
    };
    let Some(place) = mcp.listen(&settings) else {
        let streams = settings.streams;
        return busy(&format!(
            "{streams} clients listen already (setting mcp.streams)"
        ));
    };
    let changes = mcp.changes(seen.key.clone());
    let messages = changes.map(|()| methods::list_changed());
    let until = async move {
        // Held as long as the client listens.
        let _held = (listening, place);
        session.ended.cancelled().await;
    };
    sse::response(messages.take_until(Box::pin(until)))
}

/// Ends a session.
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    headers: HeaderMap,
) -> Response {
    let (mcp, settings) = match served(&shared, &headers) {
        Ok(served) => served,
        Err(refused) => return *refused,
    };
    match session(&mcp, &settings, &headers, &seen) {
        Ok(Some(session)) => {
            mcp.sessions().close(&session);
            StatusCode::NO_CONTENT.into_response()
        }
        Ok(None) => {
            let message = "the header Mcp-Session-Id says which session ends; it is missing";
            bad(None, &Fault::invalid_request(message))
        }
        Err(gone) => *gone,
    }
}

/// The ingress, where there is one and the page that asks may.
fn served(shared: &Shared, headers: &HeaderMap) -> Result<(Mcp, Arc<Settings>), Box<Response>> {
    let off = || {
        let fault = Fault::invalid_request("no tools are served here (setting mcp.enabled)");
        Box::new(refused(StatusCode::NOT_FOUND, &fault))
    };
    let settings = shared.mcp.settings().ok_or_else(off)?;
    match shared.origins.allow(headers) {
        true => Ok((shared.mcp.clone(), settings)),
        false => {
            let message = "pages of this Origin may not ask: list it in access.cors_origins";
            let fault = Fault::invalid_request(message);
            Err(Box::new(refused(StatusCode::FORBIDDEN, &fault)))
        }
    }
}

/// The session that a request names. One that is gone is 404, upon which clients open another.
fn session(
    mcp: &Mcp,
    settings: &Settings,
    headers: &HeaderMap,
    seen: &Seen,
) -> Result<Option<Arc<Session>>, Box<Response>> {
    let Some(id) = headers.get(&SESSION_ID) else {
        return Ok(None);
    };
    let id = id.to_str().unwrap_or_default();
    let caller = seen.caller();
    let session = mcp
        .sessions()
        .find(id, caller.as_deref(), settings.session_idle);
    session.map(Some).ok_or_else(|| {
        let fault = Fault::invalid_request("there is no such session: begin with initialize");
        Box::new(refused(StatusCode::NOT_FOUND, &fault))
    })
}

fn of_header(headers: &HeaderMap) -> Option<Revision> {
    let header = headers.get(&standard::VERSION)?.to_str().ok()?;
    Revision::named(header.trim())
}

fn takes_stream(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter();
    accepted.any(|value| value.to_str().is_ok_and(|value| value.contains(sse::MIME)))
}

fn no_get() -> Response {
    let message = "POST messages here; GET is for sessions, which initialize opens";
    let fault = Fault::invalid_request(message);
    let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, &fault);
    let allowed = HeaderValue::from_static("POST");
    response.headers_mut().insert(ALLOW, allowed);
    response
}
