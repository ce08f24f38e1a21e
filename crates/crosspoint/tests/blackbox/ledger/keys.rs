//! `Idempotency-Key`: how a call is recognised, and what it is answered then.

use serde_json::json;

use super::{CONFLICT, expect, keyed, post};
use crate::harness::{Effects, Gate, Reply, Setup, Upstream, closed_port};
use crate::python::support::{connector, kill, pid, serve, zoo};

#[tokio::test]
async fn duplicates_in_flight_and_later_ones_get_the_same_answer_of_one_effect() {
    let proxy = Setup::new().serve().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| Effects::usual(seen, id, n).behind(&shut)).await;
    let arguments = effects.arguments("pay-1");
    let ask = || keyed(&proxy, "http/PostRequestV2", &arguments, "key-1");
    let first = tokio::spawn(ask().send());
    effects.arrived(1).await;
    let others: Vec<_> = (0..20).map(|_| tokio::spawn(ask().send())).collect();
    // These are behind the others, and are answered while those wait.
    for _ in 0..20 {
        assert_eq!(proxy.get("/liveness").await.status, 200);
    }
    assert!(!first.is_finished());
    gate.open();
    let first = first.await.unwrap();
    assert_eq!(first.success(), json!({"id": "pay-1", "effect": 1}));
    for other in others {
        assert_eq!(other.await.unwrap().text, first.text);
    }
    assert_eq!(ask().send().await.text, first.text);
    assert_eq!(effects.of("pay-1"), 1);
    let row = proxy.row_in("key-1", "succeeded").await;
    assert_eq!((row.attempts, row.key.as_deref()), (1, Some("key-1")));
    assert_eq!(proxy.rows(&[]).await.len(), 1);
}

#[tokio::test]
async fn an_answer_is_stored_past_kill_9() {
    let effects = Effects::start().await;
    let mut setup = Setup::new();
    let mut answers = Vec::new();
    for _ in 0..3 {
        let proxy = setup.serve().await;
        answers.push(post(&proxy, &effects.arguments("pay"), "key").await.text);
        setup = proxy.kill().await;
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    assert_eq!(effects.of("pay"), 1);
}

#[tokio::test]
async fn a_key_for_other_arguments_or_another_command_is_a_conflict() {
    let proxy = Setup::new().serve().await;
    let effects = Effects::start().await;
    let arguments = effects.arguments("pay");
    let first = post(&proxy, &arguments, "key").await;
    first.success();
    expect(
        &post(&proxy, &effects.arguments("other"), "key").await,
        CONFLICT,
    );
    let put = keyed(&proxy, "http/PutRequestV2", &arguments, "key");
    expect(&put.send().await, CONFLICT);
    assert_eq!(post(&proxy, &arguments, "key").await.text, first.text);
    assert_eq!(effects.all().values().sum::<usize>(), 1);
    assert_eq!(proxy.rows(&[]).await.len(), 1);
}

#[tokio::test]
async fn a_conflict_shows_while_the_call_still_runs() {
    let proxy = Setup::new().serve().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| Effects::usual(seen, id, n).behind(&shut)).await;
    let arguments = effects.arguments("pay");
    let first = tokio::spawn(keyed(&proxy, "http/PostRequestV2", &arguments, "key").send());
    effects.arrived(1).await;
    expect(
        &post(&proxy, &effects.arguments("other"), "key").await,
        CONFLICT,
    );
    gate.open();
    first.await.unwrap().success();
    assert_eq!(effects.of("other"), 0);
}

