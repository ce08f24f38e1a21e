//! Who may ask: pages, keys, and what keys are good for.

use http::Method;
use serde_json::json;

use super::{call, greeting, names, request};
use crate::harness::{Ask, Proxy, Setup};

const KEYS: &str = r#"
[access]
api_keys = [
  { name = "all", key = "key-for-all" },
  { name = "agent", key = "key-of-agent", scopes = ["call", "ingress:mcp"] },
  { name = "engine", key = "key-of-engine", scopes = ["call", "ingress:spiff"] },
  { name = "reader", key = "key-of-reader", scopes = ["read"] },
  { name = "writer", key = "key-of-writer", scopes = ["call", "connector:log*"] },
  { name = "old", key = "key-of-old", expires = "2020-01-01" },
]
"#;

async fn keyed() -> Proxy {
    Setup::new().config(KEYS).serve().await
}

fn with(ask: Ask, key: &str) -> Ask {
    ask.header("authorization", &format!("Bearer {key}"))
}

#[tokio::test]
async fn pages_of_other_sites_are_turned_away_and_those_of_this_machine_are_not() {
    let config =
        "[access]\nhosts = [\"proxy.example\"]\ncors_origins = [\"https://console.example\"]";
    let proxy = Setup::new().config(config).serve().await;
    let ping = request(1, "ping", json!({}));
    for (origin, status) in [
        ("http://localhost:6274", 200),
        ("http://127.0.0.1:3000", 200),
        ("https://console.example", 200),
        ("https://proxy.example", 200),
        ("https://evil.example", 403),
        ("http://console.example", 403),
        ("null", 403),
    ] {
        let answer = proxy.mcp(&ping).header("origin", origin).send().await;
        assert_eq!(answer.status, status, "{origin}: {}", answer.text);
    }
    for method in [Method::GET, Method::DELETE] {
        let ask = proxy.ask(method, "/mcp").verbatim();
        let answer = ask.header("origin", "https://evil.example").send().await;
        assert_eq!(answer.status, 403);
    }
    let foreign = proxy.with_host("/mcp", Some("evil.example")).await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test]
async fn a_foreign_page_is_turned_away_though_its_browser_has_a_key() {
    let proxy = keyed().await;
    let ask = with(proxy.mcp(&request(1, "ping", json!({}))), "key-for-all");
    let answer = ask.header("origin", "https://evil.example").send().await;
    assert_eq!(answer.status, 403, "{}", answer.text);
}

#[tokio::test]
async fn a_key_is_needed_where_there_are_some_and_must_be_good_for_this() {
    let proxy = keyed().await;
    let ping = request(1, "ping", json!({}));
    let none = proxy.mcp(&ping).send().await;
    assert_eq!(
        (none.status, none.header("www-authenticate")),
        (401, "Bearer")
    );
    assert_eq!(none.fault().1, -32600);
    for (key, status) in [
        ("key-for-all", 200),
        ("key-of-agent", 200),
        ("key-of-reader", 200),
        ("key-of-writer", 200),
        ("key-of-engine", 403),
        ("key-of-old", 401),
        ("made-up", 401),
    ] {
        let answer = with(proxy.mcp(&ping), key).send().await;
        assert_eq!(answer.status, status, "{key}: {}", answer.text);
    }
    let header = proxy.mcp(&ping);
    let header = header.header("spiff-connector-proxy-api-key", "key-of-agent");
    assert_eq!(header.send().await.status, 200);
}

