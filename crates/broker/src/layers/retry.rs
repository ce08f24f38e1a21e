//! Trying again what has failed in a way that may pass, where that does no harm.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crosspoint_core::{Effect, Failure, Kind, Outcome, inner_status};
use prometheus_client::metrics::counter::Counter;
use tokio::time::{Instant, sleep};

use crate::ledger::Repeat;
use crate::pipeline::{self, Work};
use crate::window::{Counts, Window};

/// No pause is longer, unless a failure itself says when it is worth trying again.
const LONGEST: Duration = Duration::from_secs(30);

/// Over which time calls and retries are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// So many retries may be in that time, however few calls there are.
const ALWAYS: u64 = 3;

/// How many retries a connector or command may have in all, so that a system that is down does not
/// get a multiple of its usual load.
pub(crate) struct Budget {
    /// How many of the calls may be retries.
    pub(crate) percent: u8,
    retries: Counter,
    counted: Mutex<Window>,
}

/// What the tries before have left.
#[derive(Default)]
struct Before {
    /// For the engine's log.
    lines: Vec<String>,
    /// The last failure of a try that asked the system, else the last.
    failure: Option<Failure>,
    /// Whether it did.
    attempted: bool,
}

/// Tries the call, and again for as long as that may help and the policy allows it.
pub(crate) async fn layer(work: &mut Work) -> Result<Outcome, Failure> {
    match work.entry.limits.retries.clone() {
        None => pipeline::once(work, false).await,
        // Boxed, so that the calls without retries are no larger for it.
        Some(budget) => Box::pin(again_and_again(work, &budget)).await,
    }
}

async fn again_and_again(work: &mut Work, budget: &Arc<Budget>) -> Result<Outcome, Failure> {
    let policy = work.entry.policy;
    let call = work.asked.call.as_ref();
    let repeat = call.map(|call| Repeat::of(call, &work.entry.command));
    let most = policy.retries + 1;
    let mut before = Before::default();
    budget.counts_a_call();
    loop {
        work.trace.tries += 1;
        let failure = match pipeline::once(work, work.trace.tries < most).await {
            Ok(outcome) => return Ok(before.succeeded(outcome)),
            Err(failure) => failure,
        };
        let may = repeat.is_some_and(|repeat| repeat.may_run_again(&failure));
        let pause = pause(policy.retry_pause, work.trace.tries)
            .max(failure.retry_after.unwrap_or_default())
            // An open breaker lets nothing through before.
            .max(work.entry.limits.breaker_left());
        let code = failure.code.clone();
        before.failed(failure, work.attempted);
        if work.trace.tries == most || !may || Instant::now() + pause >= work.deadline {
            return Err(before.failure());
        }
        if !budget.allows_a_retry() {
            let line = format!("Not trying again after {code}: too many calls are tried again");
            before.lines.push(line);
            return Err(before.failure());
        }
        before.lines.push(format!(
            "Trying again in {} s after {code} ({} of {most})",
            in_seconds(pause),
            work.trace.tries + 1
        ));
        sleep(pause).await;
    }
}

/// The pause after the first try, the second and so on: doubled each time, and of that a half to
/// the whole, so that calls that failed together do not come back together.
fn pause(first: Duration, tries: u32) -> Duration {
    let doubled = first.saturating_mul(1 << (tries - 1).min(16));
    doubled.min(LONGEST).mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// To the millisecond.
fn in_seconds(time: Duration) -> String {
    let text = format!("{:.3}", time.as_secs_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

// === impl Before ===

impl Before {
    /// A try more has failed. `attempted`: it was not a limit of ours that had it fail.
    fn failed(&mut self, mut failure: Failure, attempted: bool) {
        if let Some(outcome) = &mut failure.outcome {
            self.lines.append(&mut outcome.logs);
        }
        match &mut self.failure {
            // What the system said tells more; only when to come again is the limit's to say.
            Some(earlier) if self.attempted && !attempted => {
                earlier.retry_after = earlier.retry_after.max(failure.retry_after);
            }
            shown => {
                // What one of the tries did, the call did.
                let earlier = shown.as_ref().map(|earlier| earlier.effect);
                if let (Effect::None, Some(effect)) = (failure.effect, earlier) {
                    failure.effect = effect;
                }
                *shown = Some(failure);
                self.attempted = attempted;
            }
        }
    }

    /// How the call ended.
    fn failure(self) -> Failure {
        let failure = self.failure;
        let mut failure = failure.unwrap_or_else(|| Failure::new(Kind::Unknown, "untold", ""));
        if !self.lines.is_empty() {
            let status = inner_status(&failure);
            let empty = || Box::new(Outcome::empty(status));
            failure.outcome.get_or_insert_with(empty).logs = self.lines;
        }
        failure
    }

    fn succeeded(mut self, mut outcome: Outcome) -> Outcome {
        if !self.lines.is_empty() {
            self.lines.append(&mut outcome.logs);
            outcome.logs = self.lines;
        }
        outcome
    }
}

// === impl Budget ===

impl Budget {
    pub(crate) fn new(percent: u8, retries: Counter) -> Budget {
        Budget {
            percent,
            retries,
            counted: Mutex::new(Window::over(WINDOW)),
        }
    }

    fn counts_a_call(&self) {
        self.counted().add(Counts {
            all: 1,
            of_a_kind: 0,
        });
    }

    fn allows_a_retry(&self) -> bool {
        let mut counted = self.counted();
        let Counts { all, of_a_kind } = counted.sum();
        let allowed = of_a_kind < ALWAYS.max(all * u64::from(self.percent) / 100);
        if allowed {
            counted.add(Counts {
                all: 0,
                of_a_kind: 1,
            });
            self.retries.inc();
        }
        allowed
    }

    fn counted(&self) -> MutexGuard<'_, Window> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn allowed(budget: &Budget, of: usize) -> usize {
        (0..of).filter(|_| budget.allows_a_retry()).count()
    }

    #[test]
    fn the_pause_is_doubled_and_between_half_and_the_whole() {
        let first = Duration::from_millis(500);
        for (tries, most) in [(1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0), (11, 30.0)] {
            for _ in 0..100 {
                let pause = pause(first, tries).as_secs_f64();
                assert!((most / 2.0..=most).contains(&pause), "{tries}: {pause}");
            }
        }
    }

    #[test]
    fn seconds_are_short() {
        for (milliseconds, text) in [(500, "0.5"), (1000, "1"), (20, "0.02"), (12_345, "12.345")] {
            assert_eq!(in_seconds(Duration::from_millis(milliseconds)), text);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_of_the_calls_may_be_retries_and_a_few_always() {
        let budget = Budget::new(20, Counter::default());
        budget.counts_a_call();
        assert_eq!(allowed(&budget, 10), 3);
        (0..99).for_each(|_| budget.counts_a_call());
        assert_eq!(allowed(&budget, 50), 17);
        advance(WINDOW).await;
        assert_eq!(allowed(&budget, 10), 3);
        assert_eq!(budget.retries.get(), 23);
    }
}
