//! What the pipeline does around adapters.

use std::fs;

use serde_json::{Value, json};

use super::support::{run, serve_odd};
use crate::harness::{Proxy, until};

/// Fails twice with an error, then answers how often it was asked.
fn third_time(error: &str) -> String {
    format!(
        "note('tries', '.')\nif len(told('tries')) < 3: raise {error}\nresult = len(told('tries'))"
    )
}

fn tries(proxy: &Proxy) -> usize {
    fs::read_to_string(proxy.path().join("tries")).map_or(0, |text| text.len())
}

const RETRIES: &str = "policy = { retries = 2, retry_pause = \"10ms\" }\n";

#[tokio::test]
async fn case_27_it_is_tried_again_if_the_error_is_retryable_or_the_action_idempotent() {
    for (error, more, wanted) in [
        ("ConnectorError('TIMEOUT', 'slow', retryable=True)", "", 3),
        (
            "ConnectorError('RATE_LIMITED', 'busy', retryable=False)",
            "",
            1,
        ),
        ("ConnectorError('TIMEOUT', 'slow')", "", 1),
        ("RuntimeError('odd')", "", 1),
        (
            "ConnectorError('TIMEOUT', 'slow')",
            "idempotent = [\"run\"]\n",
            3,
        ),
        ("RuntimeError('odd')", "idempotent = true\n", 3),
        (
            "ConnectorError('FORBIDDEN', 'no')",
            "idempotent = true\n",
            1,
        ),
    ] {
        let proxy = serve_odd(&(RETRIES.to_owned() + more)).await;
        let answer = run(&proxy, &third_time(error)).await;
        assert_eq!(tries(&proxy), wanted, "{error} {more}: {}", answer.text);
        assert_eq!(answer.code().is_empty(), wanted == 3, "{error} {more}");
        if wanted == 3 {
            assert_eq!(answer.success(), 3);
            assert!(answer.logs().contains("Trying again in"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn case_27_the_wait_that_the_error_asks_for_is_kept() {
    let proxy = serve_odd(RETRIES).await;
    let error = "ConnectorError('RATE_LIMITED', 'busy', retryable=True, details_safe={'retry_after_ms': 300})";
    let answer = run(&proxy, &third_time(error)).await;
    assert_eq!(answer.success(), 3);
    assert_eq!(
        answer
            .logs()
            .matches("Trying again in 0.3 s after RATE_LIMITED")
            .count(),
        2,
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn case_28_a_key_has_one_effect_and_the_same_answer() {
    let proxy = serve_odd("").await;
    let arguments = json!({"code": "note('tries', '.'); result = len(told('tries'))"});
    for _ in 0..3 {
        let ask = proxy
            .do_("odd/run")
            .json(&arguments)
            .header("idempotency-key", "one");
        assert_eq!(ask.send().await.success(), 1);
    }
    assert_eq!(tries(&proxy), 1);
}

#[tokio::test]
async fn case_29_a_rate_is_kept_with_the_time_to_wait_and_without_one_a_burst_is_served() {
    let proxy = serve_odd("").await;
    for _ in 0..50 {
        run(&proxy, "result = 1").await.success();
    }
    let proxy = serve_odd("policy = { rate = \"2/m\" }\n").await;
    for _ in 0..2 {
        run(&proxy, "result = 1").await.success();
    }
    let answer = run(&proxy, "result = 1").await;
    assert_eq!((answer.status, answer.code()), (429, "rate_limited".into()));
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn case_30_a_breaker_opens_lets_one_through_and_closes() {
    for pause in ["5m", "1s"] {
        let breaker = format!("failures = 2, within = \"60s\", pause = \"{pause}\"");
        let proxy = serve_odd(&format!("policy = {{ breaker = {{ {breaker} }} }}\n")).await;
        for _ in 0..2 {
            let answer = run(&proxy, "raise ConnectorError('UPSTREAM_5XX', 'down')").await;
            assert_eq!(answer.code(), "UPSTREAM_5XX");
        }
        if pause == "5m" {
            let answer = run(&proxy, "note('tries', '.')").await;
            assert_eq!((answer.status, answer.code()), (503, "circuit_open".into()));
            assert_eq!(tries(&proxy), 0);
            continue;
        }
        until("it lets a call through", async || {
            run(&proxy, "result = 1").await.code().is_empty()
        })
        .await;
        run(&proxy, "result = 1").await.success();
    }
}

#[tokio::test]
async fn case_31_a_call_that_failed_is_listed_without_secrets_and_can_be_replayed() {
    let proxy =
        serve_odd("[connectors.odd.profiles.p]\nsecrets = { token = \"canary-secret\" }\n").await;
    let code = "note('tries', '.')\nif len(told('tries')) < 2: raise ConnectorError('FORBIDDEN', self.profile.encrypted_secrets['token'])\nresult = 'well'";
    let ask = proxy.do_("odd/run").json(&json!({"code": code}));
    let ask = ask
        .header("idempotency-key", "again")
        .header("x-request-id", "asked");
    assert_eq!(ask.send().await.code(), "FORBIDDEN");
    let listed = proxy.run(&["ledger", "show", "asked", "--json"]).await;
    let row: Value = crate::harness::json(&listed.stdout);
    assert!(!listed.stdout.contains("canary-secret"), "{row}");
    assert!(listed.stdout.contains("FORBIDDEN"), "{row}");
    let id = proxy.row_in("asked", "failed").await.id;
    let replayed = proxy.decide(&format!("{id}/replay"), &json!({})).await;
    assert_eq!(replayed.brought(), "well");
    assert_eq!(tries(&proxy), 2);
    proxy.row_in("asked", "succeeded").await;
    let audit = proxy.get("/api/v1/audit").await;
    assert!(
        audit.text.contains("ledger.replay") && audit.text.contains(&id),
        "{}",
        audit.text
    );
}

#[tokio::test]
async fn case_32_every_call_has_a_row_and_the_adapter_its_id() {
    let proxy =
        serve_odd("[connectors.odd.profiles.p]\nsecrets = { token = \"canary-secret\" }\n").await;
    let call = json!({"command": "odd/seen", "arguments": {}});
    let answer = proxy.asks(&call).send().await;
    let trace = answer.brought()["trace_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.id(), trace);
    let row = proxy.recorded_in(&trace, "succeeded").await;
    let called = (&row["connector"], &row["command"]);
    assert_eq!(called, (&json!("odd"), &json!("seen")));
    let shown = proxy
        .run(&["ledger", "show", &trace, "--json"])
        .await
        .stdout;
    assert!(shown.contains("odd/p"), "{shown}");
}
