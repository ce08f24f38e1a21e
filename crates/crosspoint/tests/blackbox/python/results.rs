//! What a command returns or raises, as the engine gets it.

use http::Method;
use serde_json::{Value, json};

use super::support::{client, gallery};
use crate::harness::Answer;

async fn first(result: Value) -> Answer {
    let ask = gallery().await.do_("gallery/First").json(&result);
    ask.verbatim().send().await
}

#[tokio::test]
async fn a_result_of_version_1_is_the_answer_itself() {
    for (result, status, mimetype, text) in [
        (
            json!({"response": "just text", "status": 200, "mimetype": "text/plain"}),
            200,
            "text/plain",
            "just text",
        ),
        (
            json!({"response": "{\"n\": 1.50}", "status": 201, "mimetype": "application/json"}),
            201,
            "application/json",
            "{\"n\": 1.50}",
        ),
        (
            json!({"response": "<a/>", "status": "404", "mimetype": "application/xml"}),
            404,
            "application/xml",
            "<a/>",
        ),
        (
            json!({"response": "odd", "status": 799, "mimetype": "text/odd"}),
            799,
            "text/odd",
            "odd",
        ),
        (json!({"response": "Zoë"}), 200, "text/plain", "Zoë"),
        (json!({"response": ""}), 200, "text/plain", ""),
        (
            json!({"response": null, "status": 204}),
            204,
            "text/plain",
            "",
        ),
    ] {
        let answer = first(result.clone()).await;
        let kind = answer.header("content-type").to_owned();
        assert_eq!((answer.status, &*answer.text), (status, text), "{result}");
        if status != 204 {
            assert_eq!(kind.split(';').next(), Some(mimetype), "{result}");
        }
    }
}

#[tokio::test]
async fn a_dict_in_version_1_is_json() {
    let answer = first(json!({"response": {"b": [1.0, null], "a": "ü"}, "status": 200})).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.text, "{\"b\": [1.0, null], \"a\": \"\\u00fc\"}");
}

#[tokio::test]
async fn bytes_are_not_touched() {
    let url = gallery().await.url("/v1/do/gallery/Bytes");
    let request = client().request(Method::POST, url).body("{}");
    let request = request.header("content-type", "application/json");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-thing");
    assert_eq!(answer.bytes().await.unwrap(), &b"\x00\xff\xfe\n"[..]);
}

#[tokio::test]
async fn a_result_of_version_2_is_what_json_dumps_writes() {
    let ask = gallery().await.do_("gallery/Curious").json(&json!({}));
    let answer = ask.verbatim().send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.text,
        "{\"command_response_version\": 2, \
         \"zebra\": [1.0, 1e+100, 12345678901234567890123, \"\\u00e9\\u2028\", null, true], \
         \"command_response\": {\"body\": {\"b\": 1, \"a\": 2}, \
         \"mimetype\": \"application/json\", \"http_status\": 207}, \
         \"error\": null, \"spiff__logs\": [\"one\", {\"two\": 2}]}"
    );
}

#[tokio::test]
async fn a_result_of_version_2_with_an_error_keeps_the_outer_status_200() {
    let result = json!({
        "command_response": {"body": {}, "mimetype": "application/json", "http_status": 418},
        "command_response_version": 2,
        "error": {"error_code": "Teapot", "message": "short and stout"},
        "spiff__logs": [],
    });
    let arguments = json!({"result": result});
    let answer = gallery().await.call("gallery/Second", arguments).await;
    assert_eq!(answer.json(), result);
    assert_eq!(answer.failure(), (200, 418, "Teapot".to_owned()));
}

#[tokio::test]
async fn half_of_a_surrogate_pair_is_escaped_in_version_2() {
    let body = br#"{"value": "\ud800"}"#;
    let answer = gallery().await.raw_call("gallery/Echo", body).await;
    assert_eq!(answer.status, 200);
    for part in [r#""value": "\ud800""#, r#""repr": "'\\ud800'""#] {
        assert!(answer.body.contains(part), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_is_raised_is_the_code_and_the_message() {
    for early in [false, true] {
        let arguments = json!({"text": "out of \"paper\" ü", "early": early});
        let answer = gallery().await.call("gallery/Raise", arguments).await;
        assert_eq!(answer.status, 500);
        let error = json!({"error_code": "OutOfPaper", "message": "out of \"paper\" ü"});
        assert_eq!(answer.json()["error"], error, "early: {early}");
        assert!(!answer.text.contains("Traceback"), "{}", answer.text);
    }
}

#[tokio::test]
async fn an_unknown_command_is_not_found() {
    let answer = gallery().await.call("gallery/Simpel", json!({})).await;
    assert_eq!(
        (answer.status, answer.code()),
        (404, "command_not_found".to_owned())
    );
    assert!(answer.message().contains("Simple"), "{}", answer.message());
}
