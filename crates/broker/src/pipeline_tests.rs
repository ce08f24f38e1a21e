//! The order of the layers behind the ledger, by what it does. Time is paused throughout.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;

use crosspoint_core::{
    Arguments, Command, Connector, Context, Effect, Ingress, Manifest, Origin, Safety,
};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, poll};
use tokio::time::{advance, sleep};

use super::*;
use crate::policy::{CircuitBreaker, Concurrency, Policies, PolicyTable, RateLimit};
use crate::{BreakerPhase, Broker, ConnectorState, Naming, Registration, Settings, Static};

const SECOND: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(40);

/// A system that does as it is told, and otherwise answers well.
#[derive(Default)]
struct System {
    next: Mutex<VecDeque<Does>>,
    /// When it was asked.
    asked: Mutex<Vec<Instant>>,
}

enum Does {
    Answers,
    Fails(Failure),
    AnswersAfter(Duration),
    Hangs,
}

struct Odd {
    manifest: Manifest,
    system: Arc<System>,
}

impl Connector for Odd {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(&'a self, _: Call, cx: &'a Context) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async {
            let number = {
                let mut asked = self.system.asked.lock().unwrap();
                asked.push(Instant::now());
                asked.len()
            };
            cx.log(format!("asked ({number})"));
            let next = self.system.next.lock().unwrap().pop_front();
            match next.unwrap_or(Does::Answers) {
                Does::Answers => {}
                Does::Fails(failure) => return Err(failure),
                Does::AnswersAfter(time) => sleep(time).await,
                Does::Hangs => std::future::pending().await,
            }
            Ok(Outcome::text("well"))
        }
        .boxed()
    }
}

/// A system, and the broker in front of it.
struct Bench {
    system: Arc<System>,
    broker: Broker,
}

impl Bench {
    fn new(connector: PolicyTable) -> Bench {
        Bench::with(connector, [])
    }

    fn with<const N: usize>(connector: PolicyTable, own: [(&str, PolicyTable); N]) -> Bench {
        let system = Arc::new(System::default());
        let broker = Broker::new(settings(connector, own), vec![mount(&system)], None);
        Bench {
            system,
            broker: broker.unwrap(),
        }
    }

    fn next(&self, next: impl IntoIterator<Item = Does>) {
        self.system.next.lock().unwrap().extend(next);
    }

    async fn call(&self, command: &str) -> Result<Outcome, Failure> {
        self.broker.submit(call(command), LIMIT).await
    }

    async fn fails(&self, command: &str) -> Failure {
        self.call(command).await.unwrap_err()
    }

    /// A call that is under way, in the system or before it.
    async fn begin(&self, command: &str) -> BoxFuture<'static, Result<Outcome, Failure>> {
        let mut calling = self.broker.submit(call(command), LIMIT).boxed();
        assert!(poll!(&mut calling).is_pending());
        calling
    }

    fn asked(&self) -> usize {
        self.system.asked.lock().unwrap().len()
    }

    /// When the system was asked, in seconds.
    fn asked_at(&self, begun: Instant) -> Vec<f64> {
        let asked = self.system.asked.lock().unwrap();
        asked.iter().map(|at| (*at - begun).as_secs_f64()).collect()
    }

    fn state(&self) -> ConnectorState {
        self.broker.connectors().remove(0)
    }

    fn breaker(&self) -> BreakerPhase {
        self.state().limits.breaker.unwrap().phase
    }

    fn counts(&self, line: &str) {
        let metrics = self.broker.metrics();
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
}

fn settings<const N: usize>(connector: PolicyTable, own: [(&str, PolicyTable); N]) -> Settings {
    let own = own.map(|(name, table)| (name.to_owned(), table));
    let policies = Policies {
        connector,
        commands: BTreeMap::from(own),
    };
    Settings {
        policies: HashMap::from([("odd".to_owned(), policies)]),
        ..Settings::default()
    }
}

fn mount(system: &Arc<System>) -> Registration {
    let command = |(name, safety): (&str, Safety)| Command {
        name: name.to_owned(),
        description: String::new(),
        parameters: Vec::new(),
        open: false,
        coerce: true,
        safety,
        passes_key: name == "WriteWithKey",
    };
    let commands = [
        ("Read", Safety::ReadOnly),
        ("Repeat", Safety::Idempotent),
        ("Write", Safety::Effectful),
        ("WriteWithKey", Safety::Effectful),
    ];
    let manifest = Manifest {
        name: "odd".to_owned(),
        description: "Does odd things.".to_owned(),
        commands: commands.map(command).to_vec(),
        auths: Vec::new(),
    };
    let system = system.clone();
    let connector: Arc<dyn Connector> = Arc::new(Odd { manifest, system });
    Registration {
        naming: Naming::Entry("odd".to_owned()),
        mount: Arc::new(Static::new(vec![connector])),
    }
}

fn call(command: &str) -> Call {
    Call::new(
        format!("odd/{command}").parse().unwrap(),
        Arguments::parse("{}".into()).unwrap(),
        Origin::of(Ingress::Cli),
    )
}

fn none() -> PolicyTable {
    PolicyTable::default()
}

fn retries(times: u32) -> PolicyTable {
    PolicyTable {
        retries: Some(times),
        retry_pause: Some(SECOND),
        ..none()
    }
}

fn rate(calls: u32, per: Duration) -> Option<RateLimit> {
    Some(RateLimit { calls, per })
}

fn concurrency(calls: usize, queue: usize) -> Option<Concurrency> {
    Some(Concurrency { calls, queue })
}

fn breaker(failures: u32) -> Option<CircuitBreaker> {
    Some(CircuitBreaker {
        failures,
        within: 30 * SECOND,
        pause: 10 * SECOND,
    })
}

fn breaks_off() -> Does {
    Does::Fails(Failure::transport("ReadTimeout", "slow"))
}

fn is_not_there() -> Does {
    Does::Fails(Failure::transport("ConnectionError", "no").with_effect(Effect::None))
}

fn answers(status: u16) -> Does {
    let failure = Failure::reported(format!("HttpError{status}"), "no");
    Does::Fails(failure.with_outcome(Outcome::text("").with_status(status)))
}

// === the order ===

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

// === attempts and retries ===

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

// === callers that go away ===

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

// === whose limits they are ===

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
        ("[connectors.odd]", 4)
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

/// Thousands of calls are under way at once: what one of them holds is held as often.
#[tokio::test(start_paused = true)]
async fn a_call_is_held_once_however_many_layers_there_are() {
    let bench = Bench::new(none());
    let entry = bench.broker.catalogue().entries()[0].clone();
    let counted = entry.calls.token();
    let mut call = call("Read");
    let trace = Record::begin(entry.clone(), &mut call);
    let job = Box::new(Job::new(
        entry,
        call,
        trace,
        Instant::now() + LIMIT,
        counted,
    ));
    let (mut work, _, _counted) = job.begun();
    let size = size_of_val(&begun(&mut work));
    assert!(size < 1536, "{size}");
    begun(&mut work).await.unwrap();
}
