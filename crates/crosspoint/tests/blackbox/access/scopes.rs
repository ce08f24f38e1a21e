//! Keys of the configuration with scopes and an end.

use http::Method;
use serde_json::{Value, json};

use super::{get, write, write_by_api};
use crate::harness::{Proxy, Setup};

const CONFIG: &str = r#"
[access]
api_keys = [
  { name = "all", key = "key-for-all" },
  { name = "engine", key = "key-of-engine", scopes = ["call", "ingress:spiff"] },
  { name = "other", key = "key-of-other", scopes = ["call"] },
  { name = "reader", key = "key-of-reader", scopes = ["read"] },
  { name = "writer", key = "key-of-writer", scopes = ["connector:log*"] },
  { name = "admin", key = "key-of-admin", scopes = ["administer"] },
  { name = "old", key = "key-of-old", expires = "2020-01-01" },
]
"#;

async fn proxy() -> Proxy {
    Setup::new().config(CONFIG).serve().await
}

#[tokio::test]
async fn a_key_calls_only_where_its_scopes_say_so() {
    let proxy = proxy().await;
    for (key, spiff, api) in [
        ("key-for-all", 200, 200),
        ("key-of-engine", 200, 403),
        ("key-of-other", 200, 200),
        ("key-of-reader", 403, 403),
        ("key-of-writer", 200, 200),
        ("key-of-admin", 403, 403),
        ("key-of-old", 401, 401),
    ] {
        let (by_spiff, by_api) = (write(&proxy, key).await, write_by_api(&proxy, key).await);
        assert_eq!((by_spiff.status, by_api.status), (spiff, api), "{key}");
    }
    let told = write(&proxy, "key-of-old").await.json();
    let told = told["error"].as_str().unwrap();
    assert!(told.contains("'old' has expired"), "{told}");
    let told = write(&proxy, "key-of-reader").await.json();
    let told = told["error"].as_str().unwrap();
    assert!(
        told.contains("it needs the scope call, and has read"),
        "{told}"
    );
}

#[tokio::test]
async fn what_may_be_seen_and_decided_follows_from_the_scopes() {
    let proxy = proxy().await;
    let id = write_by_api(&proxy, "key-of-other").await.id();
    proxy.log_line(&["Listening"]).await;
    let call = format!("/api/v1/calls/{id}");
    for (key, commands, calls, metrics, audit, one) in [
        ("key-for-all", 200, 200, 200, 200, 200),
        ("key-of-reader", 200, 200, 200, 403, 200),
        ("key-of-admin", 200, 200, 200, 200, 200),
        ("key-of-other", 200, 403, 403, 403, 200),
        ("key-of-engine", 403, 403, 403, 403, 403),
    ] {
        for (path, wanted) in [
            ("/api/v1/commands", commands),
            ("/api/v1/calls", calls),
            ("/metrics", metrics),
            ("/api/v1/audit", audit),
        ] {
            assert_eq!(get(&proxy, key, path).await.status, wanted, "{key} {path}");
        }
        // A row that nobody waits for is written a moment later.
        crate::harness::until(&format!("{key} sees it or not"), async || {
            get(&proxy, key, &call).await.status == one
        })
        .await;
    }
    let settle = proxy.ask(Method::POST, &format!("{call}/settle"));
    let settle = settle.json(&json!({"succeeded": true}));
    let settle = settle.header("authorization", "Bearer key-of-reader");
    assert_eq!(settle.send().await.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn a_key_for_some_connectors_sees_and_uses_no_other() {
    let proxy = proxy().await;
    let key = "key-of-writer";
    let connectors = |answer: Value, name: &str| {
        let list = answer.as_array().unwrap().clone();
        let of = |one: &Value| {
            one[name]
                .as_str()
                .unwrap()
                .split('/')
                .next()
                .unwrap()
                .to_owned()
        };
        list.iter()
            .map(of)
            .collect::<std::collections::BTreeSet<_>>()
    };
    for (path, name) in [
        ("/v1/commands", "id"),
        ("/api/v1/commands", "id"),
        ("/api/v1/connectors", "name"),
    ] {
        let seen = connectors(get(&proxy, key, path).await.json(), name);
        assert_eq!(seen, ["logging".to_owned()].into(), "{path}");
    }
    let call = json!({"command": "http/GetRequestV2", "arguments": {"url": "http://127.0.0.1:1/"}});
    let ask = proxy
        .asks(&call)
        .header("authorization", &format!("Bearer {key}"));
    assert_eq!(ask.send().await.problem(), (403, "forbidden".to_owned()));
    let ask = proxy.do_("http/GetRequestV2").json(&call["arguments"]);
    let refused = ask
        .header("spiff-connector-proxy-api-key", key)
        .send()
        .await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.text.contains("not good for the connector http"),
        "{}",
        refused.text
    );

    let foreign = write_by_api(&proxy, "key-for-all").await.id();
    assert_eq!(get(&proxy, key, "/api/v1/calls").await.status, 403);
    let list = get(&proxy, key, "/api/v1/calls?connector=logging").await;
    assert_eq!(list.status, 200);
    assert_eq!(
        get(&proxy, key, "/api/v1/calls?connector=http")
            .await
            .status,
        403
    );
    // It has no rights named, so it has all of them, for its connectors.
    crate::harness::until("a call of its connector", async || {
        get(&proxy, key, &format!("/api/v1/calls/{foreign}"))
            .await
            .status
            == 200
    })
    .await;
}

#[tokio::test]
async fn wrong_scopes_are_all_told_with_their_place() {
    let config = "[access]\napi_keys = [\n  { name = \"a\", key = \"k-4711-a\", scopes = [\"cal\", \
                  \"connector:a b\"] },\n  { name = \"b\", key = \"k-4711-b\", expires = \"soon\" },\n]\n";
    let ended = Setup::new().config(config).run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(2));
    for told in [
        "crosspoint.toml:3:",
        "'cal' is not a scope: did you mean call?",
        "'connector:a b' is not a scope",
        "crosspoint.toml:4:",
        "`soon` is neither a day nor a time",
    ] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
}
