//! What calls go to: the connection that there is at the moment.

use std::sync::Arc;

use crosspoint_core::{Context, Failure, Refusal};
use tokio::sync::watch;
use tokio::time::timeout_at;

use super::answer;
use super::connection::Connection;
use super::server::Server;
use crate::process::Problem;

/// Where calls find a server.
pub(super) struct Link {
    server: Arc<Server>,
    now: watch::Sender<Now>,
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
    pub(super) fn new(server: Arc<Server>) -> Link {
        Link {
            server,
            now: watch::Sender::new(Now::Starting),
        }
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    pub(super) fn is(&self, now: Now) {
        self.now.send_replace(now);
    }

    /// The connection, as soon as there is one before the deadline.
    pub(super) async fn connection(&self, cx: &Context) -> Result<Arc<Connection>, Failure> {
        let mut now = self.now.subscribe();
        let usable = |now: &Now| match now {
            Now::Up(connection) => !connection.is_over(),
            Now::Down(_) | Now::Closed => true,
            Now::Starting => false,
        };
        let name = &self.server.name;
        let found = tokio::select! {
            biased;
            found = timeout_at(cx.deadline, now.wait_for(usable)) => found,
            () = cx.cancelled.cancelled() => {
                let message = "the caller went away before the server was ready";
                return Err(Failure::refused(Refusal::DeadlineExceeded, message));
            }
        };
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
