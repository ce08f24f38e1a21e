//! Receivers that do not take a result at once, and what becomes of it when a process ends.

use serde_json::json;

use super::long::{TOKEN, accepted, begin, config, with_callback};
use crate::harness::{Effects, Engine, Gate, Proxy, Reply, Setup, Turn, Upstream, until};

const DELIVERED: &str = "crosspoint_callbacks_total{outcome=\"delivered\"}";
const RETRIED: &str = "crosspoint_callbacks_total{outcome=\"retried\"}";
const UNDELIVERABLE: &str = "crosspoint_callbacks_total{outcome=\"undeliverable\"}";

/// An effect whose result goes to a new callback URL where these things happen first; the URL.
async fn send(
    proxy: &Proxy,
    engine: &Engine,
    effects: &Effects,
    id: &str,
    turns: impl IntoIterator<Item = Turn>,
) -> String {
    let url = engine.callback(turns);
    let arguments = with_callback(effects.arguments(id), &url);
    accepted(&begin(proxy, id, "http/PostRequestV2", arguments).await);
    url
}

#[tokio::test]
async fn what_may_pass_is_tried_again_until_the_engine_has_the_result() {
    let engine = Engine::start().await;
    let effects = Effects::start().await;
    let proxy = Setup::new().config(&config(&engine, "0s")).serve().await;
    let trap = Upstream::echo().await;
    let mut calls = Vec::new();
    for status in [401, 403, 408, 429, 500, 502, 503, 504] {
        calls.push((format!("status-{status}"), Turn::Status(status)));
    }
    calls.push(("hang-up".to_owned(), Turn::HangUp));
    calls.push(("redirect".to_owned(), Turn::Redirect(trap.url("/trap"))));
    let mut sent = Vec::new();
    for (id, turn) in calls {
        let url = send(&proxy, &engine, &effects, &id, [turn]).await;
        sent.push((id, url));
    }
    for (id, url) in &sent {
        let puts = engine.arrived(url, 2).await;
        let row = proxy.row_in(id, "delivered").await;
        assert_eq!((puts.len(), row.deliveries), (2, Some(2)), "{id}");
        assert_eq!((puts[0].taken, puts[1].taken), (false, true), "{id}");
        assert_eq!(puts[0].seen.body, puts[1].seen.body, "{id}");
        let token = format!("Bearer {TOKEN}");
        assert_eq!(puts[1].seen.header("authorization"), token, "{id}");
        assert_eq!(puts[1].success(), json!({"id": id, "effect": 1}));
        assert_eq!(effects.of(id), 1);
    }
    assert!(trap.seen().is_empty(), "{:?}", trap.seen());
    let all = sent.len() as f64;
    proxy.counts(DELIVERED, all).await;
    proxy.counts(RETRIED, all).await;
}

#[tokio::test]
async fn while_the_engine_is_down_the_result_waits_and_the_row_says_why() {
    let engine = Engine::down();
    let effects = Effects::start().await;
    let proxy = Setup::new().config(&config(&engine, "0s")).serve().await;
    let url = send(&proxy, &engine, &effects, "pay", []).await;
    until("a delivery has failed", async || {
        let rows = proxy.rows(&["--request", "pay"]).await;
        rows.iter().any(|row| row.delivery_error.is_some())
    })
    .await;
    let row = proxy.row_in("pay", "finished").await;
    assert!(row.deliveries >= Some(1) && row.result_kept, "{row:?}");
    engine.open();
    let put = engine.result(&url).await;
    assert_eq!(put.success(), json!({"id": "pay", "effect": 1}));
    proxy.row_in("pay", "delivered").await;
    assert_eq!((engine.taken(&url), effects.of("pay")), (1, 1));
}

#[tokio::test]
async fn a_slow_engine_keeps_no_other_result_waiting() {
    let engine = Engine::start().await;
    let effects = Effects::start().await;
    let proxy = Setup::new().config(&config(&engine, "0s")).serve().await;
    let gate = Gate::new();
    let mut slow = Vec::new();
    for n in 0..5 {
        let turn = Turn::Behind(gate.clone());
        slow.push(send(&proxy, &engine, &effects, &format!("slow-{n}"), [turn]).await);
    }
    for url in &slow {
        engine.arrived(url, 1).await;
    }
    for n in 0..5 {
        send(&proxy, &engine, &effects, &format!("fast-{n}"), []).await;
        proxy.row_in(&format!("fast-{n}"), "delivered").await;
    }
    gate.open();
    for (n, url) in slow.iter().enumerate() {
        proxy.row_in(&format!("slow-{n}"), "delivered").await;
        assert_eq!(engine.taken(url), 1);
    }
}

