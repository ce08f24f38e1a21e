//! What calls go to: the connection that there is at the moment, or one that is opened.

use std::sync::Arc;

use crosspoint_core::{Context, Failure, Refusal};
use tokio::sync::watch;
use tokio::time::timeout_at;

use super::answer;
use super::connection::Connection;
use super::server::Server;
use super::sessions::Sessions;
use crate::process::Problem;

/// Where calls find a server.
pub(super) struct Link {
    server: Arc<Server>,
    way: Way,
}

/// How they get there.
enum Way {
    /// By the connection that somebody keeps.
    Process(watch::Sender<Now>),
    /// By a session of their own account.
    Remote(Box<Sessions>),
}

/// Whether there is a connection.
#[derive(Clone)]
pub(super) enum Now {
    /// Not yet, or not again; soon.
    Starting,
    Up(Arc<Connection>),
    /// The last attempt failed, and the next one is not due yet.
    Down(Problem),
    /// There will be none any more.
    Closed,
}

// === impl Link ===

impl Link {
    pub(super) fn to_process(server: Arc<Server>) -> Link {
        let way = Way::Process(watch::Sender::new(Now::Starting));
        Link { server, way }
    }

    pub(super) fn to_remote(server: Arc<Server>, sessions: Sessions) -> Link {
        let way = Way::Remote(Box::new(sessions));
        Link { server, way }
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    pub(super) fn is_remote(&self) -> bool {
        self.sessions().is_some()
    }

    pub(super) fn sessions(&self) -> Option<&Sessions> {
        match &self.way {
            Way::Remote(sessions) => Some(sessions),
            Way::Process(_) => None,
        }
    }

    /// Says how it is with the connection that is kept.
    pub(super) fn is(&self, now: Now) {
        if let Way::Process(current) = &self.way {
            current.send_replace(now);
        }
    }

    /// Values of profiles have changed.
    pub(super) fn renew(&self) {
        if let Some(sessions) = self.sessions() {
            sessions.renew();
        }
    }

    /// The connection, as soon as there is one before the deadline.
    pub(super) async fn connection(&self, cx: &Context) -> Result<Arc<Connection>, Failure> {
        let connection = async {
            match &self.way {
                Way::Process(now) => self.kept(now, cx).await,
                Way::Remote(sessions) => sessions.of(&cx.profile, cx.deadline).await,
            }
        };
        tokio::select! {
            biased;
            connection = connection => connection,
            () = cx.cancelled.cancelled() => {
                let message = "the caller went away before the server was ready";
                Err(Failure::refused(Refusal::DeadlineExceeded, message))
            }
        }
    }

    async fn kept(
        &self,
        now: &watch::Sender<Now>,
        cx: &Context,
    ) -> Result<Arc<Connection>, Failure> {
        let mut now = now.subscribe();
        let usable = |now: &Now| match now {
            Now::Up(connection) => !connection.is_over(),
            Now::Down(_) | Now::Closed => true,
            Now::Starting => false,
        };
        let name = &self.server.name;
        let found = timeout_at(cx.deadline, now.wait_for(usable)).await;
        let found = found.map_err(|_| {
            let message = format!("the server of {name} was not ready before the deadline");
            Failure::refused(Refusal::DeadlineExceeded, message)
        })?;
        // The sender is here.
        match found.as_deref() {
            Ok(Now::Up(connection)) => Ok(connection.clone()),
            Ok(Now::Down(problem)) => Err(answer::unavailable(name, problem)),
            Ok(Now::Starting | Now::Closed) | Err(_) => {
                let message = format!("the server of {name} is being ended");
                Err(Failure::refused(Refusal::ShuttingDown, message))
            }
        }
    }
}
