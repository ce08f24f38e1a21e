//! A server that runs elsewhere: a session for each profile that it is called with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crosspoint_core::{Effect, Failure, Mask, Profile, Refusal};
use crosspoint_net::NetError;
use rmcp::service::ClientInitializeError;
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::about::quoted;
use super::account::headers;
use super::answer;
use super::connection::Connection;
use super::http::Client;
use super::inbox::Inbox;
use super::server::{Remote, Settings};
use crate::process::{Allowance, Origin, Problem};

/// The sessions with a server.
pub(super) struct Sessions {
    name: Arc<str>,
    remote: Remote,
    settings: Settings,
    mask: Mask,
    /// What its records may write to the log, in all sessions.
    written: Allowance,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    /// By the profile's name.
    all: Mutex<HashMap<Option<Arc<str>>, Arc<Slot>>>,
}

/// Where the session of a profile is.
#[derive(Default)]
struct Slot {
    open: Mutex<Option<Session>>,
    /// One opens it, and the others wait.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Session {
    client: Client,
    connection: Arc<Connection>,
}

// === impl Sessions ===

impl Sessions {
    pub(super) fn new(
        name: &str,
        remote: Remote,
        settings: Settings,
        mask: Mask,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Sessions {
        Sessions {
            name: name.into(),
            remote,
            settings,
            mask,
            written: Allowance::new(Instant::now()),
            stop,
            tasks,
            all: Mutex::default(),
        }
    }

    /// The session of a profile, with the account that the profile is now. Opens it by the deadline when
    /// there is none.
    pub(super) async fn of(
        &self,
        profile: &Profile,
        deadline: Instant,
    ) -> Result<Arc<Connection>, Failure> {
        let account = headers(&self.remote.url, profile)?;
        let slot = self.slot(profile.name.clone());
        let current = |account| {
            let session = slot.current()?;
            session.client.use_account(account);
            Some(session.connection)
        };
        if let Some(connection) = current(account.clone()) {
            return Ok(connection);
        }
        let late = || {
            let message = format!(
                "the server of {} was not ready before the deadline",
                self.name
            );
            Failure::refused(Refusal::DeadlineExceeded, message)
        };
        let _turn = timeout_at(deadline, slot.opening.lock())
            .await
            .map_err(|_| late())?;
        if let Some(connection) = current(account.clone()) {
            return Ok(connection);
        }
        if self.stop.is_cancelled() {
            let message = format!("{} is being ended", self.name);
            return Err(Failure::refused(Refusal::ShuttingDown, message));
        }
        let origin = Origin {
            connector: self.name.clone(),
            worker: 0,
            mask: self.mask.clone(),
        };
        let inbox = Arc::new(Inbox::new(origin, self.written.clone()));
        let client = Client::new(
            self.remote.http.clone(),
            inbox.clone(),
            account,
            self.settings.start_timeout,
            self.settings.max_answer,
        );
        let opening = self.open(&client, inbox);
        let connection = timeout_at(deadline, opening).await.map_err(|_| late())??;
        let connection = Arc::new(connection);
        connection.explain(Problem::new("broke off"));
        *lock(&slot.open) = Some(Session {
            client,
            connection: connection.clone(),
        });
        Ok(connection)
    }

    async fn open(&self, client: &Client, inbox: Arc<Inbox>) -> Result<Connection, Failure> {
        let url = self.remote.url.as_str();
        let greeted =
            Connection::open(client.transport(url), inbox.clone(), false, &self.tasks).await;
        match greeted {
            Ok(connection) => Ok(connection),
            Err(ClientInitializeError::JsonRpcError(error)) => {
                // It may be a server that knows no greeting any more.
                let modern =
                    Connection::open(client.transport(url), inbox, true, &self.tasks).await;
                modern.map_err(|_| {
                    let message = quoted(&error.message);
                    let text = format!(
                        "the server does not take the greeting: {message} (error {})",
                        error.code.0
                    );
                    Failure::reported("McpError", text).with_effect(Effect::None)
                })
            }
            Err(ClientInitializeError::TransportError { error, .. }) => {
                Err(not_sent(&error).with_effect(Effect::None))
            }
            Err(error) => {
                let why = quoted(&error.to_string());
                let text =
                    format!("the server does not answer the greeting as MCP wants it: {why}");
                Err(Failure::transport("ConnectionError", text).with_effect(Effect::None))
            }
        }
    }

    /// Calls from here on open sessions of their own. Those under way end on the old ones.
    pub(super) fn renew(&self) {
        let old = std::mem::take(&mut *lock(&self.all));
        drop(old);
    }

    fn slot(&self, profile: Option<Arc<str>>) -> Arc<Slot> {
        lock(&self.all).entry(profile).or_default().clone()
    }
}

// === impl Slot ===

impl Slot {
    fn current(&self) -> Option<Session> {
        let open = lock(&self.open);
        open.clone().filter(|session| !session.connection.is_over())
    }
}

/// Why a message could not be sent, or was not taken.
pub(super) fn not_sent(error: &DynamicTransportError) -> Failure {
    match error.error.downcast_ref::<StreamableHttpError<NetError>>() {
        Some(error) => answer::over_http(error),
        None => Failure::transport("ConnectionError", quoted(&error.to_string())),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