#[tokio::test]
async fn a_400_ends_it_and_what_it_means_depends_on_what_may_have_arrived() {
    let engine = Engine::start().await;
    let effects = Effects::start().await;
    let proxy = Setup::new().config(&config(&engine, "0s")).serve().await;
    let gone = Upstream::start(|_| Reply::status(404)).await;
    // The engine does not know the task any more.
    let unknown = send(&proxy, &engine, &effects, "unknown", [Turn::Status(400)]).await;
    let row = proxy.row_in("unknown", "undeliverable").await;
    assert!(row.delivery_error.unwrap().contains("400"));
    assert_eq!(engine.puts(&unknown).len(), 1);
    // It says 400 to a failure that it has taken.
    let failure = engine.callback([Turn::Status(400)]);
    let arguments = with_callback(json!({"url": gone.url("/")}), &failure);
    accepted(&begin(&proxy, "failure", "http/GetRequestV2", arguments).await);
    proxy.row_in("failure", "delivered").await;
    assert_eq!(engine.puts(&failure).len(), 1);
    // It took an earlier one whose answer was lost.
    let lost = send(&proxy, &engine, &effects, "lost", [Turn::Lose]).await;
    proxy.row_in("lost", "delivered").await;
    assert_eq!((engine.puts(&lost).len(), engine.taken(&lost)), (2, 1));
    // Nothing else of this kind passes by itself.
    for status in [404, 405, 410, 422] {
        let id = format!("status-{status}");
        let url = send(&proxy, &engine, &effects, &id, [Turn::Status(status)]).await;
        let row = proxy.row_in(&id, "undeliverable").await;
        assert!(row.delivery_error.unwrap().contains(&status.to_string()));
        assert_eq!(engine.puts(&url).len(), 1, "{status}");
    }
    proxy.counts(DELIVERED, 2.0).await;
    proxy.counts(UNDELIVERABLE, 5.0).await;
}

#[tokio::test]
async fn what_could_not_be_delivered_is_kept_and_can_be_delivered_later() {
    let engine = Engine::start().await;
    engine.rest(Turn::Status(500));
    let effects = Effects::start().await;
    let config = config(&engine, "0s") + "callback_retry = \"1s\"\n";
    let proxy = Setup::new().config(&config).serve().await;
    let url = send(&proxy, &engine, &effects, "pay", []).await;
    let row = proxy.row_in("pay", "undeliverable").await;
    assert!(row.result_kept && row.delivery_error.is_some(), "{row:?}");
    proxy.counts(UNDELIVERABLE, 1.0).await;
    engine.rest(Turn::Usual);
    proxy.ledger(&["replay", &row.id]).await.text(0);
    assert_eq!(
        engine.result(&url).await.success(),
        json!({"id": "pay", "effect": 1})
    );
    proxy.row_in("pay", "delivered").await;
    assert_eq!((engine.taken(&url), effects.of("pay")), (1, 1));
    // There is nothing left to do.
    let again = proxy.ledger(&["replay", &row.id]).await;
    again.text(1);
    assert!(again.stderr.contains("delivered"), "{}", again.stderr);
}

