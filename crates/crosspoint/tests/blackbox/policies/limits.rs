//! Rates, places and queues.

use serde_json::json;

use super::{get, post, refused};
use crate::harness::{Gate, Reply, Setup, Upstream};

#[tokio::test]
async fn a_call_beyond_the_rate_is_429_and_says_when_to_come_back() {
    let config = "[connectors.http.policy]\nrate = \"2/h\"\n\
                  [connectors.http.commands.PostRequestV2.policy]\nrate = \"1/h\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let upstream = Upstream::echo().await;
    get(&proxy, &upstream).await.success();
    get(&proxy, &upstream).await.success();
    refused(&get(&proxy, &upstream).await, 429, "rate_limited");
    // Its rate is its own.
    post(&proxy, &upstream).await.success();
    refused(&post(&proxy, &upstream).await, 429, "rate_limited");
    assert_eq!(upstream.seen().len(), 3);
    proxy
        .log_line(&["WARN", "Call failed", "rate_limited", "effect=\"none\""])
        .await;
}

#[tokio::test]
async fn a_full_queue_is_503_and_who_waits_is_served_in_order() {
    let config = "[connectors.http.policy]\nconcurrency = 1\nqueue = 2\n";
    let proxy = Setup::new().config(config).serve().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let upstream = Upstream::start(move |seen| Reply::echo(seen).behind(&shut)).await;
    let waiting = "crosspoint_calls_waiting{connector=\"http\"}";
    let mut calls = Vec::new();
    for number in 0..3 {
        let url = json!({"url": upstream.url(&format!("/{number}"))});
        calls.push(tokio::spawn(
            proxy.do_("http/PostRequestV2").json(&url).send(),
        ));
        match number {
            0 => upstream.arrived(1).await,
            number => proxy.counts(waiting, f64::from(number)).await,
        }
    }
    refused(&get(&proxy, &upstream).await, 503, "overloaded");
    gate.open();
    for call in calls {
        call.await.unwrap().success();
    }
    let targets: Vec<_> = upstream
        .seen()
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    assert_eq!(targets, ["/0", "/1", "/2"]);
    proxy.counts(waiting, 0.0).await;
    proxy
        .counts("crosspoint_calls_running{connector=\"http\"}", 0.0)
        .await;
}

#[tokio::test]
async fn without_a_queue_nobody_waits() {
    let config = "[connectors.http.policy]\nconcurrency = 1\nqueue = 0\n";
    let proxy = Setup::new().config(config).serve().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let upstream = Upstream::start(move |seen| Reply::echo(seen).behind(&shut)).await;
    let call = proxy
        .do_("http/GetRequestV2")
        .json(&json!({"url": upstream.url("/")}));
    let call = tokio::spawn(call.send());
    upstream.arrived(1).await;
    refused(&get(&proxy, &upstream).await, 503, "overloaded");
    gate.open();
    call.await.unwrap().success();
    get(&proxy, &upstream).await.success();
}

#[tokio::test]
async fn a_call_that_waits_until_its_deadline_is_504_and_runs_again_under_its_key() {
    let config = "[connectors.http.policy]\nconcurrency = 1\n\
                  [connectors.http.commands.PostRequestV2.policy]\ndeadline = \"300ms\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let slow = Upstream::start(move |seen| Reply::echo(seen).behind(&shut)).await;
    let quick = Upstream::echo().await;
    let call = proxy
        .do_("http/GetRequestV2")
        .json(&json!({"url": slow.url("/")}));
    let call = tokio::spawn(call.send());
    slow.arrived(1).await;
    let keyed = async || {
        let ask = proxy
            .do_("http/PostRequestV2")
            .json(&json!({"url": quick.url("/")}));
        let ask = ask
            .header("idempotency-key", "waits")
            .header("x-request-id", "waits");
        ask.send().await
    };
    let answer = keyed().await;
    assert_eq!((answer.status, &*answer.code()), (504, "deadline_exceeded"));
    let row = proxy.row_in("waits", "failed").await;
    assert_eq!(
        (row.code.as_deref(), row.effect.as_deref()),
        (Some("deadline_exceeded"), Some("none"))
    );
    gate.open();
    call.await.unwrap().success();
    keyed().await.success();
    assert_eq!(proxy.row_in("waits", "succeeded").await.attempts, 2);
    assert_eq!(quick.seen().len(), 1);
}
