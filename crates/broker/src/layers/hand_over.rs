//! Makes a call the broker's own. Whoever asked only lends it the thread.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use crosspoint_core::{Failure, Kind, Outcome, Refusal, Safety};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument;

use crate::layers::trace::Record;

/// Runs `inner` and ends the call's record with its result.
///
/// While the caller waits, the call runs in the caller's task: starting one for each call would
/// cost two changes of thread, more than everything else on the way. A caller that goes away (the
/// future returned here is dropped) ends a call of a read-only command. Any other goes on in a task
/// of its own, since half of it may have happened and the rest should too. A panic ends this call
/// alone.
pub(crate) fn layer<F>(
    stopping: &CancellationToken,
    token: TaskTrackerToken,
    safety: Safety,
    record: Record,
    inner: impl FnOnce(CancellationToken) -> F,
) -> Held
where
    F: Future<Output = Result<Outcome, Failure>> + Send + 'static,
{
    if stopping.is_cancelled() {
        let message = "crosspoint is shutting down and takes no new calls";
        return Held::ended(record.end(Err(Failure::refused(Refusal::ShuttingDown, message))));
    }
    let cancelled = CancellationToken::new();
    let span = record.span.clone();
    let inner = AssertUnwindSafe(inner(cancelled.clone())).catch_unwind();
    let running = inner.map(move |caught| {
        // The token tells those who wait for the mount's last call that it has ended.
        let _token = token;
        match caught {
            Ok(result) => record.end(result),
            Err(_) => record.end_panicked(broken()),
        }
    });
    Held {
        running: Some(Box::pin(running.instrument(span))),
        droppable: safety == Safety::ReadOnly,
        cancelled,
    }
}

/// The panic itself is in the log, with the ids of the call's span; see the binary's panic hook.
fn broken() -> Failure {
    let message = "the connector broke down while running this command; \
                   the log has more under this request's id";
    Failure::new(Kind::Raised, "connector_panicked", message)
}

/// A call that runs while this is polled, and that is not lost when it is dropped.
pub(crate) struct Held {
    running: Option<BoxFuture<'static, Result<Outcome, Failure>>>,
    droppable: bool,
    cancelled: CancellationToken,
}

// === impl Held ===

impl Held {
    /// A call that has ended before it was handed over.
    pub(crate) fn ended(result: Result<Outcome, Failure>) -> Held {
        Held {
            running: Some(Box::pin(ready(result))),
            droppable: true,
            cancelled: CancellationToken::new(),
        }
    }
}

impl Future for Held {
    type Output = Result<Outcome, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(running) = &mut self.running else {
            return Poll::Pending;
        };
        let result = std::task::ready!(running.as_mut().poll(cx));
        self.running = None;
        Poll::Ready(result)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) if !self.droppable => drop(runtime.spawn(running)),
            // Without a runtime the process is at its end.
            _ => self.cancelled.cancel(),
        }
    }
}
