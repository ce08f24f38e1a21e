//! What adapters return.

use serde_json::{Value, json};

use super::support::{adapter, run, serve_odd};
use crate::python::support::{serve, zoo};

#[tokio::test]
async fn case_16_every_kind_of_result_is_its_body() {
    let proxy = serve_odd("").await;
    for (code, body) in [
        ("result = {'a': [1, None]}", json!({"a": [1, null]})),
        ("result = None", Value::Null),
        ("result = [1, 'two']", json!([1, "two"])),
        ("result = 'text'", json!("text")),
        ("result = 2.5", json!(2.5)),
        ("result = ConnectorResult(data={'a': 1})", json!({"a": 1})),
        ("result = ConnectorResult()", Value::Null),
        (
            "result = {'response': 'no answer of SpiffArena', 'status': 500}",
            json!({"response": "no answer of SpiffArena", "status": 500}),
        ),
    ] {
        assert_eq!(run(&proxy, code).await.success(), body, "{code}");
    }
    let answer = run(
        &proxy,
        "result = ConnectorResult(data=1, meta={'next': 'abc', 'page': 2})",
    )
    .await;
    let headers = &answer.json()["command_response"]["headers"];
    assert_eq!(headers, &json!({"next": "abc", "page": "2"}));

    let failed = run(
        &proxy,
        "result = ConnectorResult('failed', {'why': 'x'}, {'m': 1})",
    )
    .await;
    assert_eq!(failed.code(), "ResultFailed");
    assert_eq!(
        failed.body(),
        json!({"data": {"why": "x"}, "meta": {"m": 1}})
    );
}

#[tokio::test]
async fn case_16_what_json_does_not_have_is_told_after_the_fact() {
    let proxy = serve_odd("").await;
    for (code, place) in [
        ("{'when': datetime.datetime.now()}", "when is a datetime"),
        ("b'bytes'", "it is a bytes"),
        ("{'deep': [{'set': {1}}]}", "deep[0].set is a set"),
        ("float('nan')", "it is nan"),
        ("ConnectorResult(data=object())", "it is an object"),
    ] {
        let answer = run(&proxy, &format!("note('done', '.'); result = {code}")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (200, "InvalidResult".into())
        );
        let message = answer.message();
        assert!(
            message.contains("did run") && message.contains(place),
            "{message}"
        );
    }
    // Each of them ran once.
    let done = std::fs::read_to_string(proxy.path().join("done")).unwrap();
    assert_eq!(done, ".....");
}

#[tokio::test]
async fn case_17_unicode_size_depth_and_large_numbers_come_back_as_they_went() {
    let proxy = serve_odd("").await;
    let mut deep = json!("bottom");
    for _ in 0..100 {
        deep = json!({"in": deep});
    }
    let payload = json!({
        "text": "Zoë 東京 \u{1f600} \u{0000} \"quoted\"",
        "large": "x".repeat(1 << 20),
        "deep": deep,
        "half": 0.1,
        "nothing": null,
        "": [[], {}],
    });
    let answer = proxy.call("odd/echo", payload.clone()).await;
    assert!(answer.success() == payload);
    // No number of Rust's holds it.
    let digits = "123456789012345678901234567890";
    let body = format!("{{\"n\": {digits}}}");
    let answer = proxy
        .do_("odd/echo")
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await;
    assert!(answer.text.contains(digits), "{}", answer.text);
}

#[tokio::test]
async fn case_18_what_is_printed_and_logged_is_the_log_and_never_the_answer() {
    let proxy = serve_odd("").await;
    let code = "print('{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}')\n\
                sys.stdout.write('half a line')\n\
                os.write(1, b'raw bytes\\n')\n\
                logging.getLogger('adapter').warning('a warning of %s', 'ours')\n\
                result = 'well'";
    assert_eq!(run(&proxy, code).await.success(), "well");
    proxy.log_line(&["a warning of ours"]).await;
    proxy.log_line(&["raw bytes"]).await;
    proxy.log_line(&["half a line"]).await;
    assert_eq!(run(&proxy, "result = 2").await.success(), 2);
}

#[tokio::test]
async fn a_result_of_an_adapter_like_the_source_is_unpacked() {
    let proxy = serve(&adapter("billing", zoo("adapters/source.py"))).await;
    let answer = proxy.call("billing/look", json!({"x": 1})).await;
    assert_eq!(answer.success()["action"], "look");
    assert_eq!(answer.json()["command_response"]["headers"]["page"], "2");
}
