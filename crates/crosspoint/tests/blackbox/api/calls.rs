//! Calls that are waited for.

use serde_json::json;

use crate::harness::{Effects, Reply, Setup, Upstream, closed_port, shared};

#[tokio::test]
async fn a_call_is_answered_with_its_outcome() {
    let proxy = shared().await;
    let upstream = Upstream::start(|_| Reply::json(r#"{"n": 1.50}"#).header("etag", "one")).await;
    let answer = proxy
        .api("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await;
    assert_eq!(answer.brought(), json!({"n": 1.50}));
    assert!(
        answer.text.contains(r#""body":{"n": 1.50}"#),
        "{}",
        answer.text
    );
    let call = answer.json();
    assert_eq!(
        (&call["connector"], &call["command"]),
        (&json!("http"), &json!("GetRequestV2"))
    );
    let outcome = &call["outcome"];
    assert_eq!(outcome["encoding"], "json");
    assert_eq!(outcome["mimetype"], "application/json");
    assert_eq!(outcome["status"], 200);
    assert_eq!(call["id"], answer.header("x-request-id"));
}

#[tokio::test]
async fn a_large_body_comes_whole_and_as_it_was_spelled() {
    let proxy = shared().await;
    let large = format!("[1.50, \"{}\"]", "x".repeat(200_000));
    let sent = large.clone();
    let upstream = Upstream::start(move |_| Reply::json(&sent)).await;
    let arguments = json!({"url": upstream.url("/")});
    let answer = proxy.api("http/GetRequestV2", arguments).await;
    assert!(answer.brought().is_array());
    assert!(answer.text.contains(&large));
    let length = answer.header("content-length");
    assert_eq!(length, answer.text.len().to_string());
}

#[tokio::test]
async fn the_commands_own_failure_is_an_answer_with_an_error() {
    let proxy = shared().await;
    let gone = Upstream::start(|_| Reply::status(404).body("nothing here")).await;
    let (_kept, closed) = closed_port();
    let url = format!("http://{closed}/");
    for (url, kind, code, status) in [
        (gone.url("/"), "reported", "HttpError404", Some(404)),
        (url, "transport", "ConnectionError", None),
        (
            "http://169.254.169.254/".to_owned(),
            "refused",
            "EgressRefused",
            None,
        ),
    ] {
        let answer = proxy.api("http/GetRequestV2", json!({"url": url})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let call = answer.json();
        assert_eq!(call["state"], "failed");
        assert_eq!(call["error"]["kind"], kind);
        assert_eq!(call["error"]["code"], code);
        assert_eq!(call["error"]["effect"], "none");
        if let Some(status) = status {
            assert_eq!(call["outcome"]["status"], status);
            assert_eq!(
                call["outcome"]["body"],
                json!({"raw_response": "nothing here"})
            );
        }
        assert_eq!(answer.header("retry-after"), "");
    }
}

#[tokio::test]
async fn a_call_takes_as_long_as_is_configured() {
    let slow = Upstream::start(|_| Reply::silence()).await;
    let config = "[api]\ndeadline = \"200ms\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let arguments = json!({"url": slow.url("/")});
    let read = proxy.api("http/GetRequestV2", arguments.clone()).await;
    // The connector has time to say so itself.
    assert_eq!(read.json()["error"]["code"], "ReadTimeout", "{}", read.text);
    let wrote = proxy.api("http/PostRequestV2", arguments).await;
    assert_eq!(wrote.json()["error"]["effect"], "maybe", "{}", wrote.text);
    assert_eq!(wrote.json()["state"], "unknown");
    proxy.recorded_in(&wrote.id(), "unknown").await;
}

#[tokio::test]
async fn one_key_has_one_effect_and_one_id() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    let mut call = json!({
        "command": "http/PostRequestV2", "arguments": effects.arguments("pay"),
    });
    let in_header = proxy.asks(&call).header("idempotency-key", "order-7");
    let first = in_header.send().await;
    call["idempotency_key"] = "order-7".into();
    let second = proxy.asks(&call).send().await;
    assert_eq!(first.brought(), json!({"id": "pay", "effect": 1}));
    assert_eq!(second.brought(), first.brought());
    // Of the call that there is, not of the request.
    assert_eq!(second.id(), first.id());
    assert_ne!(second.header("x-request-id"), first.header("x-request-id"));

    call["arguments"] = effects.arguments("other");
    let other = proxy.asks(&call).send().await;
    assert_eq!(other.problem(), (409, "idempotency_conflict".to_owned()));
    assert_eq!(other.json()["call"], first.json()["id"]);
    assert_eq!(effects.all().len(), 1);
    let row = proxy.recorded(&first.id()).await;
    assert_eq!(
        (&row["ingress"], &row["key"]),
        (&json!("api"), &json!("order-7"))
    );
    assert_eq!(row["outcome"]["body"], json!({"id": "pay", "effect": 1}));
}

#[tokio::test]
async fn keys_of_engines_and_of_programs_are_the_same_keys() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    let arguments = effects.arguments("pay");
    let engine = proxy.do_("http/PostRequestV2").json(&arguments);
    engine.header("idempotency-key", "k").send().await.success();
    let call = json!({
        "command": "http/PostRequestV2", "arguments": arguments, "idempotency_key": "k",
    });
    let answer = proxy.asks(&call).send().await;
    assert_eq!(answer.brought(), json!({"id": "pay", "effect": 1}));
}

#[tokio::test]
async fn without_a_ledger_calls_run_and_the_rest_is_refused() {
    let effects = Effects::start().await;
    let proxy = Setup::new()
        .config("[store]\nurl = \"none\"\n")
        .serve()
        .await;
    let arguments = effects.arguments("pay");
    proxy
        .api("http/PostRequestV2", arguments.clone())
        .await
        .brought();
    let later = super::not_waiting("http/PostRequestV2", &arguments);
    let off = (501, "ledger_off".to_owned());
    assert_eq!(proxy.asks(&later).send().await.problem(), off);
    let id = "0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77";
    for path in ["", "/events", &format!("/{id}")] {
        let answer = proxy.get(&format!("/api/v1/calls{path}")).await;
        assert_eq!(answer.problem(), off, "{path}");
    }
    let answer = proxy.decide(&format!("{id}/replay"), &json!({})).await;
    assert_eq!(answer.problem(), off);
    let keyed = proxy.asks(&json!({"command": "http/PostRequestV2", "arguments": arguments}));
    let keyed = keyed.header("idempotency-key", "k").send().await;
    assert_eq!((keyed.problem(), keyed.header("retry-after")), (off, ""));
    assert!(keyed.text.contains("an idempotency key needs the ledger"));
    assert_eq!(effects.of("pay"), 1);
}
