//! Calls for which nobody waits: they are polled.

use serde_json::json;

use super::not_waiting;
use crate::harness::{Effects, Gate, Proxy, Reply, Setup, Upstream};

/// A system that answers when its gate is open.
async fn gated() -> (Effects, Gate) {
    let gate = Gate::new();
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| Effects::usual(seen, id, n).behind(&shut)).await;
    (effects, gate)
}

#[tokio::test]
async fn it_is_accepted_at_once_and_its_result_can_be_asked_for() {
    let (effects, gate) = gated().await;
    let proxy = Setup::new().serve().await;
    let call = not_waiting("http/PostRequestV2", &effects.arguments("pay"));
    let answer = proxy.asks(&call).send().await;
    assert_eq!(
        (answer.status, &answer.json()["state"]),
        (202, &json!("accepted"))
    );
    let place = answer.header("location").to_owned();
    assert_eq!(place, format!("/api/v1/calls/{}", answer.id()));
    effects.arrived(1).await;
    let row = proxy.recorded_in(&answer.id(), "running").await;
    assert_eq!(
        (&row["outcome"], &row["error"]),
        (&json!(null), &json!(null))
    );
    gate.open();
    let row = proxy.recorded_in(&answer.id(), "succeeded").await;
    assert_eq!(row["outcome"]["body"], json!({"id": "pay", "effect": 1}));
    assert_eq!((&row["error"], &row["attempts"]), (&json!(null), &json!(1)));
    assert_eq!(
        (&row["ingress"], &row["callback"]),
        (&json!("api"), &json!(null))
    );
    assert_eq!(effects.of("pay"), 1);
}

#[tokio::test]
async fn its_failure_can_be_asked_for_too() {
    let proxy = Setup::new().serve().await;
    let gone = Upstream::start(|_| Reply::status(404).body("nothing here")).await;
    let call = not_waiting("http/GetRequestV2", &json!({"url": gone.url("/")}));
    let answer = proxy.asks(&call).send().await;
    assert_eq!(answer.status, 202);
    let row = proxy.recorded_in(&answer.id(), "failed").await;
    assert_eq!(row["error"]["kind"], "reported");
    assert_eq!(row["error"]["code"], "HttpError404");
    assert_eq!(
        row["outcome"]["body"],
        json!({"raw_response": "nothing here"})
    );
    // A write that broke off.
    let broken = Upstream::start(|_| Reply::raw("")).await;
    let call = not_waiting("http/PostRequestV2", &json!({"url": broken.url("/")}));
    let answer = proxy.asks(&call).send().await;
    let row = proxy.recorded_in(&answer.id(), "unknown").await;
    assert_eq!(row["error"]["effect"], "maybe");
}

#[tokio::test]
async fn a_mistake_is_told_at_once() {
    let proxy = Setup::new().serve().await;
    let call = not_waiting("http/GetRequestV2", &json!({"nonsense": 1}));
    let answer = proxy.asks(&call).send().await;
    assert_eq!(answer.problem(), (400, "invalid_arguments".to_owned()));
    let call = not_waiting("http/Nothing", &json!({}));
    let answer = proxy.asks(&call).send().await;
    assert_eq!(answer.problem(), (404, "command_not_found".to_owned()));
    assert!(proxy.rows(&[]).await.is_empty());
}

#[tokio::test]
async fn a_key_that_is_known_answers_the_id_of_its_call() {
    let (effects, gate) = gated().await;
    let proxy = Setup::new().serve().await;
    let mut call = not_waiting("http/PostRequestV2", &effects.arguments("pay"));
    call["idempotency_key"] = "k".into();
    let first = proxy.asks(&call).send().await;
    effects.arrived(1).await;
    proxy.recorded_in(&first.id(), "running").await;
    let second = proxy.asks(&call).send().await;
    assert_eq!((second.status, second.id()), (202, first.id()));
    assert_eq!(second.json()["state"], "running");
    gate.open();
    proxy.recorded_in(&first.id(), "succeeded").await;
    let third = proxy.asks(&call).send().await;
    assert_eq!((third.status, third.id()), (202, first.id()));
    assert_eq!(third.json()["state"], "succeeded");
    // Who waits gets the result under the same key.
    call["wait"] = true.into();
    let waits = proxy.asks(&call).send().await;
    assert_eq!(waits.brought(), json!({"id": "pay", "effect": 1}));
    assert_eq!(effects.of("pay"), 1);
    call["arguments"] = effects.arguments("other");
    call["wait"] = false.into();
    let other = proxy.asks(&call).send().await;
    assert_eq!(other.problem(), (409, "idempotency_conflict".to_owned()));
}

