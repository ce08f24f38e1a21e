//! `/mcp`: streamable HTTP, with sessions and without.
//!
//! A call that ends soon is answered as JSON; one that takes longer as a stream, on which progress is
//! told and the connection is kept alive.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use http::header::{ACCEPT, ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use tokio::time::timeout;

use super::asker::Asker;
use super::call::Pending;
use super::fault::Fault;
use super::message::{Asked, Id, Incoming, Message, Unreadable};
use super::meta::Params;
use super::methods::{self, Handled};
use super::reply::Text;
use super::revision::Revision;
use super::server::{Mcp, Settings};
use super::sessions::{Running, Session, UnderWay};
use super::{SESSION_ID, sse, standard};
use crate::answer::{self, COPY, JSON};
use crate::body;
use crate::request::{self, Logged, Seen};
use crate::router::Shared;

/// How long a call may take before its answer becomes a stream.
const SOON: Duration = Duration::from_secs(1);

/// How many messages of a batch are worked on at once.
const AT_ONCE: usize = 8;

/// A request to `/mcp`, as far as all messages of it share it.
struct Visit {
    mcp: Mcp,
    settings: Arc<Settings>,
    asker: Asker,
    /// The session that it belongs to.
    session: Option<Arc<Session>>,
    /// Whether the client takes a stream.
    streams: bool,
}

/// What the access rules turned away.
pub(crate) fn denied(status: StatusCode, message: &str) -> Response {
    let mut response = refused(status, &Fault::invalid_request(message));
    if status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    response
}

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

// === impl Visit ===

impl Visit {
    async fn one(self, revision: Revision, message: Message) -> Response {
        match message {
            Message::Request(id, asked) if is_handshake(revision, &asked) => {
                self.initialize(id, &asked)
            }
            Message::Request(id, asked) => self.request(revision, id, &asked).await,
            Message::Notification(asked) => {
                self.notified(&asked);
                StatusCode::ACCEPTED.into_response()
            }
            Message::Response => StatusCode::ACCEPTED.into_response(),
        }
    }

    /// Opens a session, where there is room for one. Without, everything works but cancelling and
    /// being told of changes.
    fn initialize(self, id: Id, asked: &Asked) -> Response {
        let room = |revision| {
            let (sessions, Settings { session_idle, .. }) = (self.mcp.sessions(), &*self.settings);
            let most = self.settings.sessions;
            sessions.open(self.asker.caller(), revision, most, *session_idle)
        };
        let begun = Params::of(asked).and_then(|params| {
            let wanted = methods::initialize(&id, &params, false)?;
            let session = room(wanted.1);
            let (text, _) = methods::initialize(&id, &params, session.is_some())?;
            Ok((text, session))
        });
        match begun {
            Err(fault) => answered(Text::of(fault.text(Some(&id)))),
            Ok((text, session)) => {
                let mut response = answered(text);
                if let Some(session) = session {
                    answer::set(response.headers_mut(), SESSION_ID.clone(), &session.id);
                }
                response
            }
        }
    }

    async fn request(self, revision: Revision, id: Id, asked: &Asked) -> Response {
        let under_way = match self.begin(&id) {
            Ok(under_way) => under_way,
            Err(fault) => return bad(Some(&id), &fault),
        };
        let (mcp, settings) = (&self.mcp, &self.settings);
        match methods::handle(mcp, settings, self.asker, revision, id, asked) {
            Err((id, fault)) if revision.is_modern() => bad(Some(&id), &fault),
            Err((id, fault)) => answered(Text::of(fault.text(Some(&id)))),
            Ok(Handled::Answer(text)) => answered(text),
            Ok(Handled::Listen(listener)) => sse::response(listener.messages(under_way)),
            Ok(Handled::Call(pending)) => {
                let mut response = called(pending, under_way, self.streams).await;
                response.extensions_mut().insert(Logged);
                response
            }
        }
    }

    /// Makes a request known, so that it can be cancelled: only a session says whose it is.
    fn begin(&self, id: &Id) -> Result<Option<UnderWay>, Fault> {
        let Some(session) = &self.session else {
            return Ok(None);
        };
        let message = "a request of this id is under way already";
        let begun = session.running.begin(id);
        begun
            .map(Some)
            .ok_or_else(|| Fault::invalid_request(message))
    }

    fn notified(&self, asked: &Asked) {
        if let Some(session) = &self.session {
            cancelled(&session.running, asked);
        }
    }

