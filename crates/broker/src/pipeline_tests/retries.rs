//! Attempts, and what comes after one that failed.

use crosspoint_core::{Effect, Failure, Kind, Outcome};
use tokio::time::{Instant, advance};

use super::bench::*;
use crate::policy::PolicyTable;

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_time_and_all_of_them_the_total_deadline() {
    let bench = Bench::new(PolicyTable {
        timeout: Some(4 * SECOND),
        deadline: Some(12 * SECOND),
        ..retries(9)
    });
    bench.next((0..9).map(|_| Does::Hangs));
    let begun = Instant::now();
    assert_eq!(bench.fails("Read").await.code, "deadline_exceeded");
    let asked = bench.asked_at(begun);
    // 4 s, 1 s of grace, and a pause of up to 1 s; then up to 2 s.
    assert!(asked.len() == 2 || asked.len() == 3, "{asked:?}");
    assert!(asked.iter().all(|at| *at < 12.0));
    assert!(begun.elapsed() <= 13 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn only_what_may_pass_and_does_no_harm_is_tried_again() {
    for (command, does, asked) in [
        ("Read", breaks_off(), 2),
        ("Read", answers(503), 2),
        ("Read", answers(429), 2),
        ("Read", answers(404), 1),
        ("Repeat", breaks_off(), 2),
        ("Write", is_not_there(), 2),
        ("Write", breaks_off(), 1),
        ("Write", answers(503), 1),
        ("WriteWithKey", breaks_off(), 1),
        ("Write", Does::Fails(Failure::arguments("no")), 1),
        // What the connector says of it counts more.
        ("Write", says(Failure::transport("T", "no"), true), 2),
        (
            "Write",
            says(Failure::new(Kind::Raised, "R", "no"), true),
            2,
        ),
        ("Read", says(Failure::transport("T", "no"), false), 1),
    ] {
        let bench = Bench::new(retries(1));
        bench.next([does]);
        let result = bench.call(command).await;
        assert_eq!(bench.asked(), asked, "{command} {result:?}");
        assert_eq!(result.is_ok(), asked == 2, "{command}");
    }
    let bench = Bench::new(none());
    bench.next([answers(503)]);
    assert_eq!(bench.fails("Read").await.code, "HttpError503");
    assert_eq!(bench.asked(), 1);
}

fn says(failure: Failure, retryable: bool) -> Does {
    Does::Fails(failure.with_retryable(Some(retryable)))
}

#[tokio::test(start_paused = true)]
async fn a_longer_retry_after_wins_and_nothing_begins_after_the_deadline() {
    let after = |seconds| {
        let failure = Failure::transport("Busy", "no").with_retry_after(seconds * SECOND);
        Does::Fails(failure)
    };
    let bench = Bench::new(retries(5));
    bench.next([after(7), after(30), after(4)]);
    let begun = Instant::now();
    let failure = bench.fails("Read").await;
    // After 7 s and 30 s another 4 s are too many for the 40 s of the call.
    assert_eq!(bench.asked_at(begun), [0.0, 7.0, 37.0]);
    assert_eq!((&*failure.code, begun.elapsed()), ("Busy", 37 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn the_engines_log_tells_of_every_try() {
    let bench = Bench::new(retries(2));
    bench.next([answers(503), breaks_off()]);
    let logs = bench.call("Read").await.unwrap().logs;
    let (first, second) = (&logs[1], &logs[3]);
    assert!(first.starts_with("Trying again in 0.") || first.starts_with("Trying again in 1 "));
    assert!(first.ends_with(" s after HttpError503 (2 of 3)"), "{first}");
    assert!(
        second.ends_with(" s after ReadTimeout (3 of 3)"),
        "{second}"
    );
    let told = [&*logs[0], &*logs[2], &*logs[4]];
    assert_eq!(
        (told, logs.len()),
        (["asked (1)", "asked (2)", "asked (3)"], 5)
    );

    // So that there is a budget for it.
    advance(10 * SECOND).await;
    bench.next([answers(503), breaks_off(), answers(502)]);
    let failure = bench.fails("Read").await;
    assert_eq!(failure.code, "HttpError502");
    assert_eq!(failure.outcome.unwrap().logs.len(), 5);
    bench.counts(r#"crosspoint_retries_total{connector="odd"} 4"#);
}

#[tokio::test(start_paused = true)]
async fn what_one_of_the_tries_did_the_call_did() {
    let bench = Bench::new(retries(1));
    bench.next([breaks_off(), is_not_there()]);
    let failure = bench.fails("Repeat").await;
    assert_eq!(
        (&*failure.code, failure.effect),
        ("ConnectionError", Effect::Maybe)
    );
}

#[tokio::test(start_paused = true)]
async fn when_everything_fails_a_budget_keeps_the_load_low() {
    let bench = Bench::new(retries(1));
    bench.next((0..200).map(|_| answers(503)));
    let calls = (0..100).map(|_| bench.call("Read"));
    let ended = futures_util::future::join_all(calls).await;
    assert_eq!(bench.asked(), 120);
    let last = ended.last().unwrap().as_ref().unwrap_err();
    assert_eq!(last.code, "HttpError503");
    let told = |result: &Result<Outcome, Failure>| {
        let outcome = result.as_ref().unwrap_err().outcome.clone();
        outcome
            .unwrap()
            .logs
            .concat()
            .contains("too many calls are tried again")
    };
    assert_eq!(ended.iter().filter(|result| told(result)).count(), 80);
}
