//! What waits to be written. Bounded in number and bytes; nobody who does not want to wait waits
//! for room.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crosspoint_broker::ledger::State;
use indexmap::IndexMap;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::record::{Change, Insert};
use crate::work::{Heard, Record, Work};

/// How long a record that nobody is in a hurry for may wait for company, above all a beginning for its end:
/// together they are one insert.
const LINGER: Duration = Duration::from_millis(20);

/// How many records go into one transaction.
pub(crate) const BATCH: usize = 256;

/// How often other tasks get their turn before a transaction begins, as long as they bring more.
const GATHERING: usize = 8;

/// How many bytes may wait.
const BYTES: usize = 64 << 20;

/// The queue between the callers and the writer.
pub(crate) struct Queue {
    capacity: usize,
    inner: Mutex<Inner>,
    wake: Notify,
    idle: Notify,
    lost: AtomicU64,
}

#[derive(Default)]
struct Inner {
    /// Somebody waits for these.
    urgent: VecDeque<Work>,
    /// Nobody waits for these, and they may become complete.
    lazy: IndexMap<Arc<str>, Box<Record>>,
    /// Somebody waits for these, and they go with whatever is written next.
    shared: IndexMap<Arc<str>, Box<Record>>,
    /// Since when something lingers.
    lazy_since: Option<Instant>,
    bytes: usize,
    /// Written as soon as possible, whether somebody waits or not.
    hurry: bool,
    writing: bool,
    closed: bool,
    ended: bool,
}

/// Why something was not queued.
pub(crate) enum NotQueued {
    /// There is no room, or the queue is closed.
    Full,
    /// It is not allowed after what waits of the same call, which ends in this state.
    After(State),
}

// === impl Queue ===

impl Queue {
    pub(crate) fn new(capacity: usize) -> Queue {
        Queue {
            capacity,
            inner: Mutex::default(),
            wake: Notify::new(),
            idle: Notify::new(),
            lost: AtomicU64::new(0),
        }
    }

    /// Queues what somebody waits for, or what came back from a transaction that failed.
    pub(crate) fn push(&self, work: Work) -> Result<(), NotQueued> {
        let mut inner = self.inner();
        if !inner.has_room(self.capacity, work.size()) {
            return Err(NotQueued::Full);
        }
        inner.bytes += work.size();
        inner.urgent.push_back(work);
        drop(inner);
        self.wake.notify_one();
        Ok(())
    }

    /// Queues a beginning that nobody waits for. Takes only three quarters of the room, so that
    /// those who wait find some.
    pub(crate) fn begin(&self, insert: Insert) {
        let size = insert.size();
        let mut inner = self.inner();
        if !inner.has_room(self.capacity * 3 / 4, size) {
            drop(inner);
            return self.lose(1);
        }
        inner.bytes += size;
        let id = insert.id.clone();
        let mut record = Record::new(id.clone());
        record.insert = Some(insert);
        inner.lazy.insert(id, Box::new(record));
        let wake = inner.linger();
        drop(inner);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Queues a change. It joins what waits of the same call; where somebody waits for it, both are
    /// as urgent as that.
    pub(crate) fn change(
        &self,
        id: &Arc<str>,
        change: Change,
        heard: Heard,
    ) -> Result<(), NotQueued> {
        let size = change.size();
        let mut inner = self.inner();
        // One change has one who waits: what was there before goes first.
        inner.hasten_shared(id);
        // What joins takes no place of its own.
        let capacity = match inner.lazy.contains_key(id) {
            true => usize::MAX,
            false => self.capacity,
        };
        if !inner.has_room(capacity, size) {
            return Err(NotQueued::Full);
        }
        let waiting = inner.lazy.swap_remove(id);
        let mut record = waiting.unwrap_or_else(|| Box::new(Record::new(id.clone())));
        if let Err(state) = record.join(&change) {
            inner.lazy.insert(id.clone(), record);
            return Err(NotQueued::After(state));
        }
        inner.bytes += size;
        let urgent = matches!(heard, Heard::Soon(_));
        match heard {
            Heard::Soon(waiter) => {
                record.changed = Some(waiter);
                inner.urgent.push_back(Work::Record(record));
            }
            Heard::Later(waiter) => {
                record.changed = Some(waiter);
                inner.shared.insert(id.clone(), record);
            }
            Heard::Never => drop(inner.lazy.insert(id.clone(), record)),
        }
        let wake = inner.linger() || urgent;
        drop(inner);
        if wake {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Puts back what could not be written, in front of everything else.
    pub(crate) fn put_back(&self, works: Vec<Work>) {
        let mut inner = self.inner();
        for work in works.into_iter().rev() {
            inner.bytes += work.size();
            inner.urgent.push_front(work);
        }
    }

    /// Waits for work, at most until `latest`. None when the queue is closed and empty.
    pub(crate) async fn next(&self, latest: Option<Instant>) -> Option<Vec<Work>> {
        loop {
            self.gather().await;
            let until = {
                let mut inner = self.inner();
                inner.writing = false;
                let works = inner.take();
                if !works.is_empty() {
                    inner.writing = true;
                    return Some(works);
                }
                if inner.is_empty() {
                    inner.hurry = false;
                    inner.ended = inner.closed;
                    self.idle.notify_waiters();
                    if inner.closed {
                        return None;
                    }
                }
                let lingering = inner.lazy_since.map(|since| since + LINGER);
                [lingering, latest].into_iter().flatten().min()
            };
            match until {
                None => self.wake.notified().await,
                Some(until) => {
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = sleep_until(until) => {
                            if latest.is_some_and(|latest| latest <= Instant::now()) {
                                return Some(Vec::new());
                            }
                        }
                    }
                }
            }
        }
    }

    /// Lets tasks that are about to queue something do so: what they bring shares the price of the
    /// commit. Where there are none, nobody waits longer.
    async fn gather(&self) {
        let mut before = 0;
        for _ in 0..GATHERING {
            let now = self.inner().urgent.len();
            if now == before || now >= BATCH {
                return;
            }
            before = now;
            tokio::task::yield_now().await;
        }
    }

    /// Waits until everything is written.
    pub(crate) async fn flushed(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            {
                let mut inner = self.inner();
                if inner.is_empty() && !inner.writing {
                    return;
                }
                inner.hurry = true;
            }
            self.wake.notify_one();
            idle.await;
        }
    }

    /// Makes what waits of a call urgent.
    pub(crate) fn hasten(&self, id: &str) {
        let mut inner = self.inner();
        inner.hasten_shared(id);
        if let Some(record) = inner.lazy.swap_remove(id) {
            inner.urgent.push_back(Work::Record(record));
        }
    }

    /// Waits until the writer has ended.
    pub(crate) async fn ended(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.inner().ended {
                return;
            }
            idle.await;
        }
    }

