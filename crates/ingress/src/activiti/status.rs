//! How the side towards the message broker is: for `/readyz` and for people.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crosspoint_core::shorten;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::publisher::BLOCKED;

/// For how long an answer is said to wait after an attempt. The next one comes before, unless another
/// process makes it.
const TELLING: Duration = Duration::from_secs(120);

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
    /// Why the message broker takes no messages.
    blocked: Option<String>,
    /// Answers that nobody takes, by the row or the request that they are of.
    answers: BTreeMap<String, Waiting>,
    /// What is configured for commands that are not there.
    unmatched: Vec<String>,
}

#[derive(Debug)]
struct Waiting {
    to: String,
    why: String,
    tried: Instant,
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
        let blocked = state.blocked.iter().map(|why| {
            format!("activiti: the message broker cannot be answered: {BLOCKED} ({why})")
        });
        state
            .connection
            .iter()
            .cloned()
            .chain(blocked)
            .chain(queues)
            .chain(state.waiting())
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
        state.blocked = None;
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

    /// Whether, and why, the message broker takes no messages.
    pub(crate) fn blocked(&self, why: Option<String>) {
        self.state().blocked = why;
    }

    /// An answer was tried, and waits. `id` is its row, or the request where there is none.
    pub(crate) fn answer_waits(&self, id: &str, to: &str, why: &str) {
        let waiting = Waiting {
            to: to.to_owned(),
            why: why.to_owned(),
            tried: Instant::now(),
        };
        self.state().answers.insert(id.to_owned(), waiting);
    }

    /// It is published, or given up.
    pub(crate) fn answer_waits_no_more(&self, id: &str) {
        self.state().answers.remove(id);
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

// === impl State ===

impl State {
    /// Which answers wait: one line for each place that takes none.
    fn waiting(&self) -> Vec<String> {
        let mut places: BTreeMap<&str, (usize, &Waiting)> = BTreeMap::new();
        let answers = self.answers.values();
        for waiting in answers.filter(|waiting| waiting.tried.elapsed() < TELLING) {
            let place = places.entry(&waiting.to).or_insert((0, waiting));
            place.0 += 1;
            if waiting.tried > place.1.tried {
                place.1 = waiting;
            }
        }
        let told = places.into_iter().map(|(to, (count, last))| {
            let to = shorten(to);
            let why = &last.why;
            format!("activiti: answers that wait for {to}: {count} ({why})")
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_wait_are_counted_by_the_place_that_takes_none() {
        let status = Status::default();
        status.answer_waits("1", "a", "no queue");
        status.answer_waits("2", "a", "no queue");
        status.answer_waits("2", "a", "full");
        status.answer_waits("3", "b", "no queue");
        let told = [
            "activiti: answers that wait for a: 2 (full)",
            "activiti: answers that wait for b: 1 (no queue)",
        ];
        assert_eq!(status.problems(), told);
        status.answer_waits_no_more("1");
        status.answer_waits_no_more("3");
        assert_eq!(
            status.problems(),
            ["activiti: answers that wait for a: 1 (full)"]
        );
    }
}
