//! The concurrency limit: so many calls at once, and a queue of others that wait for a place.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crosspoint_core::{Failure, Refusal};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::layers::deadline;
use crate::limiters::Scope;
use crate::policy::Concurrency;

/// What a caller that finds the queue full is told to wait. Nobody knows how long the calls under
/// way will take.
const WAIT: Duration = Duration::from_secs(1);

/// The places of a connector or command. Who waits gets one in the order of arrival.
pub(crate) struct Places {
    pub(crate) limit: Concurrency,
    scope: Scope,
    refused: Counter,
    free: Semaphore,
    waiting: AtomicUsize,
}

/// Counts a call that waits, also when it is dropped meanwhile.
struct Waiting<'p>(&'p AtomicUsize);

/// Takes a place, which is free again when what this returns is dropped. Waits for one until the
/// deadline if there is room in the queue.
pub(crate) async fn layer(
    places: Option<&Places>,
    deadline: Instant,
) -> Result<Option<SemaphorePermit<'_>>, Failure> {
    let Some(places) = places else {
        return Ok(None);
    };
    // Takes none from those who wait: a place that becomes free is given to the first of them.
    if let Ok(place) = places.free.try_acquire() {
        return Ok(Some(place));
    }
    let _waiting = places.queue()?;
    match timeout_at(deadline, places.free.acquire()).await {
        // It fails only when it is closed, which nobody does.
        Ok(place) => Ok(place.ok()),
        Err(_) => Err(deadline::passed(&format!(
            "{} had a place for it",
            places.scope
        ))),
    }
}

// === impl Places ===

impl Places {
    pub(crate) fn new(limit: Concurrency, scope: Scope, refused: Counter) -> Places {
        let calls = limit.calls.clamp(1, Semaphore::MAX_PERMITS);
        Places {
            limit,
            scope,
            refused,
            free: Semaphore::new(calls),
            waiting: AtomicUsize::new(0),
        }
    }

    /// How many calls have a place.
    pub(crate) fn running(&self) -> usize {
        let free = self.free.available_permits();
        self.limit.calls.saturating_sub(free)
    }

    /// How many wait for one.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn queue(&self) -> Result<Waiting<'_>, Failure> {
        let room = |waiting| (waiting < self.limit.queue).then_some(waiting + 1);
        let relaxed = Ordering::Relaxed;
        match self.waiting.fetch_update(relaxed, relaxed, room) {
            Ok(_) => Ok(Waiting(&self.waiting)),
            Err(waiting) => {
                self.refused.inc();
                let message = format!(
                    "{} runs {} calls at once, and {waiting} wait already; nothing was done",
                    self.scope, self.limit.calls
                );
                let failure = Failure::refused(Refusal::Overloaded, message);
                Err(failure.with_retry_after(WAIT))
            }
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use crosspoint_core::Effect;
    use futures_util::{FutureExt, poll};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn places(calls: usize, queue: usize) -> Places {
        let limit = Concurrency { calls, queue };
        Places::new(limit, Scope::new("crm", None), Counter::default())
    }

    fn at_once(places: &Places) -> Result<Option<SemaphorePermit<'_>>, Failure> {
        let deadline = Instant::now() + SECOND;
        layer(Some(places), deadline).now_or_never().unwrap()
    }

    #[tokio::test]
    async fn without_a_limit_nobody_waits() {
        let place = layer(None, Instant::now() + SECOND).now_or_never();
        assert!(place.unwrap().unwrap().is_none());
    }

    #[tokio::test]
    async fn who_waits_gets_a_place_in_the_order_of_arrival_and_nobody_overtakes() {
        let places = places(1, 3);
        let first = at_once(&places).unwrap();
        let deadline = Instant::now() + SECOND;
        let mut second = Box::pin(layer(Some(&places), deadline));
        let mut third = Box::pin(layer(Some(&places), deadline));
        assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        assert_eq!((places.running(), places.waiting()), (1, 2));
        drop(first);
        // One that comes just now is behind those who wait.
        let mut fourth = Box::pin(layer(Some(&places), deadline));
        assert!(poll!(&mut fourth).is_pending() && poll!(&mut third).is_pending());
        let second = second.now_or_never().unwrap().unwrap();
        assert_eq!((places.running(), places.waiting()), (1, 2));
        drop(second);
        let third = third.now_or_never().unwrap().unwrap();
        drop(third);
        drop(fourth.now_or_never().unwrap().unwrap());
        assert_eq!((places.running(), places.waiting()), (0, 0));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_says_when_to_come_back() {
        for queue in [0, 2] {
            let places = places(1, queue);
            let _first = at_once(&places).unwrap();
            let mut waiting = Vec::new();
            for _ in 0..queue {
                let mut one = Box::pin(layer(Some(&places), Instant::now() + SECOND));
                assert!(poll!(&mut one).is_pending());
                waiting.push(one);
            }
            let failure = at_once(&places).unwrap_err();
            assert_eq!(failure.code, "overloaded");
            assert_eq!(failure.effect, Effect::None);
            assert_eq!(failure.retry_after, Some(WAIT));
            assert_eq!((places.refused.get(), places.waiting()), (1, queue));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_the_wait_and_nothing_was_done() {
        let places = places(1, 1);
        let _first = at_once(&places).unwrap();
        let failure = layer(Some(&places), Instant::now() + SECOND).await;
        let failure = failure.unwrap_err();
        assert_eq!(failure.code, "deadline_exceeded");
        assert_eq!(failure.effect, Effect::None);
        assert_eq!((places.running(), places.waiting()), (1, 0));
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_in_the_queue_leaves_no_trace() {
        let places = places(1, 1);
        let first = at_once(&places).unwrap();
        let deadline = Instant::now() + SECOND;
        let mut waiting = Box::pin(layer(Some(&places), deadline));
        assert!(poll!(&mut waiting).is_pending());
        drop(waiting);
        assert_eq!((places.running(), places.waiting()), (1, 0));
        // Dropped when its place has just been given to it.
        let mut waiting = Box::pin(layer(Some(&places), deadline));
        assert!(poll!(&mut waiting).is_pending());
        drop(first);
        drop(waiting);
        assert_eq!((places.running(), places.waiting()), (0, 0));
        assert!(at_once(&places).unwrap().is_some());
    }
}