#[tokio::test]
async fn what_failed_and_may_pass_runs_again_under_its_key() {
    let (socket, address) = crate::harness::closed_port();
    let proxy = Setup::new().serve().await;
    let arguments = json!({"url": format!("http://{address}/"), "data": {}});
    let mut call = not_waiting("http/PostRequestV2", &arguments);
    call["idempotency_key"] = "k".into();
    let first = proxy.asks(&call).send().await;
    proxy.recorded_in(&first.id(), "failed").await;
    let upstream = Upstream::open(socket, |_| Reply::json(r#"{"at": "last"}"#));
    let second = proxy.asks(&call).send().await;
    assert_eq!((second.status, second.id()), (202, first.id()));
    let row = proxy.recorded_in(&first.id(), "succeeded").await;
    assert_eq!((&row["attempts"], upstream.seen().len()), (&json!(2), 1));
}

#[tokio::test]
async fn it_may_take_longer_than_a_call_that_is_waited_for() {
    let (effects, gate) = gated().await;
    let config = "[api]\ndeadline = \"100ms\"\nlong_deadline = \"1h\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let call = not_waiting("http/PostRequestV2", &effects.arguments("pay"));
    let answer = proxy.asks(&call).send().await;
    effects.arrived(1).await;
    // One that waits has ended long since.
    let waits = proxy
        .api("http/PostRequestV2", effects.arguments("x"))
        .await;
    assert_eq!(waits.json()["state"], "unknown", "{}", waits.text);
    proxy.recorded_in(&answer.id(), "running").await;
    gate.open();
    proxy.recorded_in(&answer.id(), "succeeded").await;
}

/// A call that runs when its process is killed, and the process after that.
async fn killed_in(command: &str) -> (Proxy, Effects, Gate, String) {
    let (effects, gate) = gated().await;
    let proxy = Setup::new().serve().await;
    let call = not_waiting(command, &effects.arguments("pay"));
    let id = proxy.asks(&call).send().await.id();
    effects.arrived(1).await;
    proxy.recorded_in(&id, "running").await;
    let proxy = proxy.kill().await.serve().await;
    (proxy, effects, gate, id)
}

#[tokio::test]
async fn one_that_is_safe_to_repeat_survives_kill_9() {
    let (proxy, effects, gate, id) = killed_in("http/PutRequestV2").await;
    effects.arrived(2).await;
    gate.open();
    let row = proxy.recorded_in(&id, "succeeded").await;
    assert_eq!(row["outcome"]["body"], json!({"id": "pay", "effect": 2}));
    assert_eq!(row["attempts"], 2);
}

#[tokio::test]
async fn any_other_is_unknown_after_kill_9_until_it_is_settled() {
    let (proxy, effects, gate, id) = killed_in("http/PostRequestV2").await;
    gate.open();
    let row = proxy.recorded_in(&id, "unknown").await;
    assert_eq!(row["error"]["code"], "outcome_unknown");
    let settled = proxy
        .decide(&format!("{id}/settle"), &json!({"run_again": true}))
        .await;
    assert_eq!(settled.brought(), json!({"id": "pay", "effect": 2}));
    assert_eq!(effects.of("pay"), 2);
}

#[tokio::test]
async fn what_was_accepted_and_not_begun_runs_in_the_next_process() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    // As a process leaves it that ends between the answer and the call.
    let call = not_waiting("http/PostRequestV2", &effects.arguments("pay"));
    let id = proxy.asks(&call).send().await.id();
    proxy.recorded_in(&id, "succeeded").await;
    let setup = proxy.kill().await;
    let file = setup.path().join(".crosspoint/crosspoint.db");
    let database = crate::harness::Database::file(&file);
    let back = format!(
        "UPDATE crosspoint_calls SET state = 'accepted', attempts = 0, started = NULL, \
         ended = NULL, sealed_result = NULL WHERE id = '{id}'"
    );
    database.sql(&back).await;
    let proxy = setup.clone().serve().await;
    let row = proxy.recorded_in(&id, "succeeded").await;
    assert_eq!(row["outcome"]["body"], json!({"id": "pay", "effect": 2}));

    // Its command is gone by then.
    let setup = proxy.kill().await;
    database.sql(&back).await;
    let proxy = setup.config("builtin = [\"smtp\"]\n").serve().await;
    let row = proxy.recorded_in(&id, "failed").await;
    assert_eq!(row["error"]["code"], "interrupted");
    assert_eq!(row["error"]["effect"], "none");
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written_accepts_nothing() {
    let effects = Effects::start().await;
    let proxy = Setup::new().serve().await;
    let file = proxy.path().join(".crosspoint/crosspoint.db");
    let url = format!("sqlite:{}", file.display());
    let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let call = not_waiting("http/PostRequestV2", &effects.arguments("pay"));
    let answer = proxy.asks(&call).send().await;
    assert_eq!(answer.problem(), (503, "ledger_unavailable".to_owned()));
    assert_ne!(answer.header("retry-after"), "");
    assert_eq!(effects.of("pay"), 0);
}
