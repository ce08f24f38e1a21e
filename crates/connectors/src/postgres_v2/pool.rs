//! Connections that are kept for the next call with the same connection string.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crosspoint_core::Failure;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use super::dsn::Dsn;
use super::fault;
use super::session::{Network, Session};

/// All connections of the connector.
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    network: Network,
    max_connections: usize,
    idle_time: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    places: HashMap<Key, Arc<Place>>,
    /// Whether somebody closes what is idle for too long.
    swept: bool,
}

/// Tells connection strings apart without holding them.
type Key = [u8; 32];

/// The connections of one connection string.
struct Place {
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    session: Session,
    since: Instant,
}

/// A connection in use. Unless it is given back it is ended, together with what the server does
/// for it at that moment.
pub(super) struct Lease {
    session: Option<Session>,
    place: Arc<Place>,
    pool: Weak<Inner>,
    _permit: OwnedSemaphorePermit,
}

// === impl Pool ===

impl Pool {
    /// A pool without connections.
    pub(super) fn new(network: Network, max_connections: usize, idle_time: Duration) -> Pool {
        Pool(Arc::new(Inner {
            network,
            max_connections: max_connections.max(1),
            idle_time,
            state: Mutex::default(),
        }))
    }

    /// A connection that works: a kept one that was just tried, or a new one.
    pub(super) async fn lease(
        &self,
        text: &str,
        dsn: &Dsn,
        deadline: Instant,
    ) -> Result<Lease, Failure> {
        let place = self.0.place(Sha256::digest(text).into());
        let permit = place.permits.clone().acquire_owned();
        let Ok(Ok(permit)) = timeout_at(deadline, permit).await else {
            let all = self.0.max_connections;
            return Err(fault::connecting(
                format!("all {all} connections to this database were in use until the deadline"),
                None,
            ));
        };
        let mut lease = Lease {
            session: None,
            place,
            pool: Arc::downgrade(&self.0),
            _permit: permit,
        };
        loop {
            let idle = lock(&lease.place.idle).pop();
            let Some(idle) = idle else { break };
            if idle.since.elapsed() < self.0.idle_time && idle.session.renew(deadline).await {
                lease.session = Some(idle.session);
                return Ok(lease);
            }
        }
        lease.session = Some(Session::open(&self.0.network, dsn, deadline).await?);
        Ok(lease)
    }
}

/// Shows numbers only.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("places", &lock(&self.0.state).places.len())
            .finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    fn place(&self, key: Key) -> Arc<Place> {
        let mut state = lock(&self.state);
        let place = state.places.entry(key).or_insert_with(|| {
            Arc::new(Place {
                permits: Arc::new(Semaphore::new(self.max_connections)),
                idle: Mutex::default(),
            })
        });
        place.clone()
    }

    /// Sees to it that idle connections are closed in time, by one task for all of them that ends
    /// when there are none.
    fn sweep_later(self: Arc<Self>) {
        if std::mem::replace(&mut lock(&self.state).swept, true) {
            return;
        }
        let pool = Arc::downgrade(&self);
        let pause = self.idle_time;
        tokio::spawn(async move {
            loop {
                sleep(pause).await;
                match pool.upgrade() {
                    Some(pool) if pool.sweep() => {}
                    _ => return,
                }
            }
        });
    }

    /// Closes what is idle for too long. Whether something is left comes back.
    fn sweep(&self) -> bool {
        let mut state = lock(&self.state);
        state.places.retain(|_, place| {
            lock(&place.idle).retain(|idle| idle.since.elapsed() < self.idle_time);
            // A place that a call holds counts twice at least.
            Arc::strong_count(place) > 1 || !lock(&place.idle).is_empty()
        });
        state.swept = !state.places.is_empty();
        state.swept
    }
}

// === impl Lease ===

impl Lease {
    /// The connection.
    pub(super) fn session(&mut self) -> &mut Session {
        self.session
            .as_mut()
            .expect("a lease holds its session until it is given back")
    }

    /// Ends the use in good order. The connection must not be in a transaction.
    pub(super) fn give_back(mut self) {
        if let (Some(session), Some(pool)) = (self.session.take(), self.pool.upgrade()) {
            let since = Instant::now();
            lock(&self.place.idle).push(Idle { session, since });
            pool.sweep_later();
        }
    }

    /// Ends the connection in good order, since statements may have left something in it.
    pub(super) fn close(mut self) {
        self.session = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.abandon();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
