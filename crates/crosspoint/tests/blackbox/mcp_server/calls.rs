//! Calls that take a while: progress, cancelling, and clients that go away.

use serde_json::{Value, json};

use super::modern::{self, modern};
use super::{Events, call};
use crate::harness::{Gate, Proxy, Reply, Setup, Upstream, until};

const VERSION: &str = "2025-11-25";

/// An upstream that answers when the gate is opened.
async fn slow(gate: &Gate) -> Upstream {
    let gate = gate.clone();
    Upstream::start(move |_| Reply::json("{\"done\": true}").behind(&gate)).await
}

fn post(upstream: &Upstream) -> Value {
    call(
        7,
        "http_PostRequestV2",
        json!({"url": upstream.url("/"), "data": {}}),
    )
}

async fn cancel(proxy: &Proxy, session: &str, id: Value) -> u16 {
    let params = json!({"requestId": id, "reason": "changed my mind"});
    let message = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
    let ask = proxy.mcp(&message).header("mcp-session-id", session);
    ask.send().await.status
}

#[tokio::test]
async fn a_long_call_tells_how_it_goes_to_who_asked_for_that() {
    let gate = Gate::new();
    let upstream = slow(&gate).await;
    let proxy = Setup::new().serve().await;
    let mut message = post(&upstream);
    message["params"]["_meta"] = json!({"progressToken": "my-token"});
    let mut events = Events::of(proxy.mcp(&message)).await;
    let mut before = -1.0;
    for _ in 0..3 {
        let told = events.next().await.unwrap();
        assert_eq!(told["method"], "notifications/progress");
        assert_eq!(told["params"]["progressToken"], "my-token");
        let text = told["params"]["message"].as_str().unwrap();
        assert!(text.contains("http/PostRequestV2"), "{text}");
        let progress = told["params"]["progress"].as_f64().unwrap();
        assert!(progress > before, "{progress} after {before}");
        before = progress;
    }
    gate.open();
    let last = loop {
        let message = events.next().await.unwrap();
        if message.get("method").is_none() {
            break message;
        }
    };
    assert_eq!(last["id"], 7);
    assert_eq!(last["result"]["structuredContent"]["body"]["done"], true);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn who_takes_no_stream_gets_json_however_long_it_takes() {
    let gate = Gate::new();
    let upstream = slow(&gate).await;
    let proxy = Setup::new().serve().await;
    let ask = proxy.ask(http::Method::POST, "/mcp").verbatim();
    let ask = ask
        .header("accept", "application/json")
        .json(&post(&upstream));
    let asked = tokio::spawn(ask.send());
    upstream.arrived(1).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    gate.open();
    let answer = asked.await.unwrap();
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.result()["isError"], false);
}

#[tokio::test]
async fn a_cancelled_call_is_not_answered_and_what_may_act_goes_on() {
    let gate = Gate::new();
    let upstream = slow(&gate).await;
    let proxy = Setup::new().serve().await;
    let session = proxy.session(VERSION).await;
    let ask = proxy
        .mcp(&post(&upstream))
        .header("mcp-session-id", &session);
    let ask = ask.header("x-request-id", "cancelled-post");
    let mut events = Events::of(ask).await;
    // An id that is the same to the eye only.
    assert_eq!(cancel(&proxy, &session, json!("7")).await, 202);
    assert_eq!(cancel(&proxy, &session, json!(7)).await, 202);
    assert_eq!(events.next().await, None);
    gate.open();
    proxy.row_in("cancelled-post", "succeeded").await;
}

#[tokio::test]
async fn a_cancelled_call_that_only_reads_ends() {
    let upstream = Upstream::start(|_| Reply::silence()).await;
    let proxy = Setup::new().serve().await;
    let session = proxy.session(VERSION).await;
    let get = call(9, "http_GetRequestV2", json!({"url": upstream.url("/")}));
    let ask = proxy.mcp(&get).header("mcp-session-id", &session);
    let mut events = Events::of(ask.header("x-request-id", "cancelled-get")).await;
    assert_eq!(cancel(&proxy, &session, json!(9)).await, 202);
    assert_eq!(events.next().await, None);
    until("the call has ended", async || {
        let rows = proxy.rows(&["--request", "cancelled-get"]).await;
        rows.iter().all(|row| row.state != "running")
    })
    .await;
}

#[tokio::test]
async fn of_two_requests_with_one_id_the_second_is_refused() {
    let gate = Gate::new();
    let upstream = slow(&gate).await;
    let proxy = Setup::new().serve().await;
    let session = proxy.session(VERSION).await;
    let first = Events::of(
        proxy
            .mcp(&post(&upstream))
            .header("mcp-session-id", &session),
    )
    .await;
    let again = proxy
        .mcp(&post(&upstream))
        .header("mcp-session-id", &session);
    let (status, code, message) = again.send().await.fault();
    assert_eq!((status, code), (400, -32600), "{message}");
    // Those of other sessions are others.
    let other = proxy.session(VERSION).await;
    let second = Events::of(proxy.mcp(&post(&upstream)).header("mcp-session-id", &other)).await;
    gate.open();
    drop((first, second));
}

#[tokio::test]
async fn who_closes_the_stream_leaves_the_call_to_itself() {
    let gate = Gate::new();
    let upstream = slow(&gate).await;
    let proxy = Setup::new().serve().await;
    let arguments = json!({"url": upstream.url("/"), "data": {}});
    let message = json!({"name": "http_PostRequestV2", "arguments": arguments});
    let ask = modern::ask(&proxy, &modern(7, "tools/call", message));
    let events = Events::of(ask.header("x-request-id", "gone")).await;
    drop(events);
    gate.open();
    proxy.row_in("gone", "succeeded").await;
}

#[tokio::test]
async fn a_call_takes_no_longer_than_is_allowed() {
    let upstream = Upstream::start(|_| Reply::silence()).await;
    let proxy = Setup::new()
        .config("[mcp]\ndeadline = \"300ms\"")
        .serve()
        .await;
    let result = proxy.result_of(&post(&upstream)).await;
    assert_eq!(result["isError"], true);
    assert_eq!(
        result["structuredContent"]["error"]["effect"], "maybe",
        "{result}"
    );
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("it may have happened all the same"), "{text}");
}
