//! Sessions: what revisions before 2026-07-28 keep between `initialize` and the end.
//!
//! A session knows the revision that was agreed on, which requests are under way, so that they can be
//! cancelled, and whether somebody listens for changes. Requests work without one, too.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crosspoint_broker::access::new_key;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::message::{Asked, Id};
use super::meta::Params;
use super::revision::Revision;

/// Requests under way, by their id.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<Id, CancellationToken>>);

/// A request that is under way until this is dropped.
pub(crate) struct UnderWay {
    of: Arc<Running>,
    id: Id,
    pub(crate) cancelled: CancellationToken,
}

/// What is kept for a client.
pub(crate) struct Session {
    pub(crate) id: String,
    /// The key that it was opened with: no other may use it.
    caller: Option<Arc<str>>,
    pub(crate) revision: Revision,
    pub(crate) running: Arc<Running>,
    pub(crate) ended: CancellationToken,
    used: Mutex<Instant>,
    listens: AtomicBool,
}

/// That a client listens, until this is dropped.
pub(crate) struct Listening(Arc<Session>);

/// All sessions, of all clients.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

/// As hard to guess as an access key, and not to be taken for one.
fn new_id() -> Option<String> {
    let key = new_key().ok()?;
    let random = key.split_once('_').map(|(_, random)| random.to_owned());
    Some(random.unwrap_or(key))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Running ===

impl Running {
    /// Nothing where a request of that id is under way already.
    pub(crate) fn begin(self: &Arc<Running>, id: &Id) -> Option<UnderWay> {
        let cancelled = CancellationToken::new();
        let mut running = lock(&self.0);
        if running.contains_key(id) {
            return None;
        }
        running.insert(id.clone(), cancelled.clone());
        Some(UnderWay {
            of: self.clone(),
            id: id.clone(),
            cancelled,
        })
    }

    /// One that is not under way any more is passed over, as the specification wants it.
    fn cancel(&self, id: &Id) {
        if let Some(cancelled) = lock(&self.0).get(id) {
            cancelled.cancel();
        }
    }

    /// Ends what a `notifications/cancelled` names. Any other notification is passed over.
    pub(crate) fn cancel_by(&self, asked: &Asked) {
        if asked.method != "notifications/cancelled" {
            return;
        }
        let params = Params::of(asked).ok();
        if let Some(id) = params.as_ref().and_then(|p| p.own.get("requestId")) {
            self.cancel(&Id::of(id));
        }
    }

    fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        lock(&self.of.0).remove(&self.id);
    }
}

// === impl Session ===

impl Session {
    fn touch(&self) {
        *lock(&self.used) = Instant::now();
    }

    fn is_idle(&self, after: Duration) -> bool {
        let busy = self.listens.load(Ordering::Relaxed) || !self.running.is_empty();
        !busy && lock(&self.used).elapsed() >= after
    }

    /// Nothing where the client listens already.
    pub(crate) fn listen(self: &Arc<Session>) -> Option<Listening> {
        let before = self.listens.swap(true, Ordering::Relaxed);
        (!before).then(|| Listening(self.clone()))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.touch();
        self.0.listens.store(false, Ordering::Relaxed);
    }
}

// === impl Sessions ===

impl Sessions {
    /// Opens one, unless there are `most` that were used within `idle`.
    pub(crate) fn open(
        &self,
        caller: Option<Arc<str>>,
        revision: Revision,
        most: usize,
        idle: Duration,
    ) -> Option<Arc<Session>> {
        let mut sessions = lock(&self.0);
        if sessions.len() >= most {
            sessions.retain(|_, session| !session.is_idle(idle));
        }
        if sessions.len() >= most {
            return None;
        }
        let session = Arc::new(Session {
            id: new_id()?,
            caller,
            revision,
            running: Arc::default(),
            ended: CancellationToken::new(),
            used: Mutex::new(Instant::now()),
            listens: AtomicBool::new(false),
        });
        sessions.insert(session.id.clone(), session.clone());
        Some(session)
    }

    /// The session of that id, if this caller opened it and it was used within `idle`.
    pub(crate) fn find(
        &self,
        id: &str,
        caller: Option<&str>,
        idle: Duration,
    ) -> Option<Arc<Session>> {
        let mut sessions = lock(&self.0);
        let session = sessions.get(id)?.clone();
        if session.caller.as_deref() != caller {
            return None;
        }
        if session.is_idle(idle) {
            sessions.remove(id);
            return None;
        }
        session.touch();
        Some(session)
    }

    /// Ends one.
    pub(crate) fn close(&self, session: &Session) {
        lock(&self.0).remove(&session.id);
        session.ended.cancel();
    }

    /// How many there are, those included that are idle and not yet gone.
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }
}

#[cfg(test)]
mod tests {
    use crosspoint_core::Json;

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    fn open(sessions: &Sessions, most: usize) -> Option<Arc<Session>> {
        sessions.open(Some("key".into()), Revision::V2025_06_18, most, IDLE)
    }

    fn id() -> Id {
        Id::of(&Json::parse("1").unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_so_many_and_idle_ones_make_room() {
        let sessions = Sessions::default();
        let first = open(&sessions, 2).unwrap();
        let second = open(&sessions, 2).unwrap();
        assert!(open(&sessions, 2).is_none());
        tokio::time::advance(IDLE / 2).await;
        assert!(sessions.find(&first.id, Some("key"), IDLE).is_some());
        tokio::time::advance(IDLE / 2).await;
        assert!(open(&sessions, 2).is_some());
        assert!(sessions.find(&first.id, Some("key"), IDLE).is_some());
        assert!(sessions.find(&second.id, Some("key"), IDLE).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_listens_or_waits_is_not_idle() {
        let sessions = Sessions::default();
        let session = open(&sessions, 1).unwrap();
        let listening = session.listen().unwrap();
        assert!(session.listen().is_none());
        tokio::time::advance(IDLE * 2).await;
        assert!(open(&sessions, 1).is_none());
        drop(listening);
        let under_way = session.running.begin(&id()).unwrap();
        tokio::time::advance(IDLE * 2).await;
        assert!(open(&sessions, 1).is_none());
        drop(under_way);
        assert!(open(&sessions, 1).is_some());
    }

    #[tokio::test]
    async fn it_is_for_the_key_that_opened_it() {
        let sessions = Sessions::default();
        let session = open(&sessions, 1).unwrap();
        for (caller, found) in [(Some("key"), true), (Some("other"), false), (None, false)] {
            let session = sessions.find(&session.id, caller, IDLE);
            assert_eq!(session.is_some(), found, "{caller:?}");
        }
        sessions.close(&session);
        assert!(sessions.find(&session.id, Some("key"), IDLE).is_none());
        assert!(session.ended.is_cancelled());
    }

    #[tokio::test]
    async fn a_request_is_cancelled_by_its_id_while_it_is_under_way() {
        let running = Arc::new(Running::default());
        let under_way = running.begin(&id()).unwrap();
        assert!(running.begin(&id()).is_none());
        running.cancel(&id());
        assert!(under_way.cancelled.is_cancelled());
        drop(under_way);
        running.cancel(&id());
        assert!(running.begin(&id()).is_some());
    }
}
