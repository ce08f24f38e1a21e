//! Requests that are not what the API takes, and who may ask.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Effects, Setup, shared};

fn pointers(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().unwrap().iter();
    errors
        .map(|error| error["pointer"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn all_mistakes_of_a_request_are_told_at_once() {
    let proxy = shared().await;
    let call = json!({"command": 5, "argument": {}, "wait": "no", "idempotency_key": "\u{e4}"});
    let answer = proxy.asks(&call).send().await;
    assert_eq!(answer.problem(), (400, "invalid_request".to_owned()));
    let wanted = ["/argument", "/command", "/idempotency_key", "/wait"];
    assert_eq!(pointers(&answer.json()), wanted);
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean 'arguments'?")
    );
}

#[tokio::test]
async fn all_mistakes_of_arguments_are_told_at_once_and_none_by_its_value() {
    let proxy = shared().await;
    let arguments = json!({"headers": "hunter2", "ulr": "hunter2", "a/b~c": 1});
    let answer = proxy.api("http/GetRequestV2", arguments).await;
    assert_eq!(answer.problem(), (400, "invalid_arguments".to_owned()));
    let mut found = answer.json();
    let wanted = [
        "/arguments/url",
        "/arguments/headers",
        "/arguments/ulr",
        "/arguments/a~1b~0c",
    ];
    assert_eq!(pointers(&found), wanted);
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    found["errors"].take();
}

#[tokio::test]
async fn bodies_that_are_none_are_told_apart() {
    let proxy = shared().await;
    let deep = format!(
        r#"{{"command": "a/B", "arguments": {}1{}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ("null", 400),
        (r#"{"command": "http/GetRequestV2", "arguments": []}"#, 400),
        (r#"{"command": "\ud800"}"#, 400),
        (&*deep, 400),
        (r#"{"command": "a/B"}"#, 404),
    ] {
        let ask = proxy
            .ask(Method::POST, "/api/v1/calls")
            .body(body.to_owned());
        let answer = ask.header("content-type", "application/json").send().await;
        assert_eq!(answer.status, status, "{body} {}", answer.text);
    }
    // A page of somebody else's could send these without being asked.
    for mimetype in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let mut ask = proxy.ask(Method::POST, "/api/v1/calls");
        if let Some(mimetype) = mimetype {
            ask = ask.header("content-type", mimetype);
        }
        let answer = ask.body(r#"{"command": "http/GetRequestV2"}"#).send().await;
        assert_eq!(answer.problem(), (415, "unsupported_media_type".to_owned()));
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let proxy = Setup::new().config("max_body = \"1KiB\"\n").serve().await;
    let call = json!({"command": "http/GetRequestV2", "arguments": {"url": "x".repeat(2000)}});
    let answer = proxy.asks(&call).send().await;
    assert_eq!(answer.problem(), (413, "request_too_large".to_owned()));
}

#[tokio::test]
async fn keys_that_contradict_each_other_are_refused() {
    let proxy = shared().await;
    let call = json!({"command": "http/GetRequestV2", "idempotency_key": "one"});
    let ask = proxy.asks(&call).header("idempotency-key", "two");
    let answer = ask.send().await;
    assert_eq!(answer.problem(), (400, "invalid_request".to_owned()));
    assert_eq!(pointers(&answer.json()), ["/idempotency_key"]);
    let call = json!({"command": "http/GetRequestV2"});
    let ask = proxy.asks(&call).header("idempotency-key", "one");
    let answer = ask.header("idempotency-key", "two").send().await;
    assert_eq!(answer.json()["errors"][0]["header"], "Idempotency-Key");
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_done_is_a_problem() {
    let proxy = shared().await;
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/calls",
        "/api/v1/calls/a/b",
    ] {
        let answer = proxy.get(path).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{path}");
    }
    for (method, path, allow) in [
        (Method::PUT, "/api/v1/calls", "POST"),
        (Method::POST, "/api/v1/commands", "GET"),
        (Method::GET, "/api/v1/calls/x/replay", "POST"),
        (Method::DELETE, "/api/v1/calls/x", "GET"),
    ] {
        let answer = proxy.ask(method, path).send().await;
        assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()));
        assert!(answer.header("allow").contains(allow), "{answer:?}");
    }
}

#[tokio::test]
async fn the_same_keys_and_hosts_count_as_for_engines() {
    let effects = Effects::start().await;
    let config = "[access]\napi_keys = [{ name = \"shop\", key = \"shop-key-4711\" }]\n";
    let proxy = Setup::new().config(config).serve().await;
    let call = json!({"command": "http/PostRequestV2", "arguments": effects.arguments("pay")});
    assert_eq!(
        proxy.asks(&call).send().await.problem(),
        (401, "unauthorized".to_owned())
    );
    for path in [
        "/api/v1/commands",
        "/api/v1/connectors",
        "/api/v1/calls",
        "/api/v1/calls/events",
    ] {
        assert_eq!(
            proxy.get(path).await.problem(),
            (401, "unauthorized".to_owned()),
            "{path}"
        );
    }
    assert_eq!(effects.of("pay"), 0);
    for (name, value) in [
        ("authorization", "Bearer shop-key-4711"),
        ("spiff-connector-proxy-api-key", "shop-key-4711"),
    ] {
        let answer = proxy.asks(&call).header(name, value).send().await;
        answer.brought();
        let row = proxy.row_in(&answer.id(), "succeeded").await;
        assert_eq!(
            (row.caller.as_deref(), &*row.ingress),
            (Some("shop"), "api")
        );
    }
    let open = shared().await;
    let answer = open
        .with_host("/api/v1/commands", Some("evil.example"))
        .await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (403, &json!("forbidden"))
    );
}
