//! `connect()` before the first call, and as a health check.

use std::fs;

use serde_json::{Value, json};

use super::support::{adapter, odd, run, seen, serve_odd, tell};
use crate::harness::{Proxy, Setup, until};
use crate::python::support::{kill, lives, ready, serve_setup, zoo};

const RETRIES: &str = "policy = { retries = 2, retry_pause = \"10ms\" }\n";

/// What the instances of the worker did so far: `connect` and `execute`, each with the instance's number.
async fn story(proxy: &Proxy) -> Value {
    run(proxy, "result = list(map(list, OddAdapter.everywhere))")
        .await
        .success()
}

/// How often `connect()` was called, by all workers.
fn connected(proxy: &Proxy) -> usize {
    let lines = fs::read_to_string(proxy.path().join("connected")).unwrap_or_default();
    lines.lines().count()
}

/// The process that called `connect()` last.
fn last_pid(proxy: &Proxy) -> u64 {
    let lines = fs::read_to_string(proxy.path().join("connected")).unwrap();
    lines.lines().last().unwrap().parse().unwrap()
}

#[tokio::test]
async fn one_instance_is_connected_once_before_its_first_call() {
    let proxy = serve_odd("check_every = \"0s\"\n").await;
    assert_eq!(connected(&proxy), 0);
    for _ in 0..3 {
        let seen = seen(&proxy, None).await;
        assert_eq!((&seen["number"], &seen["connects"]), (&json!(1), &json!(1)));
    }
    let story = story(&proxy).await;
    assert_eq!(story[0], json!(["connect", 1]));
    let connects = story.as_array().unwrap().iter();
    assert_eq!(connects.filter(|entry| entry[0] == "connect").count(), 1);
}

#[tokio::test]
async fn case_11_without_a_connection_it_is_tried_again_by_the_policy_and_nothing_is_executed() {
    let proxy = serve_odd(&("check_every = \"0s\"\n".to_owned() + RETRIES)).await;
    tell(&proxy, "down", "yes");
    let answer = run(&proxy, "note('executed', 'x')").await;
    assert_eq!(
        (answer.status, answer.code()),
        (200, "connect_failed".into())
    );
    assert!(
        answer.message().starts_with("odd: connect()"),
        "{}",
        answer.text
    );
    assert_eq!(connected(&proxy), 3);
    assert!(!proxy.path().join("executed").exists());
    fs::remove_file(proxy.path().join("down")).unwrap();
    assert_eq!(seen(&proxy, None).await["number"], 1);
    assert_eq!(connected(&proxy), 4);
}

#[tokio::test]
async fn case_12_what_connect_raises_is_told_without_secrets_and_without_connect_calls_go_on() {
    let profile = "[connectors.odd.profiles.p]\nsecrets = { token = \"canary-secret\" }\n";
    let proxy = serve_odd(&("check_every = \"0s\"\n".to_owned() + profile)).await;
    let raises = "raise RuntimeError('no ' + self.profile.encrypted_secrets['token'])";
    tell(&proxy, "connect", raises);
    let answer = run(&proxy, "result = 1").await;
    assert_eq!(answer.code(), "connect_failed");
    assert_eq!(
        answer.message(),
        "odd: connect() raised RuntimeError: no ***"
    );
    tell(
        &proxy,
        "connect",
        "raise ConnectorError('AUTH_FAILED', 'the token is old')",
    );
    let answer = run(&proxy, "result = 1").await;
    assert_eq!(answer.failure(), (200, 401, "AUTH_FAILED".into()));
    assert_eq!(answer.message(), "odd: connect() failed: the token is old");

    let file = "class A:\n    name = \"a\"\n    def execute(self, action, payload):\n        return 1\n\
                from automate_connectors.registry import register\nregister(A)\n";
    let setup = Setup::new().file("a.py", file);
    let config = adapter("a", "./a.py") + "profiles = { p = {} }\n";
    let proxy = serve_setup(setup.config(&config)).await;
    assert_eq!(
        proxy
            .call("a/execute", json!({"action": "x"}))
            .await
            .success(),
        1
    );
    let checked = proxy.run(&["profile", "check", "a/p"]).await;
    let said = checked.stdout + &checked.stderr;
    assert!(
        said.contains("cannot tell whether a profile works"),
        "{said}"
    );
}

#[tokio::test]
async fn case_13_what_hangs_is_bounded_and_its_worker_replaced_while_others_serve() {
    let setup = Setup::new();
    let calm = adapter("calm", zoo("adapters/odd.py"));
    let policy = "policy = { deadline = \"3s\" }\ncheck_every = \"0s\"\n";
    let config = calm + &odd(&setup) + policy;
    let proxy = serve_setup(setup.config(&config)).await;
    let mut before = run(&proxy, "result = os.getpid()").await.success();
    for (name, code) in [("", "time.sleep(3600)"), ("connect", "result = 1")] {
        if !name.is_empty() {
            // A failure has it connect anew.
            tell(&proxy, name, "time.sleep(3600)");
            run(&proxy, "raise RuntimeError('again')").await;
        }
        let answer = run(&proxy, code).await;
        let refused = (answer.status, answer.code());
        assert_eq!(refused, (504, "deadline_exceeded".into()));
        let payload = json!({"action": "echo", "payload": {"x": 1}});
        let calm = proxy.call("calm/execute", payload).await;
        assert_eq!(calm.success(), json!({"x": 1}));
        tell(&proxy, "connect", "");
        until("another worker serves", async || {
            let answer = run(&proxy, "result = os.getpid()").await;
            let other = answer.code().is_empty() && answer.body() != before;
            if other {
                before = answer.body();
            }
            other
        })
        .await;
    }
}

