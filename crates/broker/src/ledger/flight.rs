//! Calls under way in this process, and who waits for them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crosspoint_core::{CallId, Failure, Mask, Outcome, Safety};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::State;

type Landed = Option<Result<Outcome, Failure>>;

/// A call under way: how far it is, and its result for duplicates that wait for it.
pub(crate) struct Flight {
    read_only: bool,
    begun: AtomicBool,
    promised: AtomicBool,
    polled: AtomicBool,
    /// The row that the call has, and where it was, when that is another one than was asked for, or
    /// when the caller is answered before the end.
    row: OnceLock<(CallId, State)>,
    /// Secrets that only the connector recognised.
    secrets: OnceLock<Mask>,
    /// Comes when the end of the call is recorded, where the result goes out before.
    recorded: OnceLock<Recorded>,
    result: watch::Sender<Landed>,
}

/// Flights by the ids of their rows.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<String, Weak<Flight>>>);

/// Keeps a flight in the list.
pub(crate) struct Listed {
    flights: Arc<Flights>,
    id: String,
    flight: Weak<Flight>,
}

/// Comes when the end of a call is in the ledger, or waits to be written there.
#[derive(Debug, Clone, Default)]
pub struct Recorded(CancellationToken);

// === impl Recorded ===

impl Recorded {
    /// Waits for it.
    pub async fn wait(self) {
        self.0.cancelled().await;
    }

    /// Says that it is recorded when this is dropped, however that comes.
    pub(crate) fn promise(&self) -> DropGuard {
        self.0.clone().drop_guard()
    }
}

// === impl Flight ===

impl Flight {
    pub(crate) fn new(safety: Safety) -> Flight {
        Flight {
            read_only: safety == Safety::ReadOnly,
            begun: AtomicBool::new(false),
            promised: AtomicBool::new(false),
            polled: AtomicBool::new(false),
            row: OnceLock::new(),
            secrets: OnceLock::new(),
            recorded: OnceLock::new(),
            result: watch::Sender::new(None),
        }
    }

    /// From here on the connector may have been asked.
    pub(crate) fn begin(&self) {
        self.begun.store(true, Ordering::Release);
    }

    /// From here on the result is delivered by callback.
    pub(crate) fn promise(&self) {
        self.promised.store(true, Ordering::Release);
    }

    pub(crate) fn is_promised(&self) -> bool {
        self.promised.load(Ordering::Acquire)
    }

    /// From here on somebody asks for the result by the id of the call, sooner or later.
    pub(crate) fn poll(&self) {
        self.polled.store(true, Ordering::Release);
    }

    /// Whether somebody is to have the result who does not wait for it.
    pub(crate) fn is_owed(&self) -> bool {
        self.is_promised() || self.polled.load(Ordering::Acquire)
    }

    /// Notes which row the caller's answer is about.
    pub(crate) fn note(&self, id: CallId, state: State) {
        // The first word counts: it is the one of the layer that knows the key.
        let _ = self.row.set((id, state));
    }

    /// The row that was noted.
    pub(crate) fn noted(&self) -> Option<(CallId, State)> {
        self.row.get().copied()
    }

    /// Notes the secrets that were found on the way.
    pub(crate) fn protect(&self, secrets: Mask) {
        // Those of a second attempt are those of the first: the arguments are the same.
        let _ = self.secrets.set(secrets);
    }

    /// The secrets that were found on the way.
    pub(crate) fn secrets(&self) -> Option<&Mask> {
        self.secrets.get()
    }

    /// From here on the result is there, and its end is recorded by a task of its own.
    pub(crate) fn ahead(&self, recorded: Recorded) {
        let _ = self.recorded.set(recorded);
    }

    /// What comes when the end is recorded. Nothing: it is, or nobody waits for it.
    pub(crate) fn recorded(&self) -> Option<Recorded> {
        self.recorded.get().cloned()
    }

    /// Tells the result to everybody who waits.
    pub(crate) fn land(&self, result: &Result<Outcome, Failure>) {
        if self.result.receiver_count() > 0 {
            self.result.send_replace(Some(result.clone()));
        }
    }

    /// Whether nothing is lost when the call is dropped: it has not begun, or it only reads and
    /// nobody waits.
    pub(crate) fn may_be_dropped(&self) -> bool {
        let begun = self.begun.load(Ordering::Acquire);
        let wanted = self.is_owed() || self.result.receiver_count() > 0;
        !begun || (self.read_only && !wanted)
    }
}

// === impl Flights ===

impl Flights {
    /// Lists a flight, so that duplicates find it.
    pub(crate) fn list(self: &Arc<Flights>, id: &str, flight: &Arc<Flight>) -> Listed {
        let flight = Arc::downgrade(flight);
        self.lock().insert(id.to_owned(), flight.clone());
        Listed {
            flights: self.clone(),
            id: id.to_owned(),
            flight,
        }
    }

    /// The result of a flight, to wait for. While the receiver lives, the call is not dropped.
    pub(crate) fn find(&self, id: &str) -> Option<watch::Receiver<Landed>> {
        let flight = self.lock().get(id)?.upgrade()?;
        Some(flight.result.subscribe())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Flight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        // The next attempt of the same call may have come meanwhile.
        if flights
            .get(&self.id)
            .is_some_and(|other| other.ptr_eq(&self.flight))
        {
            flights.remove(&self.id);
        }
    }
}
