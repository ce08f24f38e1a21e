//! Revision 2026-07-28: each request says everything by itself.

use serde_json::{Value, json};

use super::request;
use crate::harness::{Answer, Ask, Proxy, Setup};

pub const VERSION: &str = "2026-07-28";

/// A request of this revision.
pub fn modern(id: u64, method: &str, mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = VERSION.into();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    request(id, method, params)
}

/// With the headers that it has to have.
pub fn ask(proxy: &Proxy, message: &Value) -> Ask {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ask = proxy.mcp(message).header("mcp-protocol-version", VERSION);
    let ask = ask.header("mcp-method", &text(&message["method"]));
    match message["params"]["name"].as_str() {
        Some(name) => ask.header("mcp-name", name),
        None => ask,
    }
}

async fn answer(proxy: &Proxy, message: &Value) -> Answer {
    ask(proxy, message).send().await
}

#[tokio::test]
async fn nothing_has_to_be_said_before_a_tool_is_called() {
    let proxy = Setup::new().serve().await;
    let discovered = answer(&proxy, &modern(1, "server/discover", json!({})))
        .await
        .result();
    assert_eq!(discovered["supportedVersions"][0], VERSION);
    assert_eq!(discovered["capabilities"]["tools"]["listChanged"], true);
    let list = answer(&proxy, &modern(2, "tools/list", json!({})))
        .await
        .result();
    assert_eq!(
        (&list["resultType"], &list["cacheScope"]),
        (&json!("complete"), &json!("public"))
    );
    assert!(list["ttlMs"].is_u64());
    let call = json!({"name": "logging_Write", "arguments": {"message": "x"}});
    let called = answer(&proxy, &modern(3, "tools/call", call)).await;
    assert_eq!(called.header("mcp-session-id"), "");
    let called = called.result();
    assert_eq!(
        (&called["isError"], &called["resultType"]),
        (&json!(false), &json!("complete"))
    );
    let server = &called["_meta"]["io.modelcontextprotocol/serverInfo"]["name"];
    assert_eq!(server, "crosspoint");
}

#[tokio::test]
async fn what_keys_see_is_not_for_others_to_keep() {
    let config = "[access]\napi_keys = [\"a-key-of-somebody\"]";
    let proxy = Setup::new().config(config).serve().await;
    let ask = ask(&proxy, &modern(1, "tools/list", json!({})));
    let list = ask
        .header("authorization", "Bearer a-key-of-somebody")
        .send()
        .await;
    assert_eq!(list.result()["cacheScope"], "private");
}

#[tokio::test]
async fn what_older_revisions_have_is_not_there_and_what_a_session_was_is_passed_over() {
    let proxy = Setup::new().serve().await;
    for method in [
        "initialize",
        "ping",
        "resources/subscribe",
        "unknown/method",
    ] {
        let answer = answer(&proxy, &modern(5, method, json!({}))).await;
        let (status, code, message) = answer.fault();
        assert_eq!((status, code), (404, -32601), "{method}: {message}");
        assert_eq!(answer.json()["id"], 5);
    }
    let list = modern(1, "tools/list", json!({}));
    let ask = ask(&proxy, &list).header("mcp-session-id", "long-gone");
    assert_eq!(ask.send().await.status, 200);
}

#[tokio::test]
async fn all_that_a_request_lacks_is_told_at_once() {
    let proxy = Setup::new().serve().await;
    let bare = ask(&proxy, &request(1, "tools/list", json!({})));
    let (status, code, message) = bare.send().await.fault();
    assert_eq!((status, code), (400, -32602));
    for lacks in ["protocolVersion", "clientCapabilities"] {
        assert!(message.contains(lacks), "{message}");
    }
}

#[tokio::test]
async fn headers_that_say_something_else_than_the_body_are_refused() {
    let proxy = Setup::new().serve().await;
    let call = json!({"name": "logging_Write", "arguments": {"message": "x"}});
    let message = modern(1, "tools/call", call);
    for (version, method, name) in [
        (
            Some("2025-11-25"),
            Some("tools/call"),
            Some("logging_Write"),
        ),
        (None, Some("tools/call"), Some("logging_Write")),
        (Some(VERSION), Some("tools/list"), Some("logging_Write")),
        (Some(VERSION), Some("TOOLS/CALL"), Some("logging_Write")),
        (Some(VERSION), None, Some("logging_Write")),
        (Some(VERSION), Some("tools/call"), Some("http_GetRequestV2")),
        (Some(VERSION), Some("tools/call"), None),
    ] {
        let headers = [
            ("mcp-protocol-version", version),
            ("mcp-method", method),
            ("mcp-name", name),
        ];
        let sent = headers
            .iter()
            .filter_map(|(name, value)| Some((name, (*value)?)));
        let ask = sent.fold(proxy.mcp(&message), |ask, (name, value)| {
            ask.header(name, value)
        });
        let (status, code, message) = ask.send().await.fault();
        assert_eq!(
            (status, code),
            (400, -32020),
            "{version:?} {method:?} {name:?}: {message}"
        );
    }
    proxy.log_line(&["Listening"]).await;
    assert!(!proxy.log().contains("Call succeeded"), "{}", proxy.log());
}
