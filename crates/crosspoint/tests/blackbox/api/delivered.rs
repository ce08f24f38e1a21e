//! Results that go to a `callback_url`.

use serde_json::{Value, json};

use crate::harness::{Effects, Reply, Setup, Upstream, until};

const TOKEN: &str = "t0ken-of-the-app-4711";

fn config(app: &Upstream) -> String {
    format!(
        "[api]\ncallback_origins = [\"https://other.example\", \"{}\"]\ncallback_token = \"{TOKEN}\"\n",
        app.url("")
    )
}

fn call(arguments: &Value, callback: &str) -> Value {
    json!({
        "command": "http/PostRequestV2", "arguments": arguments, "callback_url": callback,
    })
}

#[tokio::test]
async fn the_result_is_the_answer_that_would_have_been_given() {
    let app = Upstream::start(|_| Reply::status(204)).await;
    let effects = Effects::start().await;
    let proxy = Setup::new().config(&config(&app)).serve().await;
    let call = call(&effects.arguments("pay"), &app.url("/done?x=1"));
    let answer = proxy.asks(&call).send().await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    app.arrived(1).await;
    let seen = app.last();
    assert_eq!((&*seen.method, &*seen.target), ("PUT", "/done?x=1"));
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("authorization"), format!("Bearer {TOKEN}"));
    let sent = seen.json();
    assert_eq!(sent["id"], answer.id());
    assert_eq!(
        (&sent["connector"], &sent["state"]),
        (&json!("http"), &json!("succeeded"))
    );
    assert_eq!(sent["outcome"]["body"], json!({"id": "pay", "effect": 1}));
    assert_eq!(sent["error"], Value::Null);
    let row = proxy.recorded_in(&answer.id(), "delivered").await;
    assert_eq!(row["callback"], app.url("/done?x=1"));
    assert_eq!(row["outcome"], sent["outcome"]);
}

#[tokio::test]
async fn a_failure_is_delivered_and_a_400_is_no_receipt() {
    let app = Upstream::start(|seen| match &*seen.target {
        "/picky" => Reply::status(400),
        _ => Reply::status(200),
    })
    .await;
    let gone = Upstream::start(|_| Reply::status(404)).await;
    let proxy = Setup::new().config(&config(&app)).serve().await;
    let arguments = json!({"url": gone.url("/")});
    let ask = proxy.asks(&call(&arguments, &app.url("/done")));
    let answer = ask.send().await;
    proxy.recorded_in(&answer.id(), "delivered").await;
    let sent = app.last().json();
    assert_eq!(
        (&sent["state"], &sent["error"]["code"]),
        (&json!("failed"), &json!("HttpError404"))
    );
    let ask = proxy.asks(&call(&arguments, &app.url("/picky")));
    let row = proxy
        .recorded_in(&ask.send().await.id(), "undeliverable")
        .await;
    assert!(row["delivery_error"].as_str().unwrap().contains("400"));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_was_given_up_can_be_replayed() {
    let app = Upstream::start({
        let tries = std::sync::atomic::AtomicUsize::new(0);
        move |_| match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Reply::status(503),
            2 => Reply::status(410),
            _ => Reply::status(200),
        }
    })
    .await;
    let effects = Effects::start().await;
    let proxy = Setup::new().config(&config(&app)).serve().await;
    let ask = proxy.asks(&call(&effects.arguments("a"), &app.url("/")));
    let row = proxy.recorded_in(&ask.send().await.id(), "delivered").await;
    assert_eq!(row["deliveries"], 2);
    let ask = proxy.asks(&call(&effects.arguments("b"), &app.url("/")));
    let id = ask.send().await.id();
    proxy.recorded_in(&id, "undeliverable").await;
    let replayed = proxy.decide(&format!("{id}/replay"), &json!({})).await;
    assert_eq!(replayed.status, 200, "{}", replayed.text);
    proxy.recorded_in(&id, "delivered").await;
    assert_eq!((effects.of("a"), effects.of("b")), (1, 1));
}

#[tokio::test]
async fn a_callback_of_another_origin_is_refused_with_the_setting() {
    let app = Upstream::start(|_| Reply::status(200)).await;
    let effects = Effects::start().await;
    let arguments = effects.arguments("pay");
    let none = Setup::new().serve().await;
    let some = Setup::new().config(&config(&app)).serve().await;
    let stranger = Upstream::echo().await;
    for (proxy, url) in [
        (&none, app.url("/")),
        (&some, stranger.url("/")),
        (&some, "https://other.example:444/".to_owned()),
        (&some, app.url("/").replace("http://", "http://me@")),
        (&some, "no address".to_owned()),
        (&some, String::new()),
    ] {
        let answer = proxy.asks(&call(&arguments, &url)).send().await;
        assert_eq!(
            answer.problem(),
            (400, "invalid_request".to_owned()),
            "{url}"
        );
        let error = &answer.json()["errors"][0];
        assert_eq!(error["pointer"], "/callback_url");
        assert!(
            error["detail"]
                .as_str()
                .unwrap()
                .contains("api.callback_origins")
        );
    }
    assert_eq!((effects.of("pay"), stranger.seen().len()), (0, 0));
    // An engine's callbacks are its own.
    let engine = json!({"url": stranger.url("/"), "spiff__callback_url": app.url("/")});
    some.call("http/GetRequestV2", engine).await.success();
}

#[tokio::test]
async fn who_waits_is_answered_unless_it_takes_longer_than_the_policy_allows() {
    let app = Upstream::start(|_| Reply::status(200)).await;
    let gate = crate::harness::Gate::new();
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| match id {
        "slow" => Effects::usual(seen, id, n).behind(&shut),
        _ => Effects::usual(seen, id, n),
    })
    .await;
    let policy = "[connectors.http.policy]\nasync_after = \"2s\"\n";
    let proxy = Setup::new().config(&(config(&app) + policy)).serve().await;
    let mut quick = call(&effects.arguments("quick"), &app.url("/"));
    quick["wait"] = true.into();
    let answer = proxy.asks(&quick).send().await;
    assert_eq!(answer.brought(), json!({"id": "quick", "effect": 1}));
    let mut slow = call(&effects.arguments("slow"), &app.url("/"));
    slow["wait"] = true.into();
    let answer = proxy.asks(&slow).send().await;
    assert_eq!(
        (answer.status, &answer.json()["state"]),
        (202, &json!("running"))
    );
    gate.open();
    until("the result has come", async || !app.seen().is_empty()).await;
    proxy.recorded_in(&answer.id(), "delivered").await;
    assert_eq!(
        app.last().json()["outcome"]["body"],
        json!({"id": "slow", "effect": 1})
    );
    assert_eq!(app.seen().len(), 1);
}
