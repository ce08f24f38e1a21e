//! What really goes out.

use serde_json::{Value, json};

use crate::harness::{Reply, Seen, Upstream, shared};

/// What the upstream got of a call that it echoed.
async fn sent(id: &str, mut arguments: Value) -> Seen {
    let upstream = Upstream::echo().await;
    let path = arguments
        .get("url")
        .and_then(Value::as_str)
        .unwrap_or("/")
        .to_owned();
    arguments["url"] = upstream.url(&path).into();
    shared()
        .await
        .do_(id)
        .json(&arguments)
        .verbatim()
        .send()
        .await;
    upstream.last()
}

#[tokio::test]
async fn each_command_sends_its_method() {
    for (id, method) in [
        ("GetRequest", "GET"),
        ("PostRequest", "POST"),
        ("GetRequestV2", "GET"),
        ("HeadRequestV2", "HEAD"),
        ("DeleteRequestV2", "DELETE"),
        ("PatchRequestV2", "PATCH"),
        ("PostRequestV2", "POST"),
        ("PutRequestV2", "PUT"),
        ("HeadRequest", "HEAD"),
        ("DeleteRequest", "DELETE"),
        ("PatchRequest", "PATCH"),
        ("PutRequest", "PUT"),
    ] {
        assert_eq!(
            sent(&format!("http/{id}"), json!({})).await.method,
            method,
            "{id}"
        );
    }
}

#[tokio::test]
async fn headers_are_sent_and_replace_ours() {
    let headers = json!({"X-Text": "a b", "X-Number": 5, "X-True": true, "X-Null": null,
                         "User-Agent": "mine", "Accept": "text/csv", "X-Utf8": "Zoë"});
    for id in [
        "http/GetRequest",
        "http/GetRequestV2",
        "http/PutRequestV2",
        "http/PatchRequest",
    ] {
        let seen = sent(id, json!({"headers": headers})).await;
        let got = ["x-text", "x-number", "user-agent", "accept", "x-utf8"].map(|n| seen.header(n));
        assert_eq!(got, ["a b", "5", "mine", "text/csv", "Zoë"], "{id}");
        assert!(
            seen.headers.iter().all(|(name, _)| name != "x-null"),
            "{id}"
        );
    }
}