#[tokio::test]
async fn what_had_no_effect_and_may_pass_runs_again_as_another_attempt() {
    let proxy = Setup::new().serve().await;
    let (socket, address) = closed_port();
    let arguments = json!({"url": format!("http://{address}/"), "data": {}});
    let refused = post(&proxy, &arguments, "key").await;
    assert_eq!(refused.code(), "ConnectionError", "{}", refused.text);
    let before = proxy.row_in("key", "failed").await;
    assert_eq!(
        (before.attempts, before.effect.as_deref()),
        (1, Some("none"))
    );
    let upstream = Upstream::open(socket, |_| Reply::json(r#"{"at": "last"}"#));
    for _ in 0..2 {
        let answer = post(&proxy, &arguments, "key").await;
        assert_eq!(answer.success(), json!({"at": "last"}));
    }
    assert_eq!(upstream.seen().len(), 1);
    let after = proxy.row_in("key", "succeeded").await;
    assert_eq!((after.id, after.attempts), (before.id, 2));
}

#[tokio::test]
async fn a_read_that_failed_in_a_way_that_may_pass_runs_again() {
    let proxy = Setup::new().serve().await;
    let turns = std::sync::atomic::AtomicUsize::new(0);
    let statuses = [503, 429, 200];
    let upstream = Upstream::start(move |_| {
        let turn = turns.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let status = statuses.get(turn).copied().unwrap_or(500);
        Reply::status(status)
            .header("content-type", "application/json")
            .body("{}")
    })
    .await;
    let arguments = json!({"url": upstream.url("/")});
    for code in ["HttpError503", "HttpError429", "", ""] {
        let ask = keyed(&proxy, "http/GetRequestV2", &arguments, "key");
        assert_eq!(ask.send().await.code(), code);
    }
    assert_eq!(upstream.seen().len(), 3);
    assert_eq!(proxy.row_in("key", "succeeded").await.attempts, 3);
}

#[tokio::test]
async fn a_failure_for_good_is_answered_again_without_asking() {
    let proxy = Setup::new().serve().await;
    for status in [404, 500] {
        let upstream = Upstream::start(move |_| {
            Reply::status(status)
                .header("content-type", "application/json")
                .body(r#"{"why": "gone"}"#)
        })
        .await;
        let arguments = json!({"url": upstream.url("/"), "data": {}});
        let key = format!("key-{status}");
        let first = post(&proxy, &arguments, &key).await;
        let code = format!("HttpError{status}");
        assert_eq!((first.status, first.code()), (200, code));
        assert_eq!(first.body(), json!({"why": "gone"}));
        assert_eq!(post(&proxy, &arguments, &key).await.text, first.text);
        assert_eq!(upstream.seen().len(), 1, "{status}");
        assert_eq!(proxy.row_in(&key, "failed").await.attempts, 1);
    }
}

#[tokio::test]
async fn a_first_caller_that_hangs_up_takes_nothing_from_those_who_wait() {
    let proxy = Setup::new().serve().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let upstream = Upstream::start(move |_| Reply::json(r#"{"late": true}"#).behind(&shut)).await;
    // A read, which would be dropped if nobody else waited for it.
    let arguments = json!({"url": upstream.url("/")});
    let ask = || keyed(&proxy, "http/GetRequestV2", &arguments, "key");
    let first = tokio::spawn(ask().send());
    upstream.arrived(1).await;
    let second = tokio::spawn(ask().send());
    for _ in 0..50 {
        assert_eq!(proxy.get("/liveness").await.status, 200);
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    for _ in 0..50 {
        assert_eq!(proxy.get("/liveness").await.status, 200);
    }
    gate.open();
    assert_eq!(second.await.unwrap().success(), json!({"late": true}));
    proxy.row_in("key", "succeeded").await;
}

#[tokio::test]
async fn what_python_connectors_answer_is_stored_as_it_was() {
    let proxy = serve(&connector("gallery", zoo("connector-gallery"))).await;
    let text = json!({"response": "as it is: \u{fc}", "status": 201, "mimetype": "text/plain"});
    let mut before = Vec::new();
    let nothing = json!({});
    let calls = [
        ("gallery/Pid", &nothing),
        ("gallery/First", &text),
        ("gallery/Bytes", &nothing),
        ("gallery/Curious", &nothing),
    ];
    let worker = pid(&proxy, "gallery").await;
    for (command, arguments) in calls {
        let ask = keyed(&proxy, command, arguments, command).verbatim();
        before.push(ask.send().await);
    }
    assert!(before[0].text.contains(&worker.to_string()), "{before:?}");
    // What ran it is gone: only the ledger can know.
    kill(worker);
    let setup = proxy.kill().await;
    let proxy = crate::python::support::serve_setup(setup).await;
    for ((command, arguments), before) in calls.into_iter().zip(before) {
        let ask = keyed(&proxy, command, arguments, command).verbatim();
        let after = ask.send().await;
        assert_eq!(
            (after.status, &after.text, after.header("content-type")),
            (before.status, &before.text, before.header("content-type")),
            "{command}"
        );
    }
}