#[tokio::test]
async fn a_key_for_some_connectors_sees_and_calls_no_other() {
    let proxy = keyed().await;
    let list = request(1, "tools/list", json!({}));
    let seen = with(proxy.mcp(&list), "key-of-writer")
        .send()
        .await
        .result();
    assert_eq!(names(&seen), ["logging_Trace", "logging_Write"]);
    let all = with(proxy.mcp(&list), "key-for-all").send().await.result();
    assert!(names(&all).len() > 20);

    let write = call(1, "logging_Write", json!({"message": "x"}));
    let written = with(proxy.mcp(&write), "key-of-writer").send().await;
    assert_eq!(written.result()["isError"], false);
    let get = call(
        1,
        "http_GetRequestV2",
        json!({"url": "http://127.0.0.1:1/"}),
    );
    let (_, code, message) = with(proxy.mcp(&get), "key-of-writer").send().await.fault();
    assert_eq!(code, -32602);
    assert!(
        message.contains("not good for the connector http"),
        "{message}"
    );
    // Nor is it told what else there is.
    let near = call(1, "http_GetRequestV", json!({}));
    let (_, _, message) = with(proxy.mcp(&near), "key-of-writer").send().await.fault();
    assert!(!message.contains("http_GetRequestV2"), "{message}");
}

#[tokio::test]
async fn a_key_that_only_reads_lists_tools_and_calls_none() {
    let proxy = keyed().await;
    let list = with(
        proxy.mcp(&request(1, "tools/list", json!({}))),
        "key-of-reader",
    );
    assert!(!names(&list.send().await.result()).is_empty());
    let write = call(1, "logging_Write", json!({"message": "x"}));
    let (_, code, message) = with(proxy.mcp(&write), "key-of-reader")
        .send()
        .await
        .fault();
    assert_eq!(code, -32602);
    assert!(
        message.contains("it needs the scope call, and has read"),
        "{message}"
    );
}

#[tokio::test]
async fn a_session_is_for_the_key_that_opened_it() {
    let proxy = keyed().await;
    let opened = with(proxy.mcp(&greeting("2025-06-18")), "key-of-agent")
        .send()
        .await;
    let session = opened.header("mcp-session-id");
    let ping = request(1, "ping", json!({}));
    for (key, status) in [("key-of-agent", 200), ("key-for-all", 404)] {
        let ask = with(proxy.mcp(&ping), key).header("mcp-session-id", session);
        assert_eq!(ask.send().await.status, status, "{key}");
    }
}

#[tokio::test]
async fn the_name_of_the_key_is_in_the_ledger() {
    let proxy = keyed().await;
    let write = call(1, "logging_Write", json!({"message": "x"}));
    let ask = with(proxy.mcp(&write), "key-of-agent");
    let answer = ask.header("x-request-id", "from-an-agent").send().await;
    assert_eq!(answer.result()["isError"], false);
    let row = proxy.row_in("from-an-agent", "succeeded").await;
    assert_eq!(
        (&*row.ingress, row.caller.as_deref()),
        ("mcp", Some("agent"))
    );
    let id = answer.result()["structuredContent"]["id"].clone();
    assert_eq!(json!(row.id), id);
}

#[tokio::test]
async fn a_listed_page_may_send_what_the_protocol_wants_and_read_its_session() {
    let config = "[access]\ncors_origins = [\"https://console.example\"]";
    let proxy = Setup::new().config(config).serve().await;
    let headers =
        "authorization,content-type,mcp-session-id,mcp-protocol-version,mcp-method,mcp-name";
    let ask = proxy.ask(Method::OPTIONS, "/mcp").verbatim();
    let ask = ask.header("origin", "https://console.example");
    let ask = ask.header("access-control-request-method", "POST");
    let allowed = ask
        .header("access-control-request-headers", headers)
        .send()
        .await;
    let allowed = allowed.header("access-control-allow-headers").to_owned();
    for header in headers.split(',') {
        assert!(allowed.contains(header), "{header}: {allowed}");
    }
    let greeted = proxy.mcp(&greeting("2025-11-25"));
    let greeted = greeted
        .header("origin", "https://console.example")
        .send()
        .await;
    let exposed = greeted.header("access-control-expose-headers");
    assert!(exposed.contains("mcp-session-id"), "{exposed}");
}
