//! Which limit comes before which, by what a call that one of them refuses has cost.

use std::time::Duration;

use crosspoint_core::{Effect, Failure, Outcome};
use tokio::time::Instant;

use super::bench::*;
use crate::BreakerPhase;
use crate::policy::PolicyTable;

#[tokio::test(start_paused = true)]
async fn a_refused_rate_takes_no_place_and_does_not_count_for_the_breaker() {
    let bench = Bench::new(PolicyTable {
        rate: rate(3, 3600 * SECOND),
        concurrency: concurrency(1, 0),
        breaker: breaker(4),
        ..none()
    });
    bench.next([breaks_off(), breaks_off(), Does::Hangs]);
    bench.fails("Read").await;
    bench.fails("Read").await;
    let _hanging = bench.begin("Read").await;
    for _ in 0..9 {
        let failure = bench.fails("Read").await;
        assert_eq!(failure.code, "rate_limited");
        assert_eq!(failure.retry_after, Some(1200 * SECOND));
    }
    assert_eq!(bench.breaker(), BreakerPhase::Closed);
    assert_eq!(bench.asked(), 3);
    bench.counts(r#"crosspoint_calls_limited_total{connector="odd",reason="rate_limited"} 9"#);
    bench.counts(r#"crosspoint_calls_limited_total{connector="odd",reason="overloaded"} 0"#);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_does_not_count_for_the_breaker() {
    let bench = Bench::new(PolicyTable {
        concurrency: concurrency(1, 1),
        breaker: breaker(1),
        deadline: Some(5 * SECOND),
        ..none()
    });
    bench.next([Does::AnswersAfter(SECOND)]);
    let (first, second) = (bench.begin("Read").await, bench.begin("Read").await);
    assert_eq!(bench.fails("Read").await.code, "overloaded");
    first.await.unwrap();
    second.await.unwrap();
    bench.next([Does::AnswersAfter(4 * SECOND), Does::Answers]);
    let first = bench.begin("Read").await;
    assert_eq!(bench.breaker(), BreakerPhase::Closed);
    first.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_retry_takes_a_token_of_its_own() {
    let bench = Bench::new(PolicyTable {
        rate: rate(2, 3600 * SECOND),
        ..retries(5)
    });
    bench.next((0..9).map(|_| breaks_off()));
    let failure = bench.fails("Read").await;
    assert_eq!(bench.asked(), 2);
    // The next token comes too late; what the system said tells more than that.
    assert_eq!(failure.code, "ReadTimeout");
    assert!(failure.retry_after.unwrap() > LIMIT);
}

#[tokio::test(start_paused = true)]
async fn waiting_in_the_queue_counts_against_the_total_deadline() {
    let bench = Bench::new(PolicyTable {
        concurrency: concurrency(1, 2),
        deadline: Some(5 * SECOND),
        ..none()
    });
    bench.next([Does::AnswersAfter(3 * SECOND), Does::Hangs]);
    let first = bench.begin("Write").await;
    let (second, third) = (bench.begin("Write").await, bench.begin("Write").await);
    let begun = Instant::now();
    first.await.unwrap();
    // Of its 5 s it has waited for 3, so that 2 are left, and 1 of grace.
    let (second, third) = futures_util::join!(second, third);
    let (second, third) = (second.unwrap_err(), third.unwrap_err());
    assert_eq!(bench.asked_at(begun), [0.0, 3.0]);
    assert_eq!(
        (&*second.code, second.effect),
        ("deadline_exceeded", Effect::Maybe)
    );
    assert_eq!(
        (&*third.code, third.effect),
        ("deadline_exceeded", Effect::None)
    );
    assert_eq!(begun.elapsed(), 6 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_pause_before_a_retry_holds_no_place() {
    let bench = Bench::new(PolicyTable {
        concurrency: concurrency(1, 0),
        ..retries(1)
    });
    bench.next([answers(503)]);
    let pausing = bench.begin("Read").await;
    assert_eq!(bench.state().limits.concurrency.unwrap().running, 0);
    bench.call("Read").await.unwrap();
    pausing.await.unwrap();
    assert_eq!(bench.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_is_not_retried_into_within_its_pause() {
    let bench = Bench::new(PolicyTable {
        breaker: breaker(1),
        ..retries(2)
    });
    bench.next([breaks_off(), breaks_off()]);
    let begun = Instant::now();
    bench.call("Read").await.unwrap();
    assert_eq!(bench.asked_at(begun), [0.0, 10.0, 30.0]);
    bench.counts(r#"crosspoint_calls_limited_total{connector="odd",reason="circuit_open"} 0"#);
    bench.counts(r#"crosspoint_breaker_state{connector="odd"} 0"#);
}

#[tokio::test(start_paused = true)]
async fn what_an_open_breaker_refused_is_tried_when_it_may_be() {
    let bench = Bench::new(PolicyTable {
        breaker: breaker(1),
        ..retries(1)
    });
    bench.next([breaks_off()]);
    bench.fails("Write").await;
    let begun = Instant::now();
    bench.call("Write").await.unwrap();
    assert_eq!(bench.asked_at(begun)[1], 10.0);
}

#[tokio::test(start_paused = true)]
async fn a_queue_in_front_of_an_open_breaker_empties_at_once() {
    let bench = Bench::new(PolicyTable {
        concurrency: concurrency(1, 50),
        breaker: breaker(1),
        ..none()
    });
    bench.next([Does::AnswersAfter(SECOND), breaks_off()]);
    let begun = Instant::now();
    let mut waiting = Vec::new();
    for _ in 0..51 {
        waiting.push(bench.begin("Read").await);
    }
    let ended = futures_util::future::join_all(waiting).await;
    let refused = |result: &&Result<Outcome, Failure>| {
        result
            .as_ref()
            .is_err_and(|failure| failure.code == "circuit_open")
    };
    assert_eq!(ended.iter().filter(refused).count(), 49);
    assert_eq!((bench.asked(), begun.elapsed()), (2, SECOND));
}

#[tokio::test(start_paused = true)]
async fn what_an_open_breaker_refuses_has_taken_a_token() {
    let bench = Bench::new(PolicyTable {
        rate: rate(2, 3600 * SECOND),
        breaker: breaker(1),
        ..none()
    });
    bench.next([breaks_off()]);
    bench.fails("Read").await;
    assert_eq!(bench.fails("Read").await.code, "circuit_open");
    assert_eq!(bench.fails("Read").await.code, "rate_limited");
}

#[tokio::test(start_paused = true)]
async fn no_try_begins_after_the_total_deadline() {
    let bench = Bench::new(PolicyTable {
        rate: rate(1, 3600 * SECOND),
        ..none()
    });
    let late = bench.broker.submit(call("Read"), Duration::ZERO).await;
    let failure = late.unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("deadline_exceeded", Effect::None)
    );
    assert_eq!(bench.asked(), 0);
    bench.call("Read").await.unwrap();
}
