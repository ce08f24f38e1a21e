//! Requests under way whose answers are taken as they come, without the library reading them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use bytes::Bytes;
use crosspoint_core::Trace;
use rmcp::model::ErrorData;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How many lines about its progress a call keeps, and how long each may be, in characters.
const LINES: usize = 100;
const LONGEST: usize = 500;

/// From how many requests on those that are gone are looked for.
const MANY: usize = 1024;

/// A request whose answer somebody waits for.
#[derive(Default)]
pub(super) struct Waiting {
    answer: OnceLock<Answer>,
    progress: Mutex<Progress>,
    /// Told when there is more of it.
    pub(super) told: Notify,
    sent: AtomicBool,
}

/// What a server says about the progress of a call.
#[derive(Default)]
struct Progress {
    lines: Vec<String>,
    /// How many there were, those that were taken included.
    count: usize,
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// The result, JSON text.
    Result(Bytes),
    /// One that was longer than a message may be, and was not kept.
    TooLarge,
    /// An error that does not say which request it answers, where only one can be meant.
    Error(ErrorData),
}

/// Goes with a request to whatever sends it.
#[derive(Clone)]
pub(super) struct Ticket {
    pub(super) waiting: Arc<Waiting>,
    /// The arguments of a tool, a JSON object.
    pub(super) arguments: Option<Bytes>,
    /// When the answer is due.
    pub(super) deadline: Instant,
    /// The trace to pass on.
    pub(super) trace: Option<Trace>,
}

/// The requests under way, by their ids and by the tokens of their progress.
#[derive(Default)]
pub(super) struct Requests(Mutex<State>);

#[derive(Default)]
struct State {
    by_id: HashMap<i64, Weak<Waiting>>,
    by_token: HashMap<i64, Weak<Waiting>>,
}

// === impl Ticket ===

impl Ticket {
    /// Of a request whose answer is due then.
    pub(super) fn until(deadline: Instant) -> Ticket {
        Ticket {
            waiting: Arc::default(),
            arguments: None,
            deadline,
            trace: None,
        }
    }
}

// === impl Waiting ===

impl Waiting {
    pub(super) fn answer(&self) -> Option<Answer> {
        self.answer.get().cloned()
    }

    /// Whether the server may have read the request.
    pub(super) fn was_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    /// What the server has said about the progress since this was asked the last time, a line each.
    pub(super) fn progress(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.progress).lines)
    }

    /// Keeps a line, unless there were many already.
    pub(super) fn add_progress(&self, line: &str) {
        let mut progress = lock(&self.progress);
        if progress.count < LINES {
            progress.count += 1;
            progress.lines.push(line.chars().take(LONGEST).collect());
            self.told.notify_one();
        }
    }
}

// === impl Requests ===

impl Requests {
    /// A request is about to be sent.
    pub(super) fn sending(&self, id: i64, token: Option<i64>, waiting: &Arc<Waiting>) {
        let mut state = lock(&self.0);
        let State { by_id, by_token } = &mut *state;
        for map in [&mut *by_id, by_token] {
            if map.len() >= MANY {
                map.retain(|_, waiting| waiting.strong_count() > 0);
            }
        }
        state.by_id.insert(id, Arc::downgrade(waiting));
        if let Some(token) = token {
            state.by_token.insert(token, Arc::downgrade(waiting));
        }
        waiting.sent.store(true, Ordering::Release);
    }

    /// Takes the answer of a request; tells whether somebody waits for it. The second answer of two
    /// finds nobody.
    pub(super) fn answered(&self, id: i64, answer: Answer) -> bool {
        let waiting = lock(&self.0).by_id.remove(&id);
        let waiting = waiting.and_then(|waiting| waiting.upgrade());
        waiting.is_some_and(|waiting| waiting.answer.set(answer).is_ok())
    }

    /// Whether somebody waits for that answer.
    pub(super) fn awaits(&self, id: i64) -> bool {
        let state = lock(&self.0);
        let waiting = state.by_id.get(&id);
        waiting.is_some_and(|waiting| waiting.strong_count() > 0)
    }

    /// The only request that is under way; nothing where there are several.
    pub(super) fn only(&self) -> Option<i64> {
        let state = lock(&self.0);
        let awaited = |waiting: &Weak<Waiting>| waiting.strong_count() > 0;
        let mut ids = state.by_id.iter().filter(|(_, waiting)| awaited(waiting));
        let (id, _) = ids.next()?;
        ids.next().is_none().then_some(*id)
    }

    /// The request of which something is told.
    pub(super) fn of_token(&self, token: i64) -> Option<Arc<Waiting>> {
        lock(&self.0).by_token.get(&token)?.upgrade()
    }

    /// Nobody waits for it any more.
    pub(super) fn over(&self, id: i64, token: i64) {
        let mut state = lock(&self.0);
        state.by_id.remove(&id);
        state.by_token.remove(&token);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_once_and_only_while_somebody_waits() {
        let requests = Requests::default();
        let waiting = Arc::new(Waiting::default());
        assert!(!waiting.was_sent());
        requests.sending(1, Some(7), &waiting);
        assert!(waiting.was_sent() && requests.awaits(1));
        assert!(requests.of_token(7).is_some() && requests.of_token(8).is_none());
        assert!(requests.answered(1, Answer::Result("{}".into())));
        assert!(!requests.answered(1, Answer::TooLarge));
        assert_eq!(waiting.answer(), Some(Answer::Result("{}".into())));

        requests.sending(2, None, &waiting);
        drop(waiting);
        assert!(!requests.awaits(2) && !requests.answered(2, Answer::TooLarge));
    }

    #[test]
    fn requests_that_are_gone_do_not_pile_up() {
        let requests = Requests::default();
        for id in 0..10 * MANY as i64 {
            requests.sending(id, Some(id), &Arc::new(Waiting::default()));
        }
        assert!(lock(&requests.0).by_id.len() <= MANY);
        assert!(lock(&requests.0).by_token.len() <= MANY);
    }

    #[test]
    fn a_call_keeps_so_many_lines_of_progress_and_no_more() {
        let waiting = Waiting::default();
        let mut kept = Vec::new();
        for _ in 0..1000 {
            waiting.add_progress(&"x".repeat(9000));
            kept.extend(waiting.progress());
        }
        assert_eq!(kept.len(), LINES);
        assert!(kept.iter().all(|line| line.len() == LONGEST));
    }
}
