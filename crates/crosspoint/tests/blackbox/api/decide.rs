//! Settling and replaying.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::harness::{Answer, Effects, Proxy, Reply, Setup, Upstream, closed_port};

const NOT_POSSIBLE: &str = "not_possible";

/// A POST whose connection broke off when it had been sent, under the key `pay`.
async fn broken() -> (Proxy, Effects, Arc<AtomicBool>, String) {
    let well = Arc::new(AtomicBool::new(false));
    let now = well.clone();
    let effects = Effects::with(move |seen, id, n| match now.load(Ordering::SeqCst) {
        true => Effects::usual(seen, id, n),
        false => Reply::raw(""),
    })
    .await;
    let proxy = Setup::new().serve().await;
    let answer = again(&proxy, &effects).await;
    assert_eq!(
        (answer.status, &answer.json()["state"]),
        (200, &json!("unknown"))
    );
    let id = answer.id();
    proxy.recorded_in(&id, "unknown").await;
    let refused = again(&proxy, &effects).await;
    assert_eq!(refused.problem(), (409, "outcome_unknown".to_owned()));
    assert_eq!(refused.json()["call"], id);
    (proxy, effects, well, id)
}

async fn again(proxy: &Proxy, effects: &Effects) -> Answer {
    let call = json!({
        "command": "http/PostRequestV2", "arguments": effects.arguments("pay"),
        "idempotency_key": "pay",
    });
    proxy.asks(&call).send().await
}

#[tokio::test]
async fn what_is_said_of_an_unknown_call_is_its_end() {
    for (said, body) in [
        (json!({"succeeded": true}), json!({})),
        (
            json!({"succeeded": true, "body": {"n": 1.5}}),
            json!({"n": 1.5}),
        ),
        (json!({"succeeded": true, "body": null}), Value::Null),
    ] {
        let (proxy, effects, _, id) = broken().await;
        let settled = proxy.decide(&format!("{id}/settle"), &said).await;
        assert_eq!(settled.brought(), body);
        assert_eq!(again(&proxy, &effects).await.brought(), body);
        let twice = proxy.decide(&format!("{id}/settle"), &said).await;
        assert_eq!(twice.problem(), (409, NOT_POSSIBLE.to_owned()));
        assert_eq!(effects.of("pay"), 1);
    }
    let (proxy, effects, _, id) = broken().await;
    let said = json!({"failed": "NotPaid", "message": "no money"});
    let settled = proxy.decide(&format!("{id}/settle"), &said).await.json();
    assert_eq!(settled["state"], "failed");
    let error = json!({
        "kind": "reported", "code": "NotPaid", "message": "no money", "effect": "none",
    });
    assert_eq!(settled["error"], error);
    assert_eq!(
        again(&proxy, &effects).await.json()["error"]["code"],
        "NotPaid"
    );
}

#[tokio::test]
async fn it_runs_again_when_somebody_says_so() {
    let (proxy, effects, well, id) = broken().await;
    well.store(true, Ordering::SeqCst);
    let said = json!({"run_again": true});
    let settled = proxy.decide(&format!("{id}/settle"), &said).await;
    assert_eq!(settled.brought(), json!({"id": "pay", "effect": 2}));
    assert_eq!(settled.json()["attempts"], 2);
    assert_eq!(
        again(&proxy, &effects).await.brought(),
        json!({"id": "pay", "effect": 2})
    );
}

#[tokio::test]
async fn a_verdict_with_mistakes_changes_nothing() {
    let (proxy, effects, _, id) = broken().await;
    for said in [
        json!({}),
        json!({"succeeded": false}),
        json!({"succeeded": true, "failed": "E"}),
        json!({"failed": ""}),
        json!({"failed": "E", "body": 1}),
        json!({"run_again": true, "body": 1}),
        json!([]),
    ] {
        let answer = proxy.decide(&format!("{id}/settle"), &said).await;
        assert_eq!(
            answer.problem(),
            (400, "invalid_request".to_owned()),
            "{said}"
        );
    }
    let replay = proxy.decide(&format!("{id}/replay"), &json!({})).await;
    assert_eq!(replay.problem(), (409, NOT_POSSIBLE.to_owned()));
    assert_eq!(again(&proxy, &effects).await.problem().0, 409);
    assert_eq!(effects.of("pay"), 1);
}

#[tokio::test]
async fn a_failed_call_is_replayed_as_another_attempt_and_a_success_never() {
    let proxy = Setup::new().serve().await;
    let (socket, address) = closed_port();
    let call = json!({
        "command": "http/PostRequestV2", "idempotency_key": "k",
        "arguments": {"url": format!("http://{address}/"), "data": {}},
    });
    let id = proxy.asks(&call).send().await.id();
    let replay = async || proxy.decide(&format!("{id}/replay"), &json!({})).await;
    let failed = replay().await.json();
    assert_eq!(
        (&failed["state"], &failed["attempts"]),
        (&json!("failed"), &json!(2))
    );
    assert_eq!(failed["error"]["code"], "ConnectionError");
    let upstream = Upstream::open(socket, |_| Reply::json(r#"{"at": "last"}"#));
    assert_eq!(replay().await.brought(), json!({"at": "last"}));
    let done = replay().await;
    assert_eq!(done.problem(), (409, NOT_POSSIBLE.to_owned()));
    assert_eq!(done.json()["call"], id);
    assert_eq!(upstream.seen().len(), 1);
    // Nothing was kept of a call without a key.
    let plain = proxy
        .api(
            "http/GetRequestV2",
            json!({"url": "http://169.254.169.254/"}),
        )
        .await;
    proxy.recorded_in(&plain.id(), "failed").await;
    let answer = proxy
        .decide(&format!("{}/replay", plain.id()), &json!({}))
        .await;
    assert_eq!(answer.problem(), (409, NOT_POSSIBLE.to_owned()));
}
