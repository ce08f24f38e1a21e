//! What is a key and whose: headers, tasks, callers.

use serde_json::json;

use super::{BAD_REQUEST, OFF, expect, post};
use crate::harness::{Effects, Setup, until};

#[tokio::test]
async fn every_caller_has_keys_of_its_own() {
    let config = "[access]\napi_keys = [{ name = \"alice\", key = \"key-of-alice\" }, \
                  { name = \"bob\", key = \"key-of-bob\" }]\n";
    let proxy = Setup::new().config(config).serve().await;
    let effects = Effects::start().await;
    let arguments = effects.arguments("pay");
    for (n, caller) in ["alice", "bob", "alice", "bob"].into_iter().enumerate() {
        let ask = proxy.do_("http/PostRequestV2").json(&arguments);
        let ask = ask
            .header("idempotency-key", "key")
            .header("x-request-id", &format!("request-{n}"))
            .header("authorization", &format!("Bearer key-of-{caller}"));
        let effect = if caller == "alice" { 1 } else { 2 };
        assert_eq!(
            ask.send().await.success(),
            json!({"id": "pay", "effect": effect}),
            "{n} {caller}"
        );
    }
    let rows = proxy.rows(&[]).await;
    let callers: Vec<_> = rows.iter().map(|row| row.caller.as_deref()).collect();
    assert_eq!(callers, [Some("bob"), Some("alice")]);
}

#[tokio::test]
async fn a_key_that_is_none_is_a_bad_request() {
    let proxy = Setup::new().serve().await;
    let effects = Effects::start().await;
    let arguments = effects.arguments("pay");
    for key in ["", "schlüssel", "tab\tinside", &"k".repeat(1001)] {
        let ask = proxy.do_("http/PostRequestV2").json(&arguments);
        let answer = ask.header("idempotency-key", key).send().await;
        assert_ne!(answer.status, 200, "{key:?} counts as a key");
        expect(&answer, BAD_REQUEST);
    }
    let ask = proxy.do_("http/PostRequestV2").json(&arguments);
    let twice = ask.header("idempotency-key", "one");
    let twice = twice.header("idempotency-key", "two").send().await;
    expect(&twice, BAD_REQUEST);
    assert_eq!(effects.of("pay"), 0);
    let longest = "k".repeat(1000);
    for _ in 0..2 {
        let ask = proxy.do_("http/PostRequestV2").json(&arguments);
        ask.header("idempotency-key", &longest)
            .send()
            .await
            .success();
    }
    assert_eq!(effects.of("pay"), 1);
}

#[tokio::test]
async fn without_a_ledger_a_key_is_refused_and_everything_else_works() {
    let config = "[store]\nurl = \"none\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let effects = Effects::start().await;
    let arguments = effects.arguments("pay");
    let refused = post(&proxy, &arguments, "key").await;
    expect(&refused, OFF);
    // It never works with this configuration.
    assert_eq!(refused.header("retry-after"), "");
    assert_eq!(effects.of("pay"), 0);
    proxy.call("http/PostRequestV2", arguments).await.success();
    assert_eq!(proxy.problems().await, "[]");
    let ended = proxy.ledger(&["list"]).await;
    ended.text(2);
    assert!(ended.stderr.contains("none"), "{}", ended.stderr);
    let made: Vec<_> = std::fs::read_dir(proxy.path().join(".crosspoint"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".db") || name == "master.key")
        .collect();
    assert!(made.is_empty(), "{made:?}");
}

#[tokio::test]
async fn where_it_is_so_configured_the_task_is_the_key_unless_there_is_a_header() {
    let config = "[connectors.http.policy]\nkey = \"task\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let effects = Effects::start().await;
    let arguments = |task: &str| {
        let mut arguments = effects.arguments("pay");
        arguments["spiff__task_id"] = task.into();
        arguments
    };
    let ask = |task: &str| proxy.do_("http/PostRequestV2").json(&arguments(task));
    for (ask, effect) in [
        (ask("task-1"), 1),
        (ask("task-1"), 1),
        (ask("task-2"), 2),
        (ask("task-1").header("idempotency-key", "by-header"), 3),
        (ask("task-2").header("idempotency-key", "by-header"), 3),
        (ask("task-1"), 1),
        // Without either there is no key.
        (
            proxy
                .do_("http/PostRequestV2")
                .json(&effects.arguments("pay")),
            4,
        ),
        (
            proxy
                .do_("http/PostRequestV2")
                .json(&effects.arguments("pay")),
            5,
        ),
    ] {
        let body = ask.send().await.success();
        assert_eq!(body, json!({"id": "pay", "effect": effect}));
    }
    let mut keys = Vec::new();
    until("all are written", async || {
        let rows = proxy.rows(&[]).await.into_iter();
        keys = rows.filter_map(|row| row.key).collect();
        keys.sort();
        keys.len() == 3
    })
    .await;
    assert_eq!(keys, ["by-header", "task-1", "task-2"]);
}