#[tokio::test]
async fn what_would_break_the_framing_is_not_taken_from_the_headers() {
    let headers = json!({"Content-Length": "3", "Transfer-Encoding": "chunked"});
    let seen = sent(
        "http/PostRequestV2",
        json!({"headers": headers, "data": {"a": 1}}),
    )
    .await;
    assert_eq!(
        (
            seen.header("content-length"),
            seen.header("transfer-encoding")
        ),
        ("7", "")
    );
    assert_eq!(seen.text(), r#"{"a":1}"#);
}

#[tokio::test]
async fn params_join_the_query_that_is_there() {
    let params =
        json!({"a": "b c", "list": [1, "two", null], "flag": true, "none": null, "ä": "&"});
    let seen = sent(
        "http/GetRequestV2",
        json!({"url": "/p?x=1", "params": params}),
    )
    .await;
    assert_eq!(
        seen.target,
        "/p?x=1&a=b+c&list=1&list=two&flag=True&%C3%A4=%26"
    );
    let seen = sent("http/HeadRequest", json!({"params": {"flag": true}})).await;
    assert_eq!(seen.target, "/?flag=true");
    let seen = sent("http/DeleteRequestV2", json!({"params": {"n": 1.50}})).await;
    assert_eq!(seen.target, "/?n=1.5");
}

#[tokio::test]
async fn basic_authentication_is_sent() {
    let login = json!({"basic_auth_username": "Aladdin", "basic_auth_password": "open sesame"});
    for id in [
        "http/GetRequest",
        "http/PostRequest",
        "http/GetRequestV2",
        "http/DeleteRequestV2",
        "http/PutRequest",
    ] {
        let seen = sent(id, login.clone()).await;
        assert_eq!(
            seen.header("authorization"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "{id}"
        );
    }
    let seen = sent("http/GetRequestV2", json!({"basic_auth_password": "alone"})).await;
    assert_eq!(seen.header("authorization"), "");
}

#[tokio::test]
async fn user_and_password_of_the_url_are_sent_as_basic_authentication() {
    let upstream = Upstream::echo().await;
    let url = format!("http://Aladdin:open%20sesame@{}/x", upstream.address);
    shared()
        .await
        .call("http/GetRequestV2", json!({"url": url}))
        .await
        .success();
    let seen = upstream.last();
    assert_eq!(
        seen.header("authorization"),
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    );
    assert_eq!(
        (seen.target.as_str(), seen.header("host")),
        ("/x", &*upstream.address.to_string())
    );
}

#[tokio::test]
async fn data_is_sent_as_json_just_as_it_was_spelled() {
    let upstream = Upstream::echo().await;
    let data = r#"{"n": 1.50, "n": 2e3,  "text": "\u00e9"}"#;
    for id in [
        "PostRequest",
        "PostRequestV2",
        "PutRequestV2",
        "PatchRequestV2",
        "DeleteRequestV2",
        "PutRequest",
    ] {
        let body = format!(r#"{{"data": {data}, "url": "{}"}}"#, upstream.url("/"));
        let ask = shared()
            .await
            .do_(&format!("http/{id}"))
            .body(body)
            .verbatim();
        assert_eq!(ask.send().await.status, 200);
        let seen = upstream.last();
        assert_eq!(
            (seen.text().as_str(), seen.header("content-type")),
            (data, "application/json"),
            "{id}"
        );
    }
}

#[tokio::test]
async fn absent_data_is_an_empty_object_or_nothing_as_in_the_packages() {
    for id in ["PostRequestV2", "PutRequestV2", "PatchRequestV2"] {
        assert_eq!(
            sent(&format!("http/{id}"), json!({})).await.text(),
            "{}",
            "{id}"
        );
    }
    for id in [
        "PostRequest",
        "DeleteRequestV2",
        "PutRequest",
        "DeleteRequest",
    ] {
        let seen = sent(&format!("http/{id}"), json!({})).await;
        assert_eq!(
            (seen.text().as_str(), seen.header("content-type")),
            ("", ""),
            "{id}"
        );
    }
}

#[tokio::test]
async fn json_text_for_data_is_taken_as_the_json_that_is_meant() {
    let seen = sent("http/PostRequestV2", json!({"data": r#" {"a": 1.50} "#})).await;
    assert_eq!(seen.json(), json!({"a": 1.50}));
    let seen = sent("http/PostRequestV2", json!({"data": "plain"})).await;
    assert_eq!(seen.text(), r#""plain""#);
    let seen = sent("http/PostRequestV2", json!({"data": [1, {"b": null}]})).await;
    assert_eq!(seen.text(), r#"[1,{"b":null}]"#);
}

#[tokio::test]
async fn a_content_type_of_the_call_is_kept() {
    let arguments = json!({"headers": {"Content-Type": "application/vnd.x+json"}, "data": {}});
    for id in ["http/PostRequestV2", "http/PutRequest"] {
        let seen = sent(id, arguments.clone()).await;
        assert_eq!(
            seen.header("content-type"),
            "application/vnd.x+json",
            "{id}"
        );
    }
}

#[tokio::test]
async fn the_newer_family_sends_bodies_in_four_formats() {
    let data = json!({"a b": "c&d", "n": [1, 2]});
    for (format, body, mimetype) in [
        ("json", r#"{"a b":"c&d","n":[1,2]}"#, "application/json"),
        (
            "form",
            "a+b=c%26d&n=1&n=2",
            "application/x-www-form-urlencoded",
        ),
        ("raw", r#"{"a b":"c&d","n":[1,2]}"#, ""),
        ("none", "", ""),
    ] {
        let seen = sent(
            "http/PatchRequest",
            json!({"data": data, "body_format": format}),
        )
        .await;
        assert_eq!(
            (seen.text().as_str(), seen.header("content-type")),
            (body, mimetype),
            "{format}"
        );
    }
    let seen = sent(
        "http/PutRequest",
        json!({"data": "as it is: é", "body_format": "raw"}),
    )
    .await;
    assert_eq!(seen.text(), "as it is: é");
}

#[tokio::test]
async fn the_answers_headers_are_part_of_the_result_when_asked_for() {
    let upstream = Upstream::start(|_| {
        Reply::json("{}")
            .header("x-one", "1")
            .header("Set-Cookie", "a=1")
            .header("Set-Cookie", "b=2")
    })
    .await;
    let call = async |include: bool| {
        let arguments = json!({"url": upstream.url("/"), "include_response_headers": include});
        let answer = shared().await.call("http/PutRequest", arguments).await;
        answer.json()["command_response"]["headers"].clone()
    };
    let headers = call(true).await;
    assert_eq!(
        (&headers["x-one"], &headers["content-type"]),
        (&json!("1"), &json!("application/json"))
    );
    assert_eq!(headers["set-cookie"], json!("a=1, b=2"));
    assert_eq!(call(false).await, json!({}));
}
