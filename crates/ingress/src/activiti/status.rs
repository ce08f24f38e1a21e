//! How the side towards the message broker is: for `/readyz` and for people.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// How it is. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Status(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Cancelled once the first attempt has ended, well or not.
    attempted: CancellationToken,
    /// Why there is no connection.
    connection: Option<String>,
    /// What is wrong with single queues.
    queues: BTreeMap<String, String>,
    /// What is configured for commands that are not there.
    unmatched: Vec<String>,
}

// === impl Status ===

impl Status {
    /// Whether the queues are bound, or the first attempt to do so has failed.
    pub fn is_ready(&self) -> bool {
        self.state().attempted.is_cancelled()
    }

    /// Returns when [`is_ready`](Status::is_ready).
    pub(crate) async fn ready(&self) {
        let attempted = self.state().attempted.clone();
        attempted.cancelled().await;
    }

    /// What does not work, for people.
    pub fn problems(&self) -> Vec<String> {
        let state = self.state();
        let queues = state.queues.iter();
        let queues = queues.map(|(queue, why)| format!("activiti: the queue {queue}: {why}"));
        let unmatched = state.unmatched.iter().cloned();
        state
            .connection
            .iter()
            .cloned()
            .chain(queues)
            .chain(unmatched)
            .collect()
    }

    pub(crate) fn attempted(&self) {
        self.state().attempted.cancel();
    }

    /// Whether that is news.
    pub(crate) fn lost(&self, why: &str) -> bool {
        let mut state = self.state();
        state.queues.clear();
        let known = state.connection.as_deref() == Some(why);
        state.connection = Some(why.to_owned());
        !known
    }

    pub(crate) fn connected(&self) {
        self.state().connection = None;
    }

    /// Whether that is news.
    pub(crate) fn queue_failed(&self, queue: &str, why: &str) -> bool {
        let old = self.state().queues.insert(queue.to_owned(), why.to_owned());
        old.as_deref() != Some(why)
    }

    pub(crate) fn queue_works(&self, queue: &str) {
        self.state().queues.remove(queue);
    }

    /// Those that are news.
    pub(crate) fn unmatched(&self, patterns: Vec<String>) -> Vec<String> {
        let mut state = self.state();
        let news = patterns.iter().filter(|one| !state.unmatched.contains(one));
        let news = news.cloned().collect();
        state.unmatched = patterns;
        news
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
