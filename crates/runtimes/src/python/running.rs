//! A request under way, from the side of whoever waits for it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::wire::Line;
use super::worker::Worker;
use crate::process::Problem;

/// What happens to a request.
pub(super) enum Event {
    /// Its call printed or logged something.
    Line(Line),
    /// Its result, or its error.
    Answer(Result<Bytes, Bytes>),
    /// The worker is gone. `written` tells whether it may have read the request.
    Lost { end: Arc<Problem>, written: bool },
}

/// A request under way. Dropping it tells the worker that nobody waits any more.
pub(super) struct Running {
    worker: Arc<Worker>,
    id: u64,
    events: mpsc::UnboundedReceiver<Event>,
    over: bool,
}

// === impl Running ===

impl Running {
    pub(super) fn new(
        worker: Arc<Worker>,
        id: u64,
        events: mpsc::UnboundedReceiver<Event>,
    ) -> Running {
        Running {
            worker,
            id,
            events,
            over: false,
        }
    }

    /// What happens next. Nothing follows an answer or a loss.
    pub(super) async fn next(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => {
                self.over = !matches!(event, Event::Line(_));
                event
            }
            // A request is kept until it is answered or lost; both send an event.
            None => std::future::pending().await,
        }
    }

    /// Nobody waits any more. Tells whether the worker may have read the request.
    pub(super) fn give_up(&mut self) -> bool {
        if std::mem::replace(&mut self.over, true) {
            return true;
        }
        self.worker.give_up(self.id)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.give_up();
    }
}
