//! Tools that come and go.

use std::fs;

use http::Method;
use serde_json::{Value, json};

use super::modern::{self, modern};
use super::{Events, request};
use crate::harness::{Proxy, Setup};

const BEFORE: &str = "builtin = [\"logging\"]\n";
const AFTER: &str = "builtin = [\"logging\", \"http\"]\n";

async fn proxy() -> Proxy {
    Setup::new().config(BEFORE).serve().await
}

/// Reloads with another configuration.
async fn reload(proxy: &Proxy, config: &str) {
    fs::write(proxy.path().join("crosspoint.toml"), config).unwrap();
    let ended = proxy.run(&["reload"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

async fn listen(proxy: &Proxy, session: &str) -> Events {
    let ask = proxy.ask(Method::GET, "/mcp").verbatim();
    let ask = ask.header("accept", "text/event-stream");
    Events::of(ask.header("mcp-session-id", session)).await
}

#[tokio::test]
async fn a_session_outlives_a_reload_and_is_told_that_the_tools_have_changed() {
    let proxy = proxy().await;
    let session = proxy.session("2025-11-25").await;
    let mut events = listen(&proxy, &session).await;
    assert_eq!(proxy.tool_names().await, ["logging_Trace", "logging_Write"]);
    // Nothing is told where nothing is different.
    reload(&proxy, &format!("{BEFORE}max_body = \"1MiB\"\n")).await;
    reload(&proxy, AFTER).await;
    let told = events.next().await.unwrap();
    let expected = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    assert_eq!(told, expected);
    let list = proxy.mcp(&request(1, "tools/list", json!({})));
    let list = list
        .header("mcp-session-id", &session)
        .send()
        .await
        .result();
    assert!(super::names(&list).len() > 2);
    reload(&proxy, &format!("{AFTER}[mcp]\nserve = [\"http.*\"]\n")).await;
    assert_eq!(events.next().await.unwrap(), expected);
    proxy.terminate();
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn who_subscribes_is_told_what_will_be_told_each_change_and_the_end() {
    let proxy = proxy().await;
    let listen = |id: u64, wanted: Value| {
        let params = json!({"notifications": wanted});
        modern::ask(&proxy, &modern(id, "subscriptions/listen", params))
    };
    let mut tools = Events::of(listen(5, json!({"toolsListChanged": true}))).await;
    let mut prompts = Events::of(listen(6, json!({"promptsListChanged": true}))).await;
    let of = |id: u64| json!({"io.modelcontextprotocol/subscriptionId": id});
    let told = tools.next().await.unwrap();
    assert_eq!(told["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(
        told["params"],
        json!({"_meta": of(5), "notifications": {"toolsListChanged": true}})
    );
    let told = prompts.next().await.unwrap();
    assert_eq!(told["params"], json!({"_meta": of(6), "notifications": {}}));
    reload(&proxy, AFTER).await;
    let told = tools.next().await.unwrap();
    assert_eq!(told["method"], "notifications/tools/list_changed");
    assert_eq!(told["params"]["_meta"], of(5));
    proxy.terminate();
    for (events, id) in [(&mut tools, 5), (&mut prompts, 6)] {
        let last = events.next().await.unwrap();
        assert_eq!(
            (&last["id"], &last["result"]["resultType"]),
            (&json!(id), &json!("complete"))
        );
        assert_eq!(events.next().await, None);
    }
}

#[tokio::test]
async fn a_key_is_told_of_nothing_that_it_does_not_see() {
    let keys = "[access]\napi_keys = [{ name = \"w\", key = \"key-of-writer\", scopes = [\"connector:logging\"] }]\n";
    let proxy = Setup::new()
        .config(&format!("{BEFORE}{keys}"))
        .serve()
        .await;
    let ask = proxy.mcp(&super::greeting("2025-11-25"));
    let opened = ask
        .header("authorization", "Bearer key-of-writer")
        .send()
        .await;
    let session = opened.header("mcp-session-id");
    let ask = proxy.ask(Method::GET, "/mcp").verbatim();
    let ask = ask
        .header("accept", "text/event-stream")
        .header("mcp-session-id", session);
    let mut events = Events::of(ask.header("authorization", "Bearer key-of-writer")).await;
    reload(&proxy, &format!("{AFTER}{keys}")).await;
    reload(&proxy, &format!("builtin = [\"http\"]\n{keys}")).await;
    // One message for two changes: the first was of another connector.
    assert!(events.next().await.is_some());
    proxy.terminate();
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn what_the_default_profile_supplies_is_not_asked_for_from_the_moment_it_is_there() {
    let proxy = Setup::new().config("builtin = [\"slack\"]").serve().await;
    let session = proxy.session("2025-11-25").await;
    let mut events = listen(&proxy, &session).await;
    let required = async || {
        let list = proxy.result_of(&request(1, "tools/list", json!({}))).await;
        let tools = list["tools"].as_array().unwrap().iter();
        let post = tools
            .clone()
            .find(|tool| tool["name"] == "slack_PostMessage");
        post.unwrap()["inputSchema"]["required"].clone()
    };
    let names = required().await;
    assert!(
        names.as_array().unwrap().contains(&json!("token")),
        "{names}"
    );
    let set = ["profile", "set", "slack/ops", "--secret", "token"];
    let ended = proxy.setup().run_with(&set, "xoxb-4711-of-the-tests").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(events.next().await.is_some());
    let names = required().await;
    assert!(
        !names.as_array().unwrap().contains(&json!("token")),
        "{names}"
    );
}