#[tokio::test]
async fn a_failed_call_is_replayed_as_another_attempt() {
    let proxy = Setup::new().serve().await;
    let (socket, address) = crate::harness::closed_port();
    let arguments = json!({"url": format!("http://{address}/"), "data": {}});
    let refused = super::post(&proxy, &arguments, "key").await;
    assert_eq!(refused.code(), "ConnectionError");
    let row = proxy.row_in("key", "failed").await;
    // It fails again.
    proxy.ledger(&["replay", &row.id]).await.text(1);
    let upstream = Upstream::open(socket, |_| Reply::json(r#"{"at": "last"}"#));
    proxy.ledger(&["replay", &row.id]).await.text(0);
    let row = proxy.row_in("key", "succeeded").await;
    assert_eq!(row.attempts, 3);
    let answer = super::post(&proxy, &arguments, "key").await;
    assert_eq!(answer.success(), json!({"at": "last"}));
    assert_eq!(upstream.seen().len(), 1);
    proxy.ledger(&["replay", &row.id]).await.text(1);
    proxy.ledger(&["replay", "nobody"]).await.text(1);
}

/// A long call that runs when its process is killed, and the process after that.
async fn killed_in(command: &str) -> (Proxy, Engine, Effects, Gate, String) {
    let (engine, gate) = (Engine::start().await, Gate::new());
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| Effects::usual(seen, id, n).behind(&shut)).await;
    let proxy = Setup::new().config(&config(&engine, "0s")).serve().await;
    let url = engine.callback([]);
    let arguments = with_callback(effects.arguments("pay"), &url);
    accepted(&begin(&proxy, "request", command, arguments).await);
    effects.arrived(1).await;
    proxy.row_in("request", "running").await;
    let proxy = proxy.kill().await.serve().await;
    (proxy, engine, effects, gate, url)
}

#[tokio::test]
async fn a_long_call_that_is_safe_to_repeat_survives_kill_9() {
    let (proxy, engine, effects, gate, url) = killed_in("http/PutRequestV2").await;
    effects.arrived(2).await;
    gate.open();
    let put = engine.result(&url).await;
    assert_eq!(put.success(), json!({"id": "pay", "effect": 2}));
    assert_eq!(proxy.row_in("request", "delivered").await.attempts, 2);
    assert_eq!(engine.taken(&url), 1);
}

#[tokio::test]
async fn another_long_call_is_unknown_after_kill_9_and_delivered_when_settled() {
    for how in [
        &["--succeeded"][..],
        &["--failed", "NeverPaid"],
        &["--run-again"],
    ] {
        let (proxy, engine, effects, gate, url) = killed_in("http/PostRequestV2").await;
        gate.open();
        let row = proxy.row_in("request", "unknown").await;
        assert!(engine.puts(&url).is_empty());
        let body = proxy.path().join("body.json");
        std::fs::write(&body, r#"{"paid": "by hand"}"#).unwrap();
        let body = body.display().to_string();
        let mut command = [&["settle", &row.id], how].concat();
        if how == ["--succeeded"] {
            command.extend(["--body", &body]);
        }
        proxy.ledger(&command).await.text(0);
        let put = engine.result(&url).await;
        match how[0] {
            "--succeeded" => assert_eq!(put.success(), json!({"paid": "by hand"})),
            "--failed" => assert_eq!(put.code(), "NeverPaid"),
            _ => assert_eq!(put.success(), json!({"id": "pay", "effect": 2})),
        }
        proxy.row_in("request", "delivered").await;
        assert_eq!(engine.puts(&url).len(), 1, "{how:?}");
        let effects_wanted = if how[0] == "--run-again" { 2 } else { 1 };
        assert_eq!(effects.of("pay"), effects_wanted);
    }
}

#[tokio::test]
async fn a_result_that_was_not_delivered_yet_survives_kill_9() {
    let engine = Engine::start().await;
    engine.rest(Turn::Status(503));
    let effects = Effects::start().await;
    let proxy = Setup::new().config(&config(&engine, "0s")).serve().await;
    let url = send(&proxy, &engine, &effects, "pay", []).await;
    engine.arrived(&url, 1).await;
    proxy.row_in("pay", "finished").await;
    let setup = proxy.kill().await;
    engine.rest(Turn::Usual);
    let proxy = setup.serve().await;
    let put = engine.result(&url).await;
    assert_eq!(put.success(), json!({"id": "pay", "effect": 1}));
    proxy.row_in("pay", "delivered").await;
    assert_eq!((engine.taken(&url), effects.of("pay")), (1, 1));
}

#[tokio::test]
async fn a_result_whose_receipt_was_not_recorded_is_taken_once() {
    let engine = Engine::start().await;
    let effects = Effects::start().await;
    let proxy = Setup::new().config(&config(&engine, "0s")).serve().await;
    // The engine takes it, and the process is killed before it hears so.
    let gate = Gate::new();
    let url = send(&proxy, &engine, &effects, "pay", [Turn::Behind(gate)]).await;
    engine.arrived(&url, 1).await;
    let proxy = proxy.kill().await.serve().await;
    proxy.row_in("pay", "delivered").await;
    assert_eq!((engine.taken(&url), effects.of("pay")), (1, 1));
    assert_eq!(engine.puts(&url).len(), 2);
}
