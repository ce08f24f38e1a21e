//! The adapters that Django Automate brings, mounted on purpose.

use serde_json::json;

use super::support::adapter;
use crate::harness::{Reply, Upstream};
use crate::python::support::{ids, serve};

#[tokio::test]
async fn case_33_the_logging_adapter_echoes_any_action() {
    let config = adapter("notes", "automate_connectors.adapters.logging");
    let proxy = serve(&config).await;
    let payload = json!({"x": [1, {"y": null}]});
    let arguments = json!({"action": "whatever it is", "payload": payload});
    let answer = proxy.call("notes/execute", arguments).await;
    assert_eq!(answer.success(), json!({"logged": true, "input": payload}));
    proxy.log_line(&["whatever it is"]).await;
    // Ours of that name stays.
    assert!(!ids(&proxy, "logging/").await.is_empty());
}

#[tokio::test]
async fn case_34_the_slack_adapter_speaks_to_slack_with_the_token_of_its_profile() {
    let upstream = Upstream::start(|seen| match seen.target.as_str() {
        "/api/chat.postMessage" => Reply::json("{\"ok\": true, \"ts\": \"1.2\"}"),
        _ => Reply::json("{\"ok\": true}"),
    })
    .await;
    let config = adapter("team", "automate_connectors.adapters.slack")
        + &format!(
            "[connectors.team.profiles.p]\nsecrets = {{ token = \"xoxb-canary\" }}\nsettings = {{ api_url = {:?} }}\n",
            upstream.url("/api")
        );
    let proxy = serve(&config).await;
    let answer = proxy
        .call(
            "team/send_message",
            json!({"channel": "c", "message": "hi"}),
        )
        .await;
    assert_eq!(answer.success()["ts"], "1.2");
    let missing = proxy
        .call("team/send_message", json!({"message": "hi"}))
        .await;
    assert_eq!(missing.status, 400);
    assert!(
        ids(&proxy, "slack/")
            .await
            .contains(&"slack/PostMessage".to_owned())
    );
}

#[tokio::test]
async fn one_takes_the_place_of_ours_where_its_table_has_that_name() {
    let proxy = serve(&adapter("logging", "automate_connectors.adapters.logging")).await;
    assert_eq!(ids(&proxy, "logging/").await, ["logging/execute"]);
}
