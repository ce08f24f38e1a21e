//! Replicas that start, and that end in good order.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::join;

use super::{LONG, alive, taken_over, three};
use crate::harness::{Effects, Engine, Gate, Setup, Turn, until};
use crate::ledger::load::Load;
use crate::ledger::long::{accepted, begin, config, with_callback};
use crate::ledger::place::Place;
use crate::ledger::post;

#[tokio::test]
async fn three_may_start_at_once_on_an_empty_database() {
    let effects = Effects::start().await;
    for round in 0..3 {
        let (place, replicas) = three("").await;
        assert_eq!(alive(&place.database).await, 3);
        for (n, replica) in replicas.iter().enumerate() {
            let key = format!("key-{round}-{n}");
            let answer = post(replica, &effects.arguments(&key), &key).await;
            assert_eq!(answer.success(), json!({"id": key, "effect": 1}));
        }
        for replica in &replicas {
            assert_eq!(replica.rows(&[]).await.len(), 3);
            assert_eq!(replica.problems().await, "[]");
        }
        let versions = "SELECT version::text FROM crosspoint_schema";
        assert_eq!(place.database.sql(versions).await.len(), 1);
    }
}

#[tokio::test]
async fn one_with_another_master_key_does_not_start() {
    let place = Place::postgres("").await;
    let _first = place.setup.clone().serve().await;
    let config = fs::read_to_string(place.setup.path().join("crosspoint.toml")).unwrap();
    let stranger = Setup::new()
        .config(&config)
        .file("master.key", &STANDARD.encode([43; 32]));
    let ended = stranger.run(&["serve"]).await;
    assert_ne!(ended.code, Some(0));
    let told = "sealed with another master key";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_leaves_that_ends_is_taken_over_at_once() {
    let load = Load::on_several().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let slow = Effects::with(move |seen, id, n| Effects::usual(seen, id, n).behind(&shut)).await;
    // Nobody waits for the end of such a lease.
    let place = Place::postgres(&format!("{LONG}{}", config(&load.engine, "0s"))).await;
    let leaving = place.replica().env("CROSSPOINT_DRAIN", "1s");
    let (second, setup) = (place.replica(), place.setup.clone());
    let (first, second, leaving) = join!(setup.serve(), second.serve(), leaving.serve());
    // It runs still when the replica has no patience left.
    let url = load.engine.callback([]);
    let arguments = with_callback(slow.arguments("slow"), &url);
    accepted(&begin(&leaving, "slow", "http/PutRequestV2", arguments).await);
    slow.arrived(1).await;
    let done = AtomicBool::new(false);
    let events = async {
        until("calls are answered", async || load.so_far().0 > 40).await;
        leaving.terminate();
        taken_over(&place.database, 2).await;
        slow.arrived(2).await;
        gate.open();
        let (answered, _) = load.so_far();
        until("the others answer calls", async || {
            load.so_far().0 > answered + 40
        })
        .await;
        done.store(true, Ordering::SeqCst);
    };
    let replicas = [&first, &second, &leaving];
    join!(
        load.work_on(&replicas, || !done.load(Ordering::SeqCst)),
        events
    );
    let ended = leaving.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let put = load.engine.result(&url).await;
    assert_eq!(put.success(), json!({"id": "slow", "effect": 2}));
    load.end(&first).await;
    assert_eq!(first.row_in("slow", "delivered").await.attempts, 2);
    for replica in [first, second] {
        assert_eq!(replica.problems().await, "[]");
    }
}

#[tokio::test]
async fn one_that_ends_hears_what_the_engine_says_to_its_results() {
    let (engine, effects) = (Engine::start().await, Effects::start().await);
    let gate = Gate::new();
    let (_place, [leaving, second, _third]) = three(&config(&engine, "0s")).await;
    let url = engine.callback([Turn::Behind(gate.clone())]);
    let arguments = with_callback(effects.arguments("pay"), &url);
    accepted(&begin(&leaving, "pay", "http/PostRequestV2", arguments).await);
    engine.arrived(&url, 1).await;
    leaving.terminate();
    leaving.log_line(&["Stopping"]).await;
    gate.open();
    assert_eq!(leaving.ended().await.code, Some(0));
    second.row_in("pay", "delivered").await;
    assert_eq!(engine.puts(&url).len(), 1);
}
