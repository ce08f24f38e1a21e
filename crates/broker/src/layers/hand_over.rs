//! Makes a call the broker's own. Whoever asked only lends it the thread.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crosspoint_core::{Failure, Outcome};
use futures_util::future::{BoxFuture, ready};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::ledger::Flight;
use crate::pipeline::Job;

/// A call that runs while this is polled, and that is not lost when it is dropped.
///
/// While the caller waits, the call runs in the caller's task: starting one for each call would
/// cost two changes of thread, more than everything else on the way. A caller that goes away (this
/// is dropped) ends a call that has not begun, or that only reads and that nobody else waits for.
/// Any other goes on in a task of its own, since half of it may have happened and the rest should
/// too.
pub(crate) struct Held {
    running: Option<BoxFuture<'static, Result<Outcome, Failure>>>,
    /// None: it has ended.
    way: Option<(Arc<Flight>, CancellationToken)>,
}

// === impl Held ===

impl Held {
    /// A call that goes through these layers.
    pub(crate) fn new<F>(job: Box<Job>, layers: impl FnOnce(Box<Job>) -> F) -> Held
    where
        F: Future<Output = Result<Outcome, Failure>> + Send + 'static,
    {
        let way = (job.flight.clone(), job.cancelled.clone());
        let span = job.trace.span.clone();
        Held {
            running: Some(Box::pin(layers(job).instrument(span))),
            way: Some(way),
        }
    }

    /// The way of the call, unless it has ended before it was handed over.
    pub(crate) fn flight(&self) -> Option<Arc<Flight>> {
        self.way.as_ref().map(|(flight, _)| flight.clone())
    }

    /// A call that has ended before it was handed over.
    pub(crate) fn ended(result: Result<Outcome, Failure>) -> Held {
        Held {
            running: Some(Box::pin(ready(result))),
            way: None,
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
        let (Some(running), Some((flight, cancelled))) = (self.running.take(), self.way.take())
        else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) if !flight.may_be_dropped() => drop(runtime.spawn(running)),
            // Without a runtime the process is at its end.
            _ => cancelled.cancel(),
        }
    }
}
