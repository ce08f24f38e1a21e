//! A server that answers: the conversation with it, whatever carries it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{Arguments, Context, Json};
use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CancelledNotification, CancelledNotificationParam,
    ClientRequest, ErrorData, GetExtensions, ListToolsRequest, NumberOrString,
    PaginatedRequestParams, PingRequest, ProtocolVersion, RequestId, SubscriptionFilter,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, Peer, PeerRequestOptions, RequestHandle,
    ServiceError, serve_client_with_lifecycle_and_ct,
};
use rmcp::transport::IntoTransport;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::about::About;
use super::client::Client;
use super::inbox::Inbox;
use super::waiting::{Answer, Ticket, Waiting};
use crate::process::Problem;

/// How long whoever keeps a server may take to find out how it ended.
const EXPLAINING: Duration = Duration::from_secs(5);

/// How long a server may take to hear that nobody waits any more.
const CANCELLING: Duration = Duration::from_secs(5);

/// A server that answers.
pub(super) struct Connection {
    peer: Peer<RoleClient>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) about: About,
    /// Told to end the conversation.
    close: CancellationToken,
    ended: CancellationToken,
    /// Told when a deadline has passed without an answer.
    pub(super) late: Notify,
    /// Whether it has answered a call.
    proved: AtomicBool,
    /// How it ended, once that is known.
    end: watch::Sender<Option<Problem>>,
}

/// How a request ended.
pub(super) enum Ended {
    Answered(Bytes),
    TooLarge,
    /// The server says that it cannot do that.
    Error(ErrorData),
    /// The connection broke off. `sent`: the server may have read the request.
    Lost {
        sent: bool,
        why: Option<ServiceError>,
    },
    /// The deadline has passed.
    Overdue {
        sent: bool,
    },
}

/// Has the server told when nobody waits for a request any more.
struct Abandoned<'c> {
    connection: &'c Connection,
    id: RequestId,
    token: i64,
    answered: bool,
}

// === impl Connection ===

