//! What becomes of the messages of a request to `/mcp`.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use http::StatusCode;
use tokio::time::timeout;

use super::asker::Asker;
use super::call::Pending;
use super::fault::Fault;
use super::message::{Asked, Id, Message, Unreadable};
use super::meta::Params;
use super::methods::{self, Handled};
use super::reply::Text;
use super::respond::{answered, bad};
use super::revision::Revision;
use super::server::{Mcp, Settings};
use super::sessions::{Session, UnderWay};
use super::{SESSION_ID, sse};
use crate::answer::{self, JSON};
use crate::request::Logged;

/// How long a call may take before its answer becomes a stream.
const SOON: Duration = Duration::from_secs(1);

/// How many messages of a batch are worked on at once.
const AT_ONCE: usize = 8;

/// A request to `/mcp`, as far as all messages of it share it.
pub(super) struct Visit {
    pub(super) mcp: Mcp,
    pub(super) settings: Arc<Settings>,
    pub(super) asker: Asker,
    /// The session that it belongs to.
    pub(super) session: Option<Arc<Session>>,
    /// Whether the client takes a stream.
    pub(super) streams: bool,
}

// === impl Visit ===

impl Visit {
    /// Answers a message that came by itself.
    pub(super) async fn one(self, revision: Revision, message: Message) -> Response {
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
            session.running.cancel_by(asked);
        }
    }

    /// Answers each message of a batch, in its order (2025-03-26, Batching).
    pub(super) async fn batch(
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
                    Ok(Handled::Call(mut pending)) => ended(&mut pending, under_way.as_ref()).await,
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

/// The end of a call that is waited for; nothing if it is cancelled first.
async fn ended(pending: &mut Pending, under_way: Option<&UnderWay>) -> Option<Text> {
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
    let soon = match streams {
        true => SOON,
        false => Duration::MAX,
    };
    match timeout(soon, ended(&mut pending, under_way.as_ref())).await {
        Ok(Some(text)) => answered(text),
        // Cancelled: nobody waits for an answer any more.
        Ok(None) => StatusCode::ACCEPTED.into_response(),
        Err(_) => sse::response(pending.messages(under_way)),
    }
}
