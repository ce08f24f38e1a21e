//! Whose limits they are, how long they live, and callers that go away.

use tokio::time::advance;

use super::bench::*;
use crate::BreakerPhase;
use crate::policy::{CircuitBreaker, PolicyTable};

#[tokio::test(start_paused = true)]
async fn reads_that_nobody_waits_for_do_not_decide_about_the_breaker() {
    let bench = Bench::new(PolicyTable {
        breaker: breaker(2),
        ..none()
    });
    bench.next((0..5).map(|_| Does::Hangs));
    for _ in 0..5 {
        drop(bench.begin("Read").await);
    }
    assert_eq!(bench.breaker(), BreakerPhase::Closed);
    bench.next([breaks_off(), breaks_off(), Does::Hangs]);
    bench.fails("Read").await;
    bench.fails("Read").await;
    assert_eq!(bench.breaker(), BreakerPhase::Open);
    advance(10 * SECOND).await;
    let on_probation = bench.begin("Read").await;
    assert_eq!(bench.breaker(), BreakerPhase::Probation);
    bench.counts(r#"crosspoint_breaker_state{connector="odd"} 1"#);
    drop(on_probation);
    bench.call("Read").await.unwrap();
    assert_eq!(bench.breaker(), BreakerPhase::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_nobody_waits_for_leaves_the_queue_and_a_write_stays() {
    let bench = Bench::new(PolicyTable {
        concurrency: concurrency(1, 5),
        ..none()
    });
    bench.next([Does::AnswersAfter(SECOND)]);
    let first = bench.begin("Read").await;
    drop(bench.begin("Read").await);
    drop(bench.begin("Write").await);
    let state = bench.state();
    let places = state.limits.concurrency.unwrap();
    assert_eq!((places.running, places.waiting, state.in_flight), (1, 1, 2));
    bench.counts(r#"crosspoint_calls_running{connector="odd"} 1"#);
    bench.counts(r#"crosspoint_calls_waiting{connector="odd"} 1"#);
    first.await.unwrap();
    bench.broker.drain(LIMIT).await;
    assert_eq!(bench.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_dropped_in_its_pause_is_not_tried_again() {
    let bench = Bench::new(retries(3));
    bench.next([answers(503)]);
    drop(bench.begin("Read").await);
    advance(LIMIT).await;
    assert_eq!((bench.asked(), bench.state().in_flight), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn commands_share_the_limits_of_their_connector_but_for_those_of_their_own() {
    let hour = 3600 * SECOND;
    let connector = PolicyTable {
        rate: rate(2, hour),
        concurrency: concurrency(1, 0),
        ..none()
    };
    let own = PolicyTable {
        rate: rate(1, hour),
        ..none()
    };
    let bench = Bench::with(connector, [("Repeat", own)]);
    bench.call("Read").await.unwrap();
    bench.call("Write").await.unwrap();
    assert_eq!(bench.fails("Read").await.code, "rate_limited");
    // Its rate is its own, but its place is not.
    bench.next([Does::AnswersAfter(SECOND)]);
    let running = bench.begin("Repeat").await;
    let state = bench.state();
    assert_eq!(state.limits.concurrency.unwrap().running, 1);
    assert_eq!(state.own[0].1.concurrency, None);
    running.await.unwrap();
    assert_eq!(bench.fails("Repeat").await.code, "rate_limited");
    let labels = r#"connector="odd",command="Repeat",reason="rate_limited""#;
    bench.counts(&format!("crosspoint_calls_limited_total{{{labels}}} 1"));
    assert_eq!(
        (&*state.mounted_by, state.commands.len()),
        ("[connectors.odd]", 5)
    );
}

#[tokio::test(start_paused = true)]
async fn limits_outlive_a_reload_that_leaves_their_settings_alone() {
    let table = |pause, calls| PolicyTable {
        rate: rate(calls, 3600 * SECOND),
        breaker: Some(CircuitBreaker {
            pause,
            ..breaker(1).unwrap()
        }),
        ..none()
    };
    let bench = Bench::new(table(10 * SECOND, 5));
    bench.next([breaks_off()]);
    bench.fails("Read").await;
    assert_eq!(bench.breaker(), BreakerPhase::Open);
    let reload = async |policy| {
        let mounts = vec![mount(&bench.system)];
        bench
            .broker
            .replace(settings(policy, []), mounts)
            .await
            .unwrap();
    };
    // Another setting of the rate, which is full again; the breaker stays as it is.
    reload(table(10 * SECOND, 2)).await;
    assert_eq!(bench.breaker(), BreakerPhase::Open);
    assert_eq!(bench.fails("Read").await.code, "circuit_open");
    reload(table(11 * SECOND, 2)).await;
    assert_eq!(bench.breaker(), BreakerPhase::Closed);
    bench.call("Read").await.unwrap();
    assert_eq!(bench.fails("Read").await.code, "rate_limited");
    reload(none()).await;
    bench.call("Read").await.unwrap();
    assert!(!bench.broker.metrics().contains("crosspoint_breaker_state{"));
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_a_command_that_is_not_there_is_told() {
    let bench = Bench::with(none(), [("Raed", retries(1)), ("Write", retries(1))]);
    let health = bench.broker.health();
    assert!(health.ready && health.problems.is_empty());
    let [told] = &health.misplaced[..] else {
        panic!("{health:?}")
    };
    assert_eq!(
        told,
        "[connectors.odd.commands.Raed] has no effect, since odd has no such command; \
         did you mean Read?"
    );
}
