//! What one attempt knows about itself while a connection is made for it.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout_at};
use tower::{Layer, Service, ServiceExt};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The longest time that connecting may take: TCP, TLS, and the tunnel through a proxy.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How much earlier than the whole request connecting gives up, so that it is connecting that is
/// seen to fail. The smallest step that timers know.
const EARLIER: Duration = Duration::from_millis(1);

tokio::task_local! {
    static CURRENT: Attempt;
}

/// The request for which a connection is made. The client library tells its resolver nothing but
/// a name, and has one connect timeout for all requests; port and deadline reach the resolver
/// and the connector this way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    pub port: u16,
    pub deadline: Instant,
}

/// Connecting outside of [`Attempt::scope`]: refused, because nothing could be judged. It would
/// take a client library that connects somewhere else than where the request was polled.
#[derive(Debug, thiserror::Error)]
#[error("connecting for an unknown request")]
pub(crate) struct NoAttempt;

/// Connecting took too long. Nothing was sent: when another connection became free meanwhile and
/// took the request, the library ignores what becomes of this one.
#[derive(Debug, thiserror::Error)]
#[error("connecting took too long")]
pub(crate) struct ConnectTimedOut;

/// Bounds connecting by the deadline of the request, for [`reqwest::ClientBuilder`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound;

/// A connector within [`Bound`]. Shared, because the library clones its connector several times
/// for each request, though few of them connect.
#[derive(Debug, Clone)]
pub(crate) struct Bounded<S>(Arc<S>);

// === impl Attempt ===

impl Attempt {
    /// The attempt that is being connected for.
    pub fn current() -> Result<Attempt, NoAttempt> {
        CURRENT.try_with(|attempt| *attempt).map_err(|_| NoAttempt)
    }

    /// Runs `sending` as this attempt.
    pub async fn scope<F: Future>(self, sending: F) -> F::Output {
        CURRENT.scope(self, sending).await
    }
}

// === impl Bound ===

impl<S> Layer<S> for Bound {
    type Service = Bounded<S>;

    fn layer(&self, connector: S) -> Bounded<S> {
        Bounded(Arc::new(connector))
    }
}

// === impl Bounded ===

impl<S, R> Service<R> for Bounded<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: R) -> Self::Future {
        // Taken now: a connection that loses the race against a free one is finished elsewhere.
        let attempt = Attempt::current();
        let connecting = S::clone(&self.0).oneshot(target);
        Box::pin(async move {
            let attempt = attempt?;
            let now = Instant::now();
            let before_deadline = attempt.deadline.checked_sub(EARLIER).unwrap_or(now);
            let limit = before_deadline.min(now + CONNECT_LIMIT);
            match timeout_at(limit, attempt.scope(connecting)).await {
                Ok(connected) => connected,
                Err(_) => Err(ConnectTimedOut.into()),
            }
        })
    }
}
