//! Finding a request again: its id, its trace, its context.

use http::Method;
use serde_json::json;

use crate::harness::{Setup, Upstream, shared};

#[tokio::test]
async fn every_answer_has_an_id_that_is_found_in_the_log() {
    let setup = Setup::new().env("CROSSPOINT_LOG", "debug");
    let setup = setup.env("CONNECTOR_PROXY_API_KEY", "key-4711-key");
    let proxy = setup
        .env("CONNECTOR_PROXY_CORS_ORIGINS", "https://console.example")
        .serve()
        .await;
    let upstream = Upstream::echo().await;
    let url = json!({"url": upstream.url("/")});
    let keyed = |method, path| {
        proxy
            .ask(method, path)
            .header("spiff-connector-proxy-api-key", "key-4711-key")
    };
    let preflight = proxy.ask(Method::OPTIONS, "/v1/commands");
    let preflight = preflight.header("origin", "https://console.example");
    let asks = [
        keyed(Method::POST, "/v1/do/http/GetRequestV2").json(&url),
        keyed(Method::POST, "/v1/do/http/GetRequest")
            .json(&url)
            .verbatim(),
        keyed(Method::POST, "/v1/do/http/GetRequestV2").json(&json!({})),
        keyed(Method::POST, "/v1/do/http/GetRequestV2").body("nope"),
        keyed(Method::POST, "/v1/do/http/Nothing").json(&url),
        keyed(Method::POST, "/v1/do/http/GetRequestV2").header("content-type", "text/plain"),
        keyed(Method::GET, "/v1/commands"),
        keyed(Method::GET, "/nowhere"),
        keyed(Method::DELETE, "/v1/commands"),
        proxy.ask(Method::GET, "/v1/commands"),
        proxy.ask(Method::GET, "/liveness"),
        proxy.ask(Method::GET, "/docs"),
        preflight.header("access-control-request-method", "GET"),
    ];
    let mut ids = Vec::new();
    for ask in asks {
        ids.push(ask.send().await.header("x-request-id").to_owned());
    }
    for id in &ids {
        proxy.log_line(&[id]).await;
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 13);
}

#[tokio::test]
async fn the_callers_own_id_is_kept() {
    let proxy = Setup::new().serve().await;
    let ask = proxy
        .do_("http/GetRequestV2")
        .json(&json!({"url": "nowhere"}));
    let answer = ask.header("x-request-id", "engine-42:a.b_c").send().await;
    assert_eq!(answer.header("x-request-id"), "engine-42:a.b_c");
    let line = proxy.log_line(&["engine-42:a.b_c", "MissingSchema"]).await;
    assert!(line.contains("http/GetRequestV2"), "{line}");
}

#[tokio::test]
async fn an_id_that_could_forge_a_line_of_the_log_is_replaced() {
    for id in ["two words", "x\" request=forged", &"x".repeat(500), "<b>"] {
        let answer = shared()
            .await
            .ask(Method::GET, "/")
            .header("x-request-id", id)
            .send()
            .await;
        assert_ne!(answer.header("x-request-id"), id);
        assert!(answer.header("x-request-id").len() > 10);
    }
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn a_trace_goes_on_at_the_upstream() {
    let upstream = Upstream::echo().await;
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let ask = shared()
        .await
        .do_("http/GetRequestV2")
        .json(&json!({"url": upstream.url("/")}));
    let ask = ask
        .header("traceparent", &parent)
        .header("tracestate", "vendor=value");
    ask.send().await.success();
    let sent = upstream.last().header("traceparent").to_owned();
    let parts: Vec<_> = sent.split('-').collect();
    assert_eq!(
        (parts.len(), parts[0], parts[1], parts[3]),
        (4, "00", TRACE, "01"),
        "{sent}"
    );
    assert_ne!(
        parts[2], "00f067aa0ba902b7",
        "the proxy is a step of its own"
    );
    assert_eq!(upstream.last().header("tracestate"), "vendor=value");
}

#[tokio::test]
async fn what_is_no_trace_is_not_passed_on() {
    let upstream = Upstream::echo().await;
    for odd in [
        "nonsense",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-zz-yy-01",
    ] {
        let ask = shared()
            .await
            .do_("http/GetRequestV2")
            .json(&json!({"url": upstream.url("/")}));
        ask.header("traceparent", odd).send().await.success();
        assert_ne!(upstream.last().header("traceparent"), odd);
    }
}

#[tokio::test]
async fn context_of_the_engine_is_no_argument_and_never_reaches_the_upstream() {
    let upstream = Upstream::echo().await;
    for id in ["http/PostRequestV2", "http/PutRequest"] {
        let arguments = json!({
            "url": upstream.url("/"),
            "data": {"real": 1},
            "spiff__process_instance_id": 4711,
            "spiff__process_model_identifier": "canary/model",
            "spiff__task_id": "canary-task",
            "spiff__task_data": {"deep": ["canary"]},
            "spiff__callback_url": "http://127.0.0.1:1/canary",
            "spiff__something_new": "canary",
        });
        shared().await.call(id, arguments).await.success();
        let everything = upstream.last().everything();
        assert!(
            !everything.contains("canary") && !everything.contains("spiff"),
            "{everything}"
        );
        assert!(everything.contains(r#"{"real":1}"#), "{everything}");
    }
}

#[tokio::test]
async fn odd_context_is_passed_over() {
    let upstream = Upstream::echo().await;
    let arguments = json!({
        "url": upstream.url("/"),
        "spiff__process_instance_id": null,
        "spiff__task_id": {"not": "text"},
        "spiff__task_data": "not an object",
    });
    shared()
        .await
        .call("http/GetRequestV2", arguments)
        .await
        .success();
}
