//! Who gets a place, and when.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;

type Waiting = BoxFuture<'static, Result<Lease<&'static str>, NoPlace>>;

fn slots(threads: usize, queue: usize) -> Arc<Slots<&'static str>> {
    Arc::new(Slots::new(threads, queue))
}

fn now(slots: &Arc<Slots<&'static str>>) -> Lease<&'static str> {
    slots.lease().now_or_never().unwrap().unwrap()
}

/// Asks for a place and waits for it.
fn wait(slots: &Arc<Slots<&'static str>>) -> Waiting {
    let slots = slots.clone();
    let mut waiting = async move { slots.lease().await }.boxed();
    assert!((&mut waiting).now_or_never().is_none());
    waiting
}

fn broken() -> Problem {
    Problem {
        message: "no interpreter".to_owned(),
        detail: None,
    }
}

#[tokio::test]
async fn the_least_busy_worker_is_taken() {
    let slots = slots(2, 9);
    slots.join(1, "a");
    slots.join(2, "b");
    let leases: Vec<_> = (0..4).map(|_| now(&slots)).collect();
    let mut workers: Vec<_> = leases.iter().map(|lease| *lease.worker()).collect();
    assert_ne!(workers[0], workers[1]);
    workers.sort_unstable();
    assert_eq!(workers, ["a", "a", "b", "b"]);
}

#[tokio::test]
async fn who_came_first_is_served_first() {
    let slots = slots(1, 9);
    slots.join(1, "a");
    let held = now(&slots);
    let (mut first, mut second) = (wait(&slots), wait(&slots));
    drop(held);
    let held = (&mut first).now_or_never().unwrap().unwrap();
    assert!((&mut second).now_or_never().is_none());
    drop(held);
    assert!(second.now_or_never().unwrap().is_ok());
}

#[tokio::test]
async fn a_place_given_to_somebody_who_left_goes_to_the_next() {
    let slots = slots(1, 9);
    slots.join(1, "a");
    let held = now(&slots);
    let (first, second, third) = (wait(&slots), wait(&slots), wait(&slots));
    drop(first);
    drop(held);
    // The place is the second's already; it leaves without having looked.
    drop(second);
    assert!(third.now_or_never().unwrap().is_ok());
}

#[tokio::test]
async fn the_queue_is_bounded_and_those_who_left_do_not_count() {
    let slots = slots(1, 1);
    slots.join(1, "a");
    let _held = now(&slots);
    let first = wait(&slots);
    let refused = slots.lease().now_or_never().unwrap();
    assert_eq!(refused.err(), Some(NoPlace::QueueFull));
    drop(first);
    drop(wait(&slots));
}

#[tokio::test]
async fn those_who_wait_get_the_places_of_a_new_worker() {
    let slots = slots(1, 9);
    let waiting = wait(&slots);
    slots.join(1, "a");
    assert_eq!(*waiting.now_or_never().unwrap().unwrap().worker(), "a");
}

#[tokio::test]
async fn a_worker_that_retires_gets_no_calls_and_tells_when_it_has_none() {
    let slots = slots(2, 9);
    let idle = slots.join(1, "a");
    let held = now(&slots);
    slots.retire(1);
    let waiting = wait(&slots);
    assert!(!idle.is_cancelled());
    drop(held);
    assert!(idle.is_cancelled());
    assert!(waiting.now_or_never().is_none());
}

#[tokio::test]
async fn a_failed_start_turns_calls_away_until_one_succeeds() {
    let slots = slots(1, 9);
    let waiting = wait(&slots);
    slots.failed(&broken());
    let down = Some(NoPlace::Down(broken()));
    assert_eq!(waiting.now_or_never().unwrap().err(), down);
    assert_eq!(slots.lease().now_or_never().unwrap().err(), down);
    slots.join(1, "a");
    now(&slots);
    // A worker that was there and went is another matter: the next is on its way.
    slots.leave(1);
    drop(wait(&slots));
}

#[tokio::test]
async fn a_failed_start_does_not_matter_while_there_is_another_worker() {
    let slots = slots(1, 9);
    slots.join(1, "a");
    slots.failed(&broken());
    now(&slots);
}

#[tokio::test]
async fn closing_turns_everybody_away() {
    let slots = slots(1, 9);
    let idle = slots.join(1, "a");
    let held = now(&slots);
    let waiting = wait(&slots);
    slots.close();
    assert_eq!(waiting.now_or_never().unwrap().err(), Some(NoPlace::Closed));
    drop(held);
    assert!(idle.is_cancelled());
    slots.join(2, "b");
    slots.failed(&broken());
    let refused = slots.lease().now_or_never().unwrap();
    assert!(matches!(refused.err(), None | Some(NoPlace::Closed)));
}
