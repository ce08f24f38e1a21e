//! Who may call which worker, and who waits for a free place.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::process::Problem;

/// The places of all workers of a connector. `W` is a handle of a worker.
pub(super) struct Slots<W: Clone> {
    /// How many calls a worker runs at a time.
    threads: usize,
    /// How many calls may wait.
    queue: usize,
    state: Mutex<State<W>>,
}

struct State<W: Clone> {
    members: Vec<Member<W>>,
    waiting: VecDeque<oneshot::Sender<Lease<W>>>,
    /// Why calls are turned away rather than made to wait.
    shut: Option<NoPlace>,
}

struct Member<W> {
    id: u64,
    worker: W,
    busy: usize,
    open: bool,
    idle: CancellationToken,
}

/// A place in a worker. Dropping it frees the place.
pub(super) struct Lease<W: Clone> {
    slots: Arc<Slots<W>>,
    id: u64,
    worker: W,
    held: bool,
}

/// Why there is no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// As many calls wait as may.
    QueueFull,
    /// There is no worker, and the last attempt to start one failed.
    Down(Problem),
    /// No further calls are taken.
    Closed,
}

// === impl Slots ===

impl<W: Clone> Slots<W> {
    pub(super) fn new(threads: usize, queue: usize) -> Slots<W> {
        let state = State {
            members: Vec::new(),
            waiting: VecDeque::new(),
            shut: None,
        };
        Slots {
            threads: threads.max(1),
            queue,
            state: Mutex::new(state),
        }
    }

    /// Adds a worker; calls that wait get its places. The token is cancelled when the worker takes
    /// no new calls and has none left.
    pub(super) fn join(self: &Arc<Self>, id: u64, worker: W) -> CancellationToken {
        let idle = CancellationToken::new();
        let mut state = self.lock();
        if matches!(state.shut, Some(NoPlace::Down(_))) {
            state.shut = None;
        }
        state.members.push(Member {
            id,
            worker,
            busy: 0,
            open: true,
            idle: idle.clone(),
        });
        self.hand_out(&mut state);
        idle
    }

    /// The worker takes no new calls.
    pub(super) fn retire(&self, id: u64) {
        if let Some(member) = self.lock().members.iter_mut().find(|m| m.id == id) {
            member.open = false;
            member.tell_when_idle();
        }
    }

    /// The worker is gone.
    pub(super) fn leave(&self, id: u64) {
        self.lock().members.retain(|member| member.id != id);
    }

    /// A worker could not be started: without another one, calls fail until one could.
    pub(super) fn failed(&self, problem: &Problem) {
        let mut state = self.lock();
        let closed = state.shut == Some(NoPlace::Closed);
        if closed || state.members.iter().any(|member| member.open) {
            return;
        }
        state.shut = Some(NoPlace::Down(problem.clone()));
        // Whoever waits finds its sender gone, and asks why.
        state.waiting.clear();
    }

    /// No further calls are taken.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.shut = Some(NoPlace::Closed);
        state.waiting.clear();
        for member in &mut state.members {
            member.open = false;
            member.tell_when_idle();
        }
    }

    /// A place in the least busy worker, as soon as there is one. First come, first served; whoever
    /// no longer wants it drops the future.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease<W>, NoPlace> {
        let turn = {
            let mut state = self.lock();
            if let Some(lease) = self.take(&mut state) {
                return Ok(lease);
            }
            if let Some(why) = state.shut.clone() {
                return Err(why);
            }
            state.waiting.retain(|waiting| !waiting.is_closed());
            if state.waiting.len() >= self.queue {
                return Err(NoPlace::QueueFull);
            }
            let (sender, turn) = oneshot::channel();
            state.waiting.push_back(sender);
            turn
        };
        turn.await
            .map_err(|_| self.lock().shut.clone().unwrap_or(NoPlace::Closed))
    }

    /// A free place. Nobody is passed over: while somebody waits there is none.
    fn take(self: &Arc<Self>, state: &mut State<W>) -> Option<Lease<W>> {
        let open = state
            .members
            .iter_mut()
            .filter(|m| m.open && m.busy < self.threads);
        let member = open.min_by_key(|member| member.busy)?;
        member.busy += 1;
        Some(Lease {
            slots: self.clone(),
            id: member.id,
            worker: member.worker.clone(),
            held: true,
        })
    }

    /// Gives free places to those who wait.
    fn hand_out(self: &Arc<Self>, state: &mut State<W>) {
        while let Some(turn) = state.waiting.pop_front() {
            if turn.is_closed() {
                continue;
            }
            let Some(lease) = self.take(state) else {
                state.waiting.push_front(turn);
                return;
            };
            if let Err(mut lease) = turn.send(lease) {
                // Not by dropping it: that takes the lock which is held here.
                lease.held = false;
                state.release(lease.id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl<W: Clone> State<W> {
    fn release(&mut self, id: u64) {
        if let Some(member) = self.members.iter_mut().find(|m| m.id == id) {
            member.busy -= 1;
            member.tell_when_idle();
        }
    }
}

// === impl Member ===

impl<W> Member<W> {
    fn tell_when_idle(&self) {
        if !self.open && self.busy == 0 {
            self.idle.cancel();
        }
    }
}

// === impl Lease ===

impl<W: Clone> Lease<W> {
    /// The worker in which the place is.
    pub(super) fn worker(&self) -> &W {
        &self.worker
    }
}

impl<W: Clone> Drop for Lease<W> {
    fn drop(&mut self) {
        if self.held {
            let mut state = self.slots.lock();
            state.release(self.id);
            self.slots.hand_out(&mut state);
        }
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
