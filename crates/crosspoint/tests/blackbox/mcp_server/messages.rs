//! What is no request, or none that may come so.

use http::Method;
use serde_json::{Value, json};

use super::{greeting, request};
use crate::harness::{Proxy, Setup};

const OLD: &str = "2025-03-26";

async fn proxy() -> Proxy {
    Setup::new().serve().await
}

#[tokio::test]
async fn what_is_no_message_is_told_so_and_everything_else_goes_on() {
    let proxy = proxy().await;
    for (text, code) in [
        ("", -32700),
        ("nope", -32700),
        ("{\"jsonrpc\": \"2.0\", ", -32700),
        ("5", -32600),
        ("{}", -32600),
        (
            "{\"jsonrpc\": \"1.0\", \"id\": 1, \"method\": \"ping\"}",
            -32600,
        ),
        (
            "{\"jsonrpc\": \"2.0\", \"id\": null, \"method\": \"ping\"}",
            -32600,
        ),
        ("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": []}", -32600),
    ] {
        let (status, found, message) = proxy.mcp_text(text).send().await.fault();
        assert_eq!((status, found), (400, code), "{text}: {message}");
        assert!(!message.is_empty());
    }
    let deep = "[".repeat(100_000);
    let text =
        format!("{{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"ping\", \"params\": {deep}");
    assert_eq!(proxy.mcp_text(&text).send().await.fault().1, -32700);
    assert_eq!(
        proxy.result_of(&request(1, "ping", json!({}))).await,
        json!({})
    );
}

#[tokio::test]
async fn unknown_methods_and_wrong_parameters_are_errors_with_the_id_of_the_request() {
    let proxy = proxy().await;
    for (method, params, code) in [
        ("resources/list", json!({}), -32601),
        ("logging/setLevel", json!({"level": "info"}), -32601),
        ("initialize", json!({}), -32602),
        ("tools/list", json!({"cursor": 5}), -32602),
        ("tools/list", json!({"cursor": "made-up"}), -32602),
        ("tools/list", json!([]), -32602),
        ("tools/call", json!({"name": "no_such"}), -32602),
        ("tools/call", json!({"name": 5, "arguments": []}), -32602),
    ] {
        let answer = proxy.mcp(&request(7, method, params)).send().await;
        let (status, found, message) = answer.fault();
        // As revisions before 2026-07-28 have it.
        assert_eq!((status, found), (200, code), "{method}: {message}");
        assert_eq!(answer.json()["id"], 7);
    }
    let both = request(1, "tools/call", json!({"name": 5, "arguments": []}));
    let (_, _, message) = proxy.mcp(&both).send().await.fault();
    assert!(
        message.contains("'name'") && message.contains("'arguments'"),
        "{message}"
    );
}

#[tokio::test]
async fn batches_are_answered_in_their_order_where_the_revision_has_them() {
    let proxy = proxy().await;
    let batch = json!([
        request(1, "ping", json!({})),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        request(2, "nope", json!({})),
        5,
        request(3, "tools/call", json!({"name": "logging_Write", "arguments": {"message": "x"}})),
        greeting(OLD),
    ]);
    let answer = proxy.mcp(&batch).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answers = answer.json();
    let codes: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["error"]["code"].clone())
        .collect();
    let null = Value::Null;
    assert_eq!(
        codes,
        [
            null.clone(),
            json!(-32601),
            json!(-32600),
            null,
            json!(-32600)
        ]
    );
    assert_eq!(answers[3]["result"]["isError"], false);

    let session = proxy.session("2025-06-18").await;
    let newer = proxy.mcp(&batch).header("mcp-session-id", &session);
    let (status, code, message) = newer.send().await.fault();
    assert_eq!((status, code), (400, -32600), "{message}");
    assert!(message.contains("2025-06-18 has no batches"), "{message}");
    let large = vec![request(1, "ping", json!({})); 101];
    for wrong in [json!([]), json!(large)] {
        let (status, code, message) = proxy.mcp(&wrong).send().await.fault();
        assert_eq!((status, code), (400, -32600), "{message}");
    }
    let silent = json!([{"jsonrpc": "2.0", "method": "notifications/initialized"}]);
    assert_eq!(proxy.mcp(&silent).send().await.status, 202);
}

#[tokio::test]
async fn notifications_and_responses_are_taken_without_an_answer() {
    let proxy = proxy().await;
    for message in [
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "method": "notifications/nobody/knows"}),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}}),
        json!({"jsonrpc": "2.0", "id": 5, "result": {}}),
    ] {
        let answer = proxy.mcp(&message).send().await;
        assert_eq!((answer.status, &*answer.text), (202, ""), "{message}");
    }
}

#[tokio::test]
async fn a_huge_body_is_refused_and_read_no_further_than_it_has_to_be() {
    let proxy = Setup::new().config("max_body = \"64KiB\"").serve().await;
    let large = request(1, "tools/list", json!({"x": "y".repeat(1 << 20)}));
    let (status, code, message) = proxy.mcp(&large).send().await.fault();
    assert_eq!((status, code), (413, -32600), "{message}");
    assert!(message.contains("max_body"), "{message}");
    assert!(!proxy.tool_names().await.is_empty());
}

#[tokio::test]
async fn a_body_must_say_that_it_is_json() {
    let proxy = proxy().await;
    let ping = request(1, "ping", json!({})).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let ask = proxy.ask(Method::POST, "/mcp").verbatim();
        let ask = ask.header("content-type", kind).body(ping.clone());
        assert_eq!(ask.send().await.status, 415, "{kind}");
    }
    let ask = proxy.ask(Method::POST, "/mcp").verbatim().body(ping);
    assert_eq!(ask.send().await.status, 415);
}

#[tokio::test]
async fn a_revision_that_nobody_speaks_is_refused_with_those_that_are_spoken() {
    let proxy = proxy().await;
    let ask = proxy.mcp(&request(1, "ping", json!({})));
    let answer = ask
        .header("mcp-protocol-version", "1999-01-01")
        .send()
        .await;
    assert_eq!((answer.fault().0, answer.fault().1), (400, -32022));
    let supported = &answer.json()["error"]["data"]["supported"];
    // Those of the official SDK, which has them the other way round.
    let known = rmcp::model::ProtocolVersion::KNOWN_VERSIONS;
    let known: Vec<_> = known.iter().rev().map(|version| version.as_str()).collect();
    assert_eq!(*supported, json!(known));
    for version in supported.as_array().unwrap().iter().skip(1) {
        let agreed = proxy.result_of(&greeting(version.as_str().unwrap())).await;
        assert_eq!(agreed["protocolVersion"], *version);
    }
}

#[tokio::test]
async fn other_methods_of_http_are_told_what_there_is() {
    let proxy = proxy().await;
    let get = proxy.ask(Method::GET, "/mcp").verbatim().send().await;
    assert_eq!((get.status, get.header("allow")), (405, "POST"));
    let put = proxy.ask(Method::PUT, "/mcp").send().await;
    assert_eq!(put.status, 405);
    let delete = proxy.ask(Method::DELETE, "/mcp").verbatim().send().await;
    assert_eq!(delete.status, 400);
}