    /// Answers each message of a batch, in its order (2025-03-26, Batching).
    async fn batch(
        self,
        revision: Revision,
        messages: Vec<Result<Message, Unreadable>>,
    ) -> Response {
        if !revision.takes_batches() {
            let message = format!(
                "the protocol version {} has no batches: send each message by itself",
                revision.name()
            );
            return bad(None, &Fault::invalid_request(message));
        }
        if self.asker.idempotency_key.is_some() {
            let message = "a batch may have several calls: give each its key, as \
                           'crosspoint/idempotencyKey' in its _meta";
            return bad(None, &Fault::invalid_request(message));
        }
        let visit = &self;
        let answers = messages.into_iter().map(|m| visit.member(revision, m));
        let answers: Vec<_> = stream::iter(answers).buffered(AT_ONCE).collect().await;
        let mut texts = Vec::new();
        for Text(parts) in answers.into_iter().flatten() {
            texts.push(parts.concat());
        }
        match texts.is_empty() {
            true => StatusCode::ACCEPTED.into_response(),
            false => {
                let body = [&b"["[..], &texts.join(&b","[..]), b"]"].concat();
                answer::bytes(StatusCode::OK, JSON, body)
            }
        }
    }

    async fn member(
        &self,
        revision: Revision,
        message: Result<Message, Unreadable>,
    ) -> Option<Text> {
        let told = |id: Option<&Id>, fault: &Fault| Some(Text::of(fault.text(id)));
        match message {
            Err(Unreadable(id, fault)) => told(id.as_ref(), &fault),
            Ok(Message::Response) => None,
            Ok(Message::Notification(asked)) => {
                self.notified(&asked);
                None
            }
            Ok(Message::Request(id, asked)) => {
                if asked.method == "initialize" {
                    let fault = Fault::invalid_request("initialize comes by itself");
                    return told(Some(&id), &fault);
                }
                let under_way = match self.begin(&id) {
                    Ok(under_way) => under_way,
                    Err(fault) => return told(Some(&id), &fault),
                };
                let asker = self.asker.again();
                match methods::handle(&self.mcp, &self.settings, asker, revision, id, &asked) {
                    Err((id, fault)) => told(Some(&id), &fault),
                    Ok(Handled::Answer(text)) => Some(text),
                    Ok(Handled::Call(pending)) => ended(pending, under_way).await,
                    // It is none of the revisions that take batches.
                    Ok(Handled::Listen(_)) => None,
                }
            }
        }
    }
}

fn is_handshake(revision: Revision, asked: &Asked) -> bool {
    let modern = || Params::of(asked).is_ok_and(|params| params.version().is_some());
    asked.method == "initialize" && !(revision.is_modern() && modern())
}

/// Ends what a `notifications/cancelled` names. Anything else is passed over.
pub(crate) fn cancelled(running: &Running, asked: &Asked) {
    if asked.method != "notifications/cancelled" {
        return;
    }
    let params = Params::of(asked).ok();
    if let Some(id) = params.as_ref().and_then(|p| p.own.get("requestId")) {
        running.cancel(&Id::of(id));
    }
}

/// The end of a call that is waited for; nothing if it is cancelled first.
async fn ended(mut pending: Pending, under_way: Option<UnderWay>) -> Option<Text> {
    let Some(under_way) = under_way else {
        return Some(pending.answer().await);
    };
    tokio::select! {
        biased;
        () = under_way.cancelled.cancelled() => None,
        text = pending.answer() => Some(text),
    }
}

async fn called(mut pending: Pending, under_way: Option<UnderWay>, streams: bool) -> Response {
    if !streams {
        let text = ended(pending, under_way).await;
        // Cancelled: nobody waits for an answer any more.
        return text.map_or_else(|| StatusCode::ACCEPTED.into_response(), answered);
    }
    match timeout(SOON, pending.answer()).await {
        Ok(text) => answered(text),
        Err(_) => sse::response(pending.messages(under_way)),
    }
}

fn answered(text: Text) -> Response {
    let Text(parts) = text;
    let size: usize = parts.iter().map(bytes::Bytes::len).sum();
    let body = match size > COPY {
        true => Body::new(answer::Parts::new(parts)),
        false => parts.concat().into(),
    };
    answer::bytes(StatusCode::OK, JSON, body)
}

/// A request that is not done, with the status that its fault has.
fn bad(id: Option<&Id>, fault: &Fault) -> Response {
    let mut response = answer::bytes(fault.status, JSON, fault.text(id));
    if fault.status == StatusCode::SERVICE_UNAVAILABLE {
        answer::set(response.headers_mut(), RETRY_AFTER, "1");
    }
    response
}

fn refused(status: StatusCode, fault: &Fault) -> Response {
    answer::bytes(status, JSON, fault.text(None))
}

fn busy(message: &str) -> Response {
    bad(None, &Fault::busy(message))
}

fn no_get() -> Response {
    let message = "POST messages here; GET is for sessions, which initialize opens";
    let fault = Fault::invalid_request(message);
    let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, &fault);
    let allowed = HeaderValue::from_static("POST");
    response.headers_mut().insert(ALLOW, allowed);
    response
}
