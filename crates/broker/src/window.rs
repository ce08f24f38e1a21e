//! Counting over a time that slides along.

use std::time::Duration;

use tokio::time::Instant;

/// In so many steps the time slides: what is counted is forgotten at most a tenth too early.
const STEPS: usize = 10;

/// Counts of two things over the last while. Nothing older than that is in them.
#[derive(Debug)]
pub(crate) struct Window {
    step: Duration,
    /// When the newest step began.
    since: Instant,
    newest: usize,
    counts: [Counts; STEPS],
}

/// All that were counted, and those of a kind among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) all: u64,
    pub(crate) of_a_kind: u64,
}

// === impl Window ===

impl Window {
    pub(crate) fn over(time: Duration) -> Window {
        Window {
            step: (time / STEPS as u32).max(Duration::from_nanos(1)),
            since: Instant::now(),
            newest: 0,
            counts: [Counts::default(); STEPS],
        }
    }

    /// Adds to the counts of now.
    pub(crate) fn add(&mut self, counts: Counts) {
        self.slide();
        self.counts[self.newest].add(counts);
    }

    /// The counts of the last while.
    pub(crate) fn sum(&mut self) -> Counts {
        self.slide();
        let mut sum = Counts::default();
        self.counts.iter().for_each(|counts| sum.add(*counts));
        sum
    }

    fn slide(&mut self) {
        let passed = self.since.elapsed().as_nanos() / self.step.as_nanos();
        let steps = u32::try_from(passed).unwrap_or(u32::MAX);
        if steps as usize >= STEPS {
            self.counts = [Counts::default(); STEPS];
            self.since = Instant::now();
            return;
        }
        for _ in 0..steps {
            self.newest = (self.newest + 1) % STEPS;
            self.counts[self.newest] = Counts::default();
        }
        self.since += self.step * steps;
    }
}

// === impl Counts ===

impl Counts {
    fn add(&mut self, other: Counts) {
        self.all += other.all;
        self.of_a_kind += other.of_a_kind;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn one(of_a_kind: u64) -> Counts {
        Counts { all: 1, of_a_kind }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_older_than_the_time_is_forgotten() {
        let mut window = Window::over(Duration::from_secs(10));
        window.add(one(1));
        advance(Duration::from_secs(5)).await;
        window.add(one(0));
        let both = Counts {
            all: 2,
            of_a_kind: 1,
        };
        assert_eq!(window.sum(), both);
        advance(Duration::from_millis(4900)).await;
        assert_eq!(window.sum(), both);
        advance(Duration::from_millis(100)).await;
        assert_eq!(window.sum(), one(0));
        advance(Duration::from_secs(5)).await;
        assert_eq!(window.sum(), Counts::default());
        window.add(one(1));
        advance(Duration::from_hours(24 * 365 * 100)).await;
        assert_eq!(window.sum(), Counts::default());
    }
}