impl Connection {
    /// Greets a server. Fails with the library's error, in which its words may be.
    ///
    /// `modern`: by `server/discover` of revision 2026-07-28, which has no greeting.
    pub(super) async fn open<T, E, A>(
        transport: T,
        inbox: Arc<Inbox>,
        modern: bool,
        tasks: &TaskTracker,
    ) -> Result<Connection, ClientInitializeError>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let lifecycle = match modern {
            false => ClientLifecycleMode::Initialize,
            true => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        };
        let close = CancellationToken::new();
        let served =
            serve_client_with_lifecycle_and_ct(Client, transport, lifecycle, close.clone());
        let running = served.await?;
        let (peer, ended) = (running.peer().clone(), CancellationToken::new());
        let over = ended.clone();
        tasks.spawn(async move {
            // However it ends, it is the end.
            let _ = running.waiting().await;
            over.cancel();
        });
        Ok(Connection {
            about: About::of(&peer),
            peer,
            inbox,
            close,
            ended,
            late: Notify::new(),
            proved: AtomicBool::new(false),
            end: watch::Sender::new(None),
        })
    }

    /// Has the server say when its tools change, where that has to be asked for. Never ends while
    /// the connection lives.
    pub(super) async fn follow_changes(&self) {
        if self.is_modern() {
            let mut filter = SubscriptionFilter::new();
            filter.tools_list_changed = Some(true);
            if let Ok(mut subscription) = self.peer.listen(filter).await {
                while let Ok(Some(_)) = subscription.next().await {}
            }
        }
        std::future::pending().await
    }

    /// Whether it is spoken to in the way of revision 2026-07-28.
    pub(super) fn is_modern(&self) -> bool {
        let info = self.peer.peer_info();
        info.is_some_and(|info| !info.protocol_version.has_initialize())
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Returns when the conversation has ended.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// It has answered a call.
    pub(super) fn has_answered(&self) {
        self.proved.store(true, Ordering::Relaxed);
    }

    /// Whether it has served well: then its end does not count against the next one.
    pub(super) fn is_proved(&self) -> bool {
        self.proved.load(Ordering::Relaxed)
    }

    /// Says how it will have ended, where nobody will know better.
    pub(super) fn explain(&self, end: Problem) {
        self.end.send_replace(Some(end));
    }

    /// Says how it ended: the rest of a sentence that begins with the server.
    pub(super) fn ended_by(&self, end: Problem) {
        self.end.send_replace(Some(end));
        self.close();
    }

    /// How it ended. Whoever knows says so soon after the conversation has broken off.
    pub(super) async fn end(&self) -> Problem {
        let mut end = self.end.subscribe();
        let known = timeout(EXPLAINING, end.wait_for(Option::is_some)).await;
        let known = known.ok().and_then(Result::ok).and_then(|end| end.clone());
        known.unwrap_or_else(|| Problem::new("broke off"))
    }

    /// Ends the conversation.
    pub(super) fn close(&self) {
        self.close.cancel();
    }

    /// Runs a tool. `tell` gets lines about its progress.
    pub(super) async fn run(
        &self,
        tool: &str,
        arguments: &Arguments,
        cx: &Context,
        tell: &(dyn Fn(String) + Send + Sync),
    ) -> Ended {
        let mut request = CallToolRequest::new(CallToolRequestParams::new(tool.to_owned()));
        let arguments = object(arguments);
        if self.is_modern() {
            // Of these the library makes headers, where the tool's schema wants that.
            request.params.arguments = serde_json::from_slice(&arguments).ok();
        }
        let ticket = Ticket {
            arguments: Some(arguments),
            trace: cx.trace.clone(),
            ..Ticket::until(cx.deadline)
        };
        self.request(request.into(), ticket, tell).await
    }

    /// A page of the list of tools.
    pub(super) async fn list(&self, cursor: Option<String>, deadline: Instant) -> Ended {
        let page = |cursor| PaginatedRequestParams::default().with_cursor(Some(cursor));
        let request = ListToolsRequest {
            params: cursor.map(page),
            ..ListToolsRequest::default()
        };
        self.request(request.into(), Ticket::until(deadline), &drop)
            .await
    }

    /// Asks the server whether it is there. Whether it says so is noticed by its inbox.
    pub(super) async fn ask_whether_it_is_there(&self) {
        let request: ClientRequest = match self.is_modern() {
            // There is no ping in that revision.
            true => ListToolsRequest::default().into(),
            false => PingRequest::default().into(),
        };
        let _ = self.peer.send_request(request).await;
    }

    async fn request(
        &self,
        mut request: ClientRequest,
        ticket: Ticket,
        tell: &(dyn Fn(String) + Send + Sync),
    ) -> Ended {
        let (waiting, deadline) = (ticket.waiting.clone(), ticket.deadline);
        request.extensions_mut().insert(ticket);
        let options = PeerRequestOptions::no_options();
        let sent = self.peer.send_cancellable_request(request, options);
        let ended = match sent.await {
            Ok(handle) => self.answer(handle, &waiting, deadline, tell).await,
            Err(why) => Ended::lost(&waiting, Some(why)),
        };
        waiting.progress().into_iter().for_each(tell);
        ended
    }

    async fn answer(
        &self,
        mut handle: RequestHandle<RoleClient>,
        waiting: &Arc<Waiting>,
        deadline: Instant,
        tell: &(dyn Fn(String) + Send + Sync),
    ) -> Ended {
        let NumberOrString::Number(token) = handle.progress_token.0 else {
            return Ended::lost(waiting, None);
        };
        let mut abandoned = Abandoned {
            connection: self,
            id: handle.id.clone(),
            token,
            answered: false,
        };
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut handle.rx => break answer,
                () = waiting.told.notified() => waiting.progress().into_iter().for_each(tell),
                () = sleep_until(deadline) => {
                    self.late.notify_one();
                    return Ended::Overdue { sent: waiting.was_sent() };
                }
            }
        };
        abandoned.answered = true;
        match (waiting.answer(), answer) {
            (Some(Answer::Result(result)), _) => Ended::Answered(result),
            (Some(Answer::TooLarge), _) => Ended::TooLarge,
            (Some(Answer::Error(error)), _) => Ended::Error(error),
            (None, Ok(Err(ServiceError::McpError(error)))) => Ended::Error(error),
            (None, Ok(Err(why))) => Ended::lost(waiting, Some(why)),
            (None, Ok(Ok(_)) | Err(_)) => Ended::lost(waiting, None),
        }
    }
}

/// Nobody waits for a connection that nobody has.
impl Drop for Connection {
    fn drop(&mut self) {
        self.close.cancel();
    }
}

// === impl Abandoned ===

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        let Connection { inbox, peer, .. } = self.connection;
        if let NumberOrString::Number(id) = self.id {
            inbox.requests.over(id, self.token);
        }
        if self.answered {
            return;
        }
        let params = CancelledNotificationParam::new(
            Some(self.id.clone()),
            Some("nobody waits for the answer any more".to_owned()),
        );
        let (peer, params) = (peer.clone(), CancelledNotification::new(params));
        // Outside of a runtime the process is about to end, and the server with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = timeout(CANCELLING, peer.send_notification(params.into())).await;
            });
        }
    }
}

// === impl Ended ===

impl Ended {
    fn lost(waiting: &Waiting, why: Option<ServiceError>) -> Ended {
        let sent = waiting.was_sent();
        Ended::Lost { sent, why }
    }
}

/// The arguments as one JSON object, each as it was sent.
fn object(arguments: &Arguments) -> Bytes {
    let mut text = vec![b'{'];
    for (name, value) in arguments.iter() {
        if text.len() > 1 {
            text.push(b',');
        }
        text.extend_from_slice(Json::string(name).as_bytes());
        text.push(b':');
        text.extend_from_slice(value.as_bytes());
    }
    text.push(b'}');
    text.into()
}
