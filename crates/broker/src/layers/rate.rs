//! The rate limit: so many calls in a time. What is too much is refused at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crosspoint_core::{Failure, Refusal};
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use crate::limiters::Scope;
use crate::policy::RateLimit;

/// A bucket of tokens that is full at first and fills steadily.
///
/// It is kept as one number, the moment when it will be full again (the generic cell rate
/// algorithm), so that a token costs one atomic exchange.
pub(crate) struct Bucket {
    pub(crate) limit: RateLimit,
    scope: Scope,
    refused: Counter,
    /// The time in which one token comes, in nanoseconds.
    each: u64,
    made: Instant,
    /// Nanoseconds since `made`.
    full: AtomicU64,
}

/// Takes a token, or refuses the call.
pub(crate) fn layer(bucket: Option<&Bucket>) -> Result<(), Failure> {
    match bucket.map(Bucket::take) {
        None | Some(Ok(())) => Ok(()),
        Some(Err(failure)) => Err(failure),
    }
}

// === impl Bucket ===

impl Bucket {
    pub(crate) fn new(limit: RateLimit, scope: Scope, refused: Counter) -> Bucket {
        let each = nanoseconds(limit.per) / u64::from(limit.calls.max(1));
        Bucket {
            limit,
            scope,
            refused,
            each: each.max(1),
            made: Instant::now(),
            full: AtomicU64::new(0),
        }
    }

    fn take(&self) -> Result<(), Failure> {
        let now = nanoseconds(self.made.elapsed());
        let latest = now + self.each * u64::from(self.limit.calls);
        let taken = self
            .full
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full| {
                let full = full.max(now) + self.each;
                (full <= latest).then_some(full)
            });
        taken.map(drop).map_err(|full| {
            self.refused.inc();
            let wait = Duration::from_nanos(full + self.each - latest);
            let message = format!(
                "{} takes {} and has had them; nothing was done",
                self.scope, self.limit
            );
            Failure::refused(Refusal::RateLimited, message).with_retry_after(wait)
        })
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket(calls: u32, per: Duration) -> Bucket {
        let scope = Scope::new("crm", None);
        Bucket::new(RateLimit { calls, per }, scope, Counter::default())
    }

    fn taken(bucket: &Bucket, of: usize) -> usize {
        (0..of).filter(|_| bucket.take().is_ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_count_may_come_at_once_and_then_one_at_a_time() {
        let bucket = bucket(10, SECOND);
        assert_eq!(taken(&bucket, 50), 10);
        advance(Duration::from_millis(100)).await;
        assert_eq!(taken(&bucket, 50), 1);
        advance(Duration::from_millis(250)).await;
        assert_eq!(taken(&bucket, 50), 2);
        // What does not come is not saved up beyond the count.
        advance(60 * SECOND).await;
        assert_eq!(taken(&bucket, 50), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_says_when_the_next_token_comes() {
        let bucket = bucket(4, 3600 * SECOND);
        assert_eq!(taken(&bucket, 4), 4);
        advance(300 * SECOND).await;
        let failure = bucket.take().unwrap_err();
        assert_eq!(failure.retry_after, Some(600 * SECOND));
        assert_eq!(failure.effect, crosspoint_core::Effect::None);
        assert_eq!(bucket.refused.get(), 1);
        advance(600 * SECOND).await;
        assert!(bucket.take().is_ok() && bucket.take().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn callers_on_several_threads_get_no_more_than_the_count() {
        // The clock is paused in this thread alone: no token comes in the time that this takes.
        let bucket = bucket(1000, 360_000 * SECOND);
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| taken(&bucket, 500)))
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!(taken, 1000);
    }
}