#[tokio::test]
async fn case_14_connect_is_the_health_check_without_any_call_and_ready_tells_it() {
    let proxy = serve_odd("check_every = \"1s\"\n").await;
    until("it was checked", async || connected(&proxy) >= 2).await;
    assert!(ready(&proxy).await.is_empty());
    tell(&proxy, "down", "yes");
    let told = async || proxy.get("/readyz").await.text;
    until("it is told", async || {
        told().await.contains("connector odd failed its last check")
    })
    .await;
    fs::remove_file(proxy.path().join("down")).unwrap();
    until("it is well again", async || {
        !told().await.contains("failed its last check")
    })
    .await;
    let story = story(&proxy).await;
    let executed = story
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry[0] == "execute");
    assert_eq!(executed.count(), 1);
}

#[tokio::test]
async fn a_profile_is_checked_by_connecting_with_it() {
    let profiles = "[connectors.odd.profiles.good]\nsecrets = { token = \"canary-good\" }\n\
                    [connectors.odd.profiles.bad]\nsecrets = { token = \"canary-bad\" }\n";
    let proxy = serve_odd(&("check_every = \"0s\"\n".to_owned() + profiles)).await;
    tell(
        &proxy,
        "connect",
        "if 'bad' in context.current().secrets['token']: raise ConnectorError('AUTH_FAILED', 'no')",
    );
    let good = proxy.run(&["profile", "check", "odd/good"]).await;
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    let bad = proxy.run(&["profile", "check", "odd/bad"]).await;
    assert_eq!(bad.code, Some(1));
    let said = bad.stdout + &bad.stderr;
    assert!(said.contains("AUTH_FAILED"), "{said}");
}

#[tokio::test]
async fn after_a_failure_it_is_connected_again_and_after_a_refusal_it_is_not() {
    let proxy = serve_odd("check_every = \"0s\"\n").await;
    run(&proxy, "result = 1").await.success();
    for (code, connects) in [
        ("raise ConnectorError('NOT_FOUND', 'no')", 1),
        ("raise ConnectorError('INVALID_INPUT', 'no')", 1),
        ("raise ConnectorError('TRANSIENT_NETWORK', 'no')", 2),
        ("raise RuntimeError('no')", 3),
        ("raise ConnectorError('AUTH_FAILED', 'no')", 4),
    ] {
        run(&proxy, code).await;
        let seen = seen(&proxy, None).await;
        assert_eq!(
            (&seen["number"], &seen["connects"]),
            (&json!(1), &json!(connects)),
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_worker_killed_in_connect_or_execute_ends_its_call_and_the_ledger_does_not_guess() {
    let proxy = serve_odd("check_every = \"0s\"\n").await;
    tell(
        &proxy,
        "connect",
        "note('connected', f'{os.getpid()}\\n'); time.sleep(3600)",
    );
    let asked = proxy
        .do_("odd/run")
        .json(&json!({"code": "note('executed', 'x')"}));
    let asked = asked
        .header("idempotency-key", "in-connect")
        .header("x-request-id", "in-connect");
    let call = tokio::spawn(asked.send());
    until("it connects", async || connected(&proxy) > 0).await;
    kill(last_pid(&proxy));
    let answer = call.await.unwrap();
    assert_eq!(
        (answer.status, answer.code()),
        (500, "worker_crashed".into()),
        "{}",
        answer.text
    );
    assert!(!proxy.path().join("executed").exists());
    proxy.row_in("in-connect", "unknown").await;
    fs::remove_file(proxy.path().join("connect")).unwrap();

    let asked = proxy
        .do_("odd/run")
        .json(&json!({"code": "note('executed', f'{os.getpid()}'); time.sleep(3600)"}));
    let asked = asked.header("x-request-id", "in-execute");
    let call = tokio::spawn(asked.send());
    let executed = proxy.path().join("executed");
    until("it executes", async || {
        fs::read_to_string(&executed).is_ok_and(|pid| !pid.is_empty())
    })
    .await;
    let pid = fs::read_to_string(&executed).unwrap().parse().unwrap();
    kill(pid);
    let answer = call.await.unwrap();
    assert_eq!(
        (answer.status, answer.code()),
        (500, "worker_crashed".into())
    );
    proxy.row_in("in-execute", "unknown").await;
    until("its process is gone", async || !lives(pid)).await;
    assert_ne!(run(&proxy, "result = os.getpid()").await.success(), pid);
}

#[tokio::test]
async fn case_20_exits_and_crashes_end_the_call_and_no_other_one() {
    let proxy = serve_odd("check_every = \"0s\"\n").await;
    for (code, name) in [
        ("raise SystemExit(3)", "SystemExit"),
        ("raise MemoryError()", "MemoryError"),
    ] {
        let answer = run(&proxy, code).await;
        assert_eq!((answer.status, answer.code()), (500, name.into()));
    }
    for code in [
        "os._exit(3)",
        "os.kill(os.getpid(), signal.SIGSEGV); time.sleep(60)",
    ] {
        let answer = run(&proxy, code).await;
        assert_eq!(
            (answer.status, answer.code()),
            (500, "worker_crashed".into()),
            "{code}"
        );
        assert_eq!(run(&proxy, "result = 1").await.success(), 1);
    }
}

#[tokio::test]
async fn a_check_that_takes_its_time_holds_no_call_up() {
    let proxy = serve_odd("check_every = \"1s\"\n").await;
    run(&proxy, "result = 1").await.success();
    let waits = "note('begun', 'x')\nwhile told('connect'): time.sleep(0.05)";
    tell(&proxy, "connect", waits);
    let begun = proxy.path().join("begun");
    until("the check has begun", async || begun.exists()).await;
    // The check waits for this to be over.
    run(&proxy, "result = 1").await.success();
    fs::remove_file(proxy.path().join("connect")).unwrap();
}
