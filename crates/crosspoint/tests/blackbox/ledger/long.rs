//! Long calls: answered 202, and later by a PUT to the engine's callback URL.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Answer, Effects, Engine, Gate, Proxy, Reply, Seen, Setup, Upstream};
use crate::python::support::{connector, serve, zoo};

pub const TOKEN: &str = "t0ken-of-the-engine-4711";

/// A configuration in which calls of `http` with a callback URL are long after this time.
pub fn config(engine: &Engine, async_after: &str) -> String {
    let origin = engine.origin();
    format!(
        "[connectors.http.policy]\nasync_after = \"{async_after}\"\n\
         [spiff]\nengine_url = \"{origin}\"\ncallback_token = \"{TOKEN}\"\n"
    )
}

/// Arguments with a place for the result.
pub fn with_callback(mut arguments: Value, url: &str) -> Value {
    arguments["spiff__callback_url"] = url.into();
    arguments
}

/// A long call that is called like this.
pub async fn begin(proxy: &Proxy, request: &str, command: &str, arguments: Value) -> Answer {
    let ask = proxy.do_(command).json(&arguments);
    ask.header("x-request-id", request).send().await
}

/// Fails unless an answer only says that another one follows.
pub fn accepted(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.code().as_str(), answer.body()),
        (202, "", json!({})),
        "{}",
        answer.text
    );
}

/// Fails unless the engine got a success as the answer of no call would be.
fn as_agreed(seen: &Seen, token: Option<&str>) {
    assert_eq!(seen.method, "PUT");
    assert_eq!(seen.header("content-type"), "application/json");
    let authorization = token.map(|token| format!("Bearer {token}"));
    assert_eq!(
        seen.header("authorization"),
        authorization.unwrap_or_default()
    );
}

#[tokio::test]
async fn the_answer_is_202_and_the_result_a_put_to_the_callback_url() {
    let engine = Engine::start().await;
    let effects = Effects::start().await;
    let with_token = config(&engine, "0s");
    let without = "[connectors.http.policy]\nasync_after = \"0s\"\n";
    // Without an address of the engine, it is on this machine.
    for (config, token) in [(&*with_token, Some(TOKEN)), (without, None)] {
        let proxy = Setup::new().config(config).serve().await;
        let url = engine.callback([]);
        let id = format!("pay-{}", token.is_some());
        let arguments = with_callback(effects.arguments(&id), &url);
        accepted(&begin(&proxy, "request", "http/PostRequestV2", arguments).await);
        let put = engine.result(&url).await;
        as_agreed(&put.seen, token);
        assert_eq!(put.success(), json!({"id": id, "effect": 1}));
        let response = &put.envelope()["command_response"];
        assert_eq!(response["http_status"], 200);
        assert_eq!(response["mimetype"], "application/json");
        let row = proxy.row_in("request", "delivered").await;
        assert_eq!(row.callback.as_deref(), Some(&*url));
        assert_eq!((row.attempts, row.deliveries), (1, Some(1)));
        assert_eq!((row.code, row.delivery_error), (None, None));
        assert!(row.replayable && row.result_kept);
        assert_eq!(engine.puts(&url).len(), 1);
        let count = "crosspoint_callbacks_total{outcome=\"delivered\"}";
        proxy.counts(count, 1.0).await;
    }
}

