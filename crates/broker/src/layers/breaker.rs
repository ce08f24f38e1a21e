//! The circuit breaker: a system that fails again and again is left alone for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crosspoint_core::{Failure, Kind, Outcome, Refusal, inner_status};
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use crate::limiters::Scope;
use crate::policy::CircuitBreaker;
use crate::window::{Counts, Window};

/// The pause is doubled up to this.
const LONGEST: Duration = Duration::from_secs(300);

/// What callers are told to wait at most while a call is on probation: usually it ends soon.
const WAIT: Duration = Duration::from_secs(1);

/// The breaker of a connector or command.
pub(crate) struct Breaker {
    pub(crate) settings: CircuitBreaker,
    scope: Scope,
    refused: Counter,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// Changes with the phase: a call that began before has no say about what is now.
    age: u64,
}

enum Phase {
    /// All calls go through; how many of them failed.
    Closed(Window),
    /// None does before then.
    Open { until: Instant, pause: Duration },
    /// One is under way, and what becomes of it decides. When it takes longer than until then,
    /// another one is: a call may hang for an hour.
    Probation { until: Instant, pause: Duration },
}

/// What a breaker does with the calls that come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerPhase {
    /// They go through.
    Closed,
    /// One of them is under way, and what becomes of it decides; the others are refused.
    Probation,
    /// They are refused.
    Open,
}

/// What a result says about the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Well,
    Failed,
    Nothing,
}

/// Watches an attempt. One that is dropped says nothing; if it was on probation, the next call is.
pub(crate) struct Watched<'b> {
    breaker: Option<&'b Breaker>,
    age: u64,
}

/// Lets the call through, or refuses it because its system is left alone.
pub(crate) fn layer(breaker: Option<&Breaker>) -> Result<Watched<'_>, Failure> {
    let age = match breaker {
        Some(breaker) => breaker.admit()?,
        None => 0,
    };
    Ok(Watched { breaker, age })
}

/// A failure of the system is that it cannot be reached, does not answer in time, or says that it
/// is overloaded or broken. Anything else it said shows that it works: a 404 is an answer.
fn says(result: &Result<Outcome, Failure>) -> Says {
    let Err(failure) = result else {
        return Says::Well;
    };
    match failure.kind {
        Kind::Transport | Kind::Crashed => Says::Failed,
        Kind::Refused(Refusal::DeadlineExceeded) => Says::Failed,
        Kind::Reported if matches!(inner_status(failure), 429 | 500..) => Says::Failed,
        Kind::Reported | Kind::Invalid(_) | Kind::Raised => Says::Well,
        // It was not asked, or nobody knows.
        Kind::Refused(_) | Kind::Unknown => Says::Nothing,
    }
}

// === impl Breaker ===

impl Breaker {
    pub(crate) fn new(settings: CircuitBreaker, scope: Scope, refused: Counter) -> Breaker {
        Breaker {
            settings,
            scope,
            refused,
            state: Mutex::new(State {
                phase: Phase::Closed(Window::over(settings.within)),
                age: 0,
            }),
        }
    }

    pub(crate) fn phase(&self) -> BreakerPhase {
        match self.state().phase {
            Phase::Closed(_) => BreakerPhase::Closed,
            Phase::Probation { .. } => BreakerPhase::Probation,
            Phase::Open { .. } => BreakerPhase::Open,
        }
    }

    /// How long it lets no call through; nothing when one may be tried.
    pub(crate) fn left(&self) -> Duration {
        match self.state().phase {
            Phase::Open { until, .. } => until.saturating_duration_since(Instant::now()),
            Phase::Closed(_) | Phase::Probation { .. } => Duration::ZERO,
        }
    }

    fn admit(&self) -> Result<u64, Failure> {
        let mut state = self.state();
        let (until, pause, longest) = match state.phase {
            Phase::Closed(_) => return Ok(state.age),
            Phase::Open { until, pause } => (until, pause, pause),
            Phase::Probation { until, pause } => (until, pause, WAIT),
        };
        let now = Instant::now();
        let left = until.saturating_duration_since(now);
        if left.is_zero() {
            let until = now + pause;
            return Ok(state.become_(Phase::Probation { until, pause }));
        }
        let wait = left.min(longest);
        drop(state);
        self.refused.inc();
        let message = format!(
            "calls of {} kept failing, so that its system is left alone for a while; \
             nothing was done",
            self.scope
        );
        Err(Failure::refused(Refusal::CircuitOpen, message).with_retry_after(wait))
    }

    /// Takes in what an attempt says that began at `age`.
    fn learn(&self, age: u64, says: Says) {
        let mut state = self.state();
        if state.age != age {
            return;
        }
        match (&mut state.phase, says) {
            (Phase::Closed(_), Says::Nothing) | (Phase::Open { .. }, _) => {}
            (Phase::Closed(window), says) => {
                let of_a_kind = (says == Says::Failed).into();
                window.add(Counts { all: 1, of_a_kind });
                if says == Says::Failed {
                    let Counts { all, of_a_kind } = window.sum();
                    if of_a_kind >= self.settings.failures.into() && of_a_kind * 2 >= all {
                        state.open(self.settings.pause);
                        self.tell_open(self.settings.pause, "too many calls failed");
                    }
                }
            }
            (Phase::Probation { .. }, Says::Well) => {
                state.become_(Phase::Closed(Window::over(self.settings.within)));
                let (connector, command) = (&*self.scope.connector, self.scope.command.as_deref());
                tracing::info!(connector, command, "The circuit breaker is closed again.");
            }
            (Phase::Probation { pause, .. }, Says::Failed) => {
                let pause = (*pause * 2).min(LONGEST);
                state.open(pause);
                self.tell_open(pause, "the call on probation failed");
            }
            // The next call is on probation.
            (Phase::Probation { pause, .. }, Says::Nothing) => {
                let pause = *pause;
                let until = Instant::now();
                state.become_(Phase::Open { until, pause });
            }
        }
    }

    fn tell_open(&self, pause: Duration, why: &str) {
        let (connector, command) = (&*self.scope.connector, self.scope.command.as_deref());
        tracing::warn!(
            connector,
            command,
            why,
            ?pause,
            "The circuit breaker is open: calls are refused for a while."
        );
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn become_(&mut self, phase: Phase) -> u64 {
        self.phase = phase;
        self.age += 1;
        self.age
    }

    fn open(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        self.become_(Phase::Open { until, pause });
    }
}

// === impl Watched ===

impl Watched<'_> {
    /// Tells the breaker what became of the attempt.
    pub(crate) fn judge(mut self, result: &Result<Outcome, Failure>) {
        if let Some(breaker) = self.breaker.take() {
            breaker.learn(self.age, says(result));
        }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if let Some(breaker) = self.breaker.take() {
            breaker.learn(self.age, Says::Nothing);
        }
    }
}

// === impl BreakerPhase ===

impl BreakerPhase {
    /// The name that people and programs read.
    pub fn name(self) -> &'static str {
        match self {
            BreakerPhase::Closed => "closed",
            BreakerPhase::Probation => "probation",
            BreakerPhase::Open => "open",
        }
    }

    /// The value of its metric.
    pub(crate) fn number(self) -> i64 {
        match self {
            BreakerPhase::Closed => 0,
            BreakerPhase::Probation => 1,
            BreakerPhase::Open => 2,
        }
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
