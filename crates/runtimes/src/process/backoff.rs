//! How long to wait before a worker is started again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// Doubles the wait with each failure in a row.
#[derive(Default)]
pub(crate) struct Backoff {
    failures: u32,
}

// === impl Backoff ===

impl Backoff {
    /// The wait after a worker could not be started.
    pub(crate) fn after_failed_start(&mut self) -> Duration {
        self.failures += 1;
        let doubled = FIRST.saturating_mul(1 << (self.failures - 1).min(16));
        doubled.min(LONGEST).mul_f64(jitter())
    }

    /// The wait after a worker has ended. One that had proved itself is replaced at once, and so is
    /// the first that had not: whoever calls next shall not pay for an accident.
    pub(crate) fn after_end(&mut self, had_proved_itself: bool) -> Duration {
        if had_proved_itself {
            self.failures = 0;
            return Duration::ZERO;
        }
        if self.failures == 0 {
            self.failures = 1;
            return Duration::ZERO;
        }
        self.after_failed_start()
    }
}

/// Between a half and one, so that what failed together is not tried again together.
fn jitter() -> f64 {
    // The standard library has no generator of random numbers, but each of these is seeded by one.
    let random = RandomState::new().hash_one(());
    0.5 + (random % 1024) as f64 / 2048.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_starts_wait_longer_and_longer() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..12).map(|_| backoff.after_failed_start()).collect();
        assert!(waits[0] >= FIRST / 2 && waits[0] <= FIRST, "{waits:?}");
        assert!(waits[4] >= FIRST * 8 && waits[4] <= FIRST * 16, "{waits:?}");
        assert!(
            waits[11] >= LONGEST / 2 && waits[11] <= LONGEST,
            "{waits:?}"
        );
    }

    #[test]
    fn a_first_crash_costs_no_wait_and_a_row_of_them_does() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.after_end(false), Duration::ZERO);
        assert_ne!(backoff.after_end(false), Duration::ZERO);
        assert_eq!(backoff.after_end(true), Duration::ZERO);
        assert_eq!(backoff.after_end(false), Duration::ZERO);
    }
}
