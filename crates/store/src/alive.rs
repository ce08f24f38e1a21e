//! Signs of life: how other owners know that this one is there, where several share a database.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as Turn;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::engine::{Engine, Fault};
use crate::ledger::ms;
use crate::value::{Statement, Value};

/// How long a sign is waited for before it is given anew, a third of the lease within these.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5);

/// The signs of life of one owner. Given beside what the writer writes, so that a transaction that
/// has to wait does not make its owner look dead.
pub(crate) struct Alive {
    engine: Arc<dyn Engine>,
    owner: Arc<str>,
    lease: Duration,
    state: Mutex<State>,
    /// Held while a sign is given. True: no more are given.
    ended: Turn<bool>,
}

#[derive(Clone, Copy)]
struct State {
    /// When the last sign that was heard was given.
    last: Instant,
    /// When the first one was given after others could have taken this owner for dead.
    back: Option<Instant>,
}

// === impl Alive ===

impl Alive {
    /// An owner that gives its first sign.
    pub(crate) async fn begin(
        engine: Arc<dyn Engine>,
        owner: Arc<str>,
        lease: Duration,
    ) -> Result<Alive, Fault> {
        let alive = Alive {
            engine,
            owner,
            lease,
            state: Mutex::new(State {
                last: Instant::now(),
                back: None,
            }),
            ended: Turn::new(false),
        };
        alive.give().await?;
        alive.state().back = None;
        Ok(alive)
    }

    /// Gives signs until they end.
    pub(crate) async fn run(self: Arc<Alive>) {
        loop {
            let last = self.state().last;
            sleep_until(last + self.lease / 3).await;
            let ended = self.ended.lock().await;
            if *ended {
                return;
            }
            let given = self.give().await;
            drop(ended);
            if given.is_err() {
                // The writer says aloud that the database is away.
                sleep(self.lease / 30).await;
            }
        }
    }

    /// Whether nobody can have taken what this owner had at `then`, as far as it knows. Wrong for as
    /// long as it does not know that its machine was stopped.
    pub(crate) fn since(&self, then: Instant) -> bool {
        let state = *self.state();
        let heard = state.last.elapsed() < self.lease;
        heard && state.back.is_none_or(|back| back < then)
    }

    /// Whether this owner may say of others that they are gone. Not just after it was away itself:
    /// where the database was, so were the others, and they must have the time to come back.
    pub(crate) fn may_judge(&self) -> bool {
        let state = *self.state();
        let heard = state.last.elapsed() < self.lease;
        heard && state.back.is_none_or(|back| back.elapsed() >= self.lease)
    }

    /// Gives no more signs, also none that is on its way.
    pub(crate) async fn end(&self, patience: Duration) {
        if let Ok(mut ended) = timeout(patience, self.ended.lock()).await {
            *ended = true;
        }
    }

    async fn give(&self) -> Result<(), Fault> {
        let begun = Instant::now();
        // A pool that finds nobody looks ever more seldom.
        let patience = (self.lease / 3).clamp(SHORTEST, LONGEST);
        let values = [
            (&self.owner).into(),
            ms(self.lease).into(),
            Value::Int(None),
        ];
        let renew = Statement::new(self.engine.dialect().renew(), values);
        let late = |_| Fault::Unreachable("the database does not answer".to_owned());
        let rows = timeout(patience, self.engine.read(renew)).await;
        let rows = rows.map_err(late)??;
        let in_time = rows.first().map(|row| row.int(0)).transpose()?;
        let mut state = self.state();
        state.last = begun;
        if in_time.flatten() != Some(1) {
            state.back = Some(begun);
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
