//! What becomes of calls when the process that ran them is killed.

use serde_json::{Value, json};

use super::{UNKNOWN, expect, keyed, post};
use crate::harness::{Effects, Gate, Proxy, Setup};

/// A system that answers when its gate is open.
async fn gated() -> (Effects, Gate) {
    let gate = Gate::new();
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| Effects::usual(seen, id, n).behind(&shut)).await;
    (effects, gate)
}

/// Kills a proxy while a call of this command runs, and starts another in its place.
async fn killed_in(
    command: &str,
    arguments: &Value,
    key: Option<&str>,
    effects: &Effects,
) -> Proxy {
    let proxy = Setup::new().serve().await;
    let mut ask = proxy.do_(command).json(arguments);
    ask = ask.header("x-request-id", "request");
    if let Some(key) = key {
        ask = ask.header("idempotency-key", key);
    }
    let call = tokio::spawn(ask.try_send());
    effects.arrived(1).await;
    // What nobody waits for is written a moment after.
    proxy.row_in("request", "running").await;
    let setup = proxy.kill().await;
    assert!(call.await.unwrap().is_err());
    setup.serve().await
}

#[tokio::test]
async fn a_write_with_a_key_is_unknown() {
    let (effects, gate) = gated().await;
    let arguments = effects.arguments("pay");
    let proxy = killed_in("http/PostRequestV2", &arguments, Some("key"), &effects).await;
    gate.open();
    expect(&post(&proxy, &arguments, "key").await, UNKNOWN);
    let row = proxy.row_in("request", "unknown").await;
    assert_eq!(row.attempts, 1);
    assert!(row.replayable && row.ended.is_some(), "{row:?}");
    assert_eq!(effects.of("pay"), 1);
}

#[tokio::test]
async fn what_is_safe_to_repeat_runs_again_under_its_key() {
    for command in ["http/PutRequestV2", "http/DeleteRequestV2"] {
        let (effects, gate) = gated().await;
        let arguments = effects.arguments("pay");
        let proxy = killed_in(command, &arguments, Some("key"), &effects).await;
        let again = tokio::spawn(keyed(&proxy, command, &arguments, "key").send());
        effects.arrived(2).await;
        gate.open();
        let body = again.await.unwrap().success();
        assert_eq!(body, json!({"id": "pay", "effect": 2}), "{command}");
        let row = proxy.row_in("request", "succeeded").await;
        assert_eq!(row.attempts, 2);
        assert_eq!(effects.of("pay"), 2);
    }
}

#[tokio::test]
async fn it_runs_again_although_nobody_asks() {
    let (effects, gate) = gated().await;
    let arguments = effects.arguments("pay");
    let proxy = killed_in("http/PutRequestV2", &arguments, Some("key"), &effects).await;
    effects.arrived(2).await;
    gate.open();
    proxy.row_in("request", "succeeded").await;
    let answer = keyed(&proxy, "http/PutRequestV2", &arguments, "key");
    assert_eq!(
        answer.send().await.success(),
        json!({"id": "pay", "effect": 2})
    );
}

#[tokio::test]
async fn a_read_without_a_key_has_failed_and_a_write_is_unknown() {
    for (command, state) in [
        ("http/GetRequestV2", "failed"),
        ("http/PostRequestV2", "unknown"),
    ] {
        let (effects, gate) = gated().await;
        let mut arguments = effects.arguments("pay");
        if command.contains("Get") {
            arguments = json!({"url": arguments["url"]});
        }
        let proxy = killed_in(command, &arguments, None, &effects).await;
        gate.open();
        let row = proxy.row_in("request", state).await;
        assert_eq!(row.attempts, 1, "{command}");
        if state == "failed" {
            assert_eq!(row.code.as_deref(), Some("interrupted"));
        }
        assert_eq!(effects.all().values().sum::<usize>(), 1, "{command}");
    }
}

#[tokio::test]
async fn a_server_that_ends_in_good_order_leaves_nothing_open() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    for n in 0..20 {
        let arguments = effects.arguments(&n.to_string());
        proxy.call("http/PostRequestV2", arguments).await.success();
    }
    let setup = proxy.setup();
    assert_eq!(proxy.stop().await.code, Some(0));
    let rows = setup.rows(&[]).await;
    assert_eq!(rows.len(), 20);
    let strays: Vec<_> = rows.iter().filter(|row| row.state != "succeeded").collect();
    assert!(strays.is_empty(), "{strays:?}");
}
