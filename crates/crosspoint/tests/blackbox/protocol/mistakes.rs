//! Calls that name the wrong command or have the wrong parameters.

use serde_json::json;

use crate::harness::{Upstream, shared};

#[tokio::test]
async fn an_unknown_command_is_404_and_the_nearest_ones_are_named() {
    let proxy = shared().await;
    for (id, near) in [
        ("http/GetRequestV3", "http/GetRequestV2"),
        ("http/getrequestv2", "http/GetRequestV2"),
        ("http/PotsRequest", "http/PostRequest"),
        ("htpp/GetRequest", "http"),
        ("zzzz/Send", "http"),
    ] {
        let answer = proxy.call(id, json!({})).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "command_not_found"),
            "{id}"
        );
        assert!(
            answer.message().contains(near),
            "{id}: {}",
            answer.message()
        );
    }
}

#[tokio::test]
async fn a_long_or_odd_name_is_quoted_short_and_harmless() {
    let proxy = shared().await;
    for id in [
        format!("http/{}", "x".repeat(5000)),
        format!("{}/Get", "y".repeat(5000)),
        "a%2Fb/c%0Ad".to_owned(),
        "%3Cscript%3E/%22".to_owned(),
    ] {
        let answer = proxy.call(&id, json!({})).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "command_not_found"),
            "{id}"
        );
        let message = answer.message();
        assert!(message.len() < 500 && !message.contains('\n'), "{message}");
    }
}

#[tokio::test]
async fn all_mistakes_are_named_in_one_message() {
    let arguments = json!({
        "hedaers": {"a": "hunter2"},
        "params": 5,
        "attempts": "hunter2",
        "basic_auth_username": ["hunter2"],
        "nonsense": "hunter2",
    });
    let answer = shared().await.call("http/GetRequestV2", arguments).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "TypeError"));
    let message = answer.message();
    for part in [
        "GetRequestV2",
        "missing parameter 'url'",
        "unknown parameter 'hedaers' (did you mean 'headers'?)",
        "'params' must be an object",
        "'attempts' must be an integer",
        "'basic_auth_username' must be text",
        "unknown parameter 'nonsense'",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert!(!message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn a_required_parameter_may_not_be_null() {
    let answer = shared()
        .await
        .call("http/GetRequestV2", json!({"url": null}))
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "TypeError"));
    assert!(answer.message().contains("'url'"), "{}", answer.message());
}

#[tokio::test]
async fn a_parameter_of_some_choices_names_them() {
    let arguments = json!({"url": "http://127.0.0.1/", "body_format": "yaml"});
    let answer = shared().await.call("http/PutRequest", arguments).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "TypeError"));
    for choice in ["json", "form", "raw", "none"] {
        assert!(answer.message().contains(choice), "{}", answer.message());
    }
}

#[tokio::test]
async fn text_that_is_not_unicode_is_a_mistake() {
    let body = r#"{"url": "http://127.0.0.1/\ud800"}"#;
    let answer = shared()
        .await
        .do_("http/GetRequestV2")
        .body(body)
        .send()
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "TypeError"));
}

#[tokio::test]
async fn what_real_diagrams_send_is_understood() {
    let upstream = Upstream::echo().await;
    let arguments = json!({
        "url": upstream.url("/"),
        "headers": r#"{"x-from": "text"}"#,
        "params": "",
        "basic_auth_username": 12345,
        "basic_auth_password": "",
        "attempts": "1",
    });
    let body = shared()
        .await
        .call("http/GetRequestV2", arguments)
        .await
        .success();
    assert_eq!(body["headers"]["x-from"], "text");
    assert_eq!(body["headers"]["authorization"], "Basic MTIzNDU6");
    let arguments = json!({"url": upstream.url("/"), "headers": null, "data": r#"{"a": 1}"#});
    let body = shared()
        .await
        .call("http/PutRequestV2", arguments)
        .await
        .success();
    assert_eq!(body["body"], r#"{"a": 1}"#);
    let arguments = json!({
        "url": upstream.url("/"),
        "data": {"a": 1},
        "include_response_headers": "false",
        "body_format": "",
    });
    let body = shared()
        .await
        .call("http/PutRequest", arguments)
        .await
        .success();
    assert_eq!(body["body"], r#"{"a":1}"#);
}