    /// Lets the writer end when everything is written.
    pub(crate) fn close(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        inner.hurry = true;
        drop(inner);
        self.wake.notify_one();
    }

    /// Forgets what waits, and counts it as lost.
    pub(crate) fn abandon(&self) {
        let mut inner = self.inner();
        let left = inner.len();
        inner.lazy.clear();
        inner.shared.clear();
        inner.urgent.clear();
        inner.bytes = 0;
        drop(inner);
        self.lose(left as u64);
    }

    pub(crate) fn lose(&self, records: u64) {
        self.lost.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(crate) fn len(&self) -> usize {
        self.inner().len()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.inner().closed
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Inner ===

impl Inner {
    fn has_room(&self, capacity: usize, bytes: usize) -> bool {
        // One large record may always be under way.
        let fits = self.bytes + bytes <= BYTES || self.bytes == 0;
        !self.closed && fits && self.len() < capacity
    }

    fn len(&self) -> usize {
        self.urgent.len() + self.lazy.len() + self.shared.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn hasten_shared(&mut self, id: &str) {
        if let Some(record) = self.shared.swap_remove(id) {
            self.urgent.push_back(Work::Record(record));
        }
    }

    /// Notes that something lingers. Whether the writer has to know.
    fn linger(&mut self) -> bool {
        let lingering = self.lazy.len() + self.shared.len();
        let first = self.lazy_since.is_none() && lingering > 0;
        if first {
            self.lazy_since = Some(Instant::now());
        }
        first || lingering == BATCH
    }

    /// The next transaction's work. Nothing when what is there may still wait.
    fn take(&mut self) -> Vec<Work> {
        // Whoever asked and left was told that it is not done.
        self.urgent
            .retain(|work| !matches!(work, Work::Ask(ask) if ask.answer.is_closed()));
        let urgent = self.urgent.len().min(BATCH);
        let mut works: Vec<Work> = self.urgent.drain(..urgent).collect();
        let ripe = self.hurry
            || self.lazy.len() + self.shared.len() >= BATCH
            || self
                .lazy_since
                .is_some_and(|since| since + LINGER <= Instant::now());
        let mut add = |records: &mut IndexMap<Arc<str>, Box<Record>>| {
            let some = records.len().min(BATCH - works.len());
            let records = records.drain(..some);
            works.extend(records.map(|(_, record)| Work::Record(record)));
        };
        if ripe || urgent > 0 {
            add(&mut self.shared);
        }
        if ripe {
            add(&mut self.lazy);
        }
        if self.lazy.is_empty() && self.shared.is_empty() {
            self.lazy_since = None;
        }
        let bytes: usize = works.iter().map(Work::size).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
        works
    }
}