#[tokio::test]
async fn a_failure_is_delivered_as_an_envelope_with_an_error() {
    let engine = Engine::start().await;
    let proxy = Setup::new().config(&config(&engine, "0s")).serve().await;
    let upstream = Upstream::start(|seen| match &*seen.target {
        "/gone" => Reply::status(404)
            .header("content-type", "application/json")
            .body(r#"{"why": "gone"}"#),
        "/fails" => Reply::status(500).body("out of order"),
        _ => Reply::json("{\"a\": "),
    })
    .await;
    let (_kept, closed) = crate::harness::closed_port();
    let calls = [
        ("gone", upstream.url("/gone"), "HttpError404", 404),
        ("fails", upstream.url("/fails"), "HttpError500", 500),
        ("lies", upstream.url("/lies"), "JSONDecodeError", 200),
        (
            "closed",
            format!("http://{closed}/"),
            "ConnectionError",
            500,
        ),
    ];
    let mut urls = Vec::new();
    for (name, target, ..) in &calls {
        let url = engine.callback([]);
        let arguments = with_callback(json!({"url": target}), &url);
        accepted(&begin(&proxy, name, "http/GetRequestV2", arguments).await);
        urls.push(url);
    }
    for ((name, _, code, status), url) in calls.into_iter().zip(urls) {
        let put = engine.result(&url).await;
        as_agreed(&put.seen, Some(TOKEN));
        assert_eq!(put.code(), code, "{name}");
        let response = &put.envelope()["command_response"];
        if code != "JSONDecodeError" {
            assert_eq!(response["http_status"], status, "{name}");
        }
        if name == "gone" {
            assert_eq!(response["body"], json!({"why": "gone"}));
        }
        let row = proxy.row_in(name, "delivered").await;
        assert_eq!(row.code.as_deref(), Some(code), "{name}");
    }
}

#[tokio::test]
async fn a_mistake_is_told_at_once() {
    let engine = Engine::start().await;
    let proxy = Setup::new().config(&config(&engine, "0s")).serve().await;
    let url = engine.callback([]);
    for (command, arguments, status) in [
        ("http/GetRequestV2", json!({"nonsense": 1}), 400),
        ("http/Nothing", json!({}), 404),
    ] {
        let answer = begin(&proxy, "bad", command, with_callback(arguments, &url)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let arguments = with_callback(json!({"url": engine.origin()}), &engine.callback([]));
    accepted(&begin(&proxy, "good", "http/GetRequestV2", arguments).await);
    proxy.row_in("good", "delivered").await;
    assert!(engine.puts(&url).is_empty());
}

#[tokio::test]
async fn a_call_is_long_from_the_time_on_that_is_configured() {
    let engine = Engine::start().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| match id {
        "slow" => Effects::usual(seen, id, n).behind(&shut),
        _ => Effects::usual(seen, id, n),
    })
    .await;
    let url = engine.callback([]);
    let soon = Setup::new().config(&config(&engine, "300ms")).serve().await;
    let arguments = with_callback(effects.arguments("slow"), &url);
    accepted(&begin(&soon, "slow", "http/PostRequestV2", arguments).await);
    assert_eq!(effects.of("slow"), 1);
    assert!(engine.puts(&url).is_empty());
    soon.row_in("slow", "running").await;
    gate.open();
    let put = engine.result(&url).await;
    assert_eq!(put.success(), json!({"id": "slow", "effect": 1}));
    soon.row_in("slow", "delivered").await;
    assert_eq!(effects.of("slow"), 1);

    let late = Setup::new().config(&config(&engine, "30s")).serve().await;
    let url = engine.callback([]);
    let arguments = with_callback(effects.arguments("fast"), &url);
    let answer = begin(&late, "fast", "http/PostRequestV2", arguments).await;
    assert_eq!(answer.success(), json!({"id": "fast", "effect": 1}));
    late.row_in("fast", "succeeded").await;
    assert!(engine.puts(&url).is_empty());
}

#[tokio::test]
async fn a_callback_url_of_another_origin_is_not_used_and_that_is_said() {
    let engine = Engine::start().await;
    let stranger = Upstream::echo().await;
    let upstream = Upstream::start(|_| Reply::json(r#"{"at": "once"}"#)).await;
    let port = engine.origin().rsplit(':').next().unwrap().to_owned();
    let engines = config(&engine, "0s");
    let default = "[connectors.http.policy]\nasync_after = \"0s\"\n";
    let foreign = [
        (&*engines, stranger.url("/callback")),
        (&*engines, format!("https://127.0.0.1:{port}/callback")),
        (
            &*engines,
            format!("http://localhost.example:{port}/callback"),
        ),
        (
            &*engines,
            format!("http://127.0.0.1:{port}@192.0.2.1/callback"),
        ),
        (&*engines, "file:///etc/passwd".to_owned()),
        (&*engines, "no address".to_owned()),
        (default, "http://192.0.2.1/callback".to_owned()),
        (default, format!("http://127.0.0.1.example:{port}/callback")),
    ];
    for (config, url) in foreign {
        let proxy = Setup::new().config(config).serve().await;
        let arguments = with_callback(json!({"url": upstream.url("/")}), &url);
        let answer = begin(&proxy, "request", "http/GetRequestV2", arguments).await;
        assert_eq!(answer.success(), json!({"at": "once"}), "{url}");
        let line = proxy.log_line(&["WARN", "callback"]).await;
        assert!(!line.contains(TOKEN), "{line}");
        proxy.row_in("request", "succeeded").await;
    }
    assert!(stranger.seen().is_empty());
    assert_eq!(engine.count(), 0);
}

#[tokio::test]
async fn without_a_callback_url_a_call_is_answered_when_it_has_ended() {
    let engine = Engine::start().await;
    let proxy = Setup::new().config(&config(&engine, "0s")).serve().await;
    let effects = Effects::start().await;
    for absent in [None, Some(Value::Null), Some("".into())] {
        let mut arguments = effects.arguments("pay");
        if let Some(absent) = absent {
            arguments["spiff__callback_url"] = absent;
        }
        proxy.call("http/PostRequestV2", arguments).await.success();
    }
    assert_eq!((effects.of("pay"), engine.count()), (3, 0));
}

#[tokio::test]
async fn what_a_python_command_takes_over_is_recorded_as_handed_over() {
    let engine = Engine::start().await;
    let proxy = serve(&connector("gallery", zoo("connector-gallery"))).await;
    let (until, url) = (proxy.path().join("go-on"), engine.callback([]));
    let arguments = json!({"value": "done at last", "until": until});
    let answer = begin(
        &proxy,
        "request",
        "gallery/Callback",
        with_callback(arguments, &url),
    )
    .await;
    assert_eq!((answer.status, answer.body()), (202, json!("accepted")));
    let row = proxy.row_in("request", "handed_over").await;
    assert_eq!((row.attempts, row.deliveries.unwrap_or(0)), (1, 0));
    fs::write(until, "").unwrap();
    // The connector answers by itself, and nobody else does.
    let put = engine.result(&url).await;
    assert_eq!(put.seen.json()["value"], "done at last");
    assert_eq!(put.seen.header("authorization"), "");
    proxy.row_in("request", "handed_over").await;
    assert_eq!(engine.puts(&url).len(), 1);
}
