//! One key at several replicas: one effect, one answer.

use futures_util::future::join_all;
use serde_json::json;
use tokio::spawn;

use super::{SHORT, three};
use crate::harness::{Effects, Gate, Proxy};
use crate::ledger::{UNKNOWN, expect, keyed, post};

/// How many keys are sent at once, each to every replica.
const KEYS: usize = 30;

/// A system that answers when its gate is open.
async fn gated() -> (Effects, Gate) {
    let gate = Gate::new();
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| Effects::usual(seen, id, n).behind(&shut)).await;
    (effects, gate)
}

/// Waits until a replica has a call of this command under way.
async fn asked(replica: &Proxy, command: &str) {
    let (connector, command) = command.split_once('/').unwrap();
    let name =
        format!("crosspoint_calls_in_flight{{connector=\"{connector}\",command=\"{command}\"}}");
    replica.counts(&name, 1.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_to_all_at_once_it_has_one_effect_and_one_answer() {
    let effects = Effects::start().await;
    let (_place, replicas) = three("").await;
    let names: Vec<String> = (0..KEYS).map(|n| format!("key-{n}")).collect();
    let sends = names.iter().flat_map(|key| {
        let arguments = effects.arguments(key);
        let sends = replicas
            .iter()
            .map(move |replica| (replica, arguments.clone()));
        sends.map(async |(replica, arguments)| (key.clone(), post(replica, &arguments, key).await))
    });
    for (key, answer) in join_all(sends).await {
        assert_eq!(answer.success(), json!({"id": key, "effect": 1}));
    }
    assert!(names.iter().all(|key| effects.of(key) == 1));
    let rows = replicas[2].rows(&[]).await;
    assert_eq!(rows.len(), KEYS);
    assert!(
        rows.iter()
            .all(|row| row.state == "succeeded" && row.attempts == 1)
    );
}

#[tokio::test]
async fn a_call_that_runs_elsewhere_is_waited_for() {
    let (effects, gate) = gated().await;
    let (_place, [first, second, third]) = three("").await;
    let arguments = effects.arguments("pay");
    let ask = |replica: &Proxy| {
        let ask = keyed(replica, "http/PostRequestV2", &arguments, "key");
        spawn(ask.send())
    };
    let running = ask(&first);
    effects.arrived(1).await;
    let waiting = [ask(&second), ask(&third)];
    asked(&second, "http/PostRequestV2").await;
    asked(&third, "http/PostRequestV2").await;
    gate.open();
    let answer = running.await.unwrap();
    assert_eq!(answer.success(), json!({"id": "pay", "effect": 1}));
    for other in waiting {
        assert_eq!(other.await.unwrap().text, answer.text);
    }
    assert_eq!(effects.of("pay"), 1);
}

#[tokio::test]
async fn whoever_waits_for_a_replica_that_dies_learns_that_nobody_knows() {
    let (effects, gate) = gated().await;
    let (_place, [first, second, third]) = three(SHORT).await;
    let arguments = effects.arguments("pay");
    let ask = |replica: &Proxy| {
        let ask = keyed(replica, "http/PostRequestV2", &arguments, "key");
        spawn(ask.try_send())
    };
    let running = ask(&first);
    effects.arrived(1).await;
    let waiting = ask(&second);
    asked(&second, "http/PostRequestV2").await;
    drop(first.kill().await);
    assert!(running.await.unwrap().is_err());
    expect(&waiting.await.unwrap().unwrap(), UNKNOWN);
    gate.open();
    expect(&post(&third, &arguments, "key").await, UNKNOWN);
    assert_eq!(effects.of("pay"), 1);
    let row = third.row_in("key", "unknown").await;
    // Whoever settles it does so for all of them.
    third
        .ledger(&["settle", &row.id, "--run-again"])
        .await
        .text(0);
    let answer = post(&second, &arguments, "key").await;
    assert_eq!(answer.success(), json!({"id": "pay", "effect": 2}));
}
