//! A clock that jumps: that of the process under test, by libfaketime.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::long::{accepted, begin, config, with_callback};
use super::post;
use crate::harness::{Effects, Engine, Gate, Proxy, Setup, Turn};

/// The library that fakes it for programs with threads.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut files = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = files.find(|file| file.exists());
    found.expect("this test needs libfaketime: run `cargo xtask test`, which installs it")
}

/// A setup whose clock is as far off as its file says.
fn setup(config: &str) -> Setup {
    let setup = Setup::new().config(config).file("clock", "+0");
    let file = setup.path().join("clock").display().to_string();
    setup
        .env("LD_PRELOAD", library().display().to_string())
        .env("FAKETIME_TIMESTAMP_FILE", file)
        .env("FAKETIME_NO_CACHE", "1")
        // As when somebody sets the clock: timers do not care.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
}

/// Lets the clock jump, whole as it is written.
fn jump(setup: &Setup, offset: &str) {
    let (new, file) = (setup.path().join("clock.new"), setup.path().join("clock"));
    fs::write(&new, offset).unwrap();
    fs::rename(new, file).unwrap();
}

/// The year and month of a row's beginning.
async fn month(proxy: &Proxy, request: &str) -> String {
    let rows = proxy.rows(&["--request", request]).await;
    rows[0].created[..7].to_owned()
}

#[tokio::test]
async fn keys_deliveries_and_lists_go_on_when_the_clock_jumps() {
    let (engine, effects) = (Engine::start().await, Effects::start().await);
    let setup = setup(&config(&engine, "0s"));
    let mut proxy = setup.clone().serve().await;
    let mut months = Vec::new();
    // Each a month or more from the one before; less than what is kept.
    let jumps = ["+0", "+40d", "-40d", "+80d", "+0"];
    for (n, offset) in jumps.into_iter().enumerate() {
        // One result is on its way while the clock jumps.
        let gate = Gate::new();
        let waiting = engine.callback([Turn::Behind(gate.clone())]);
        let name = format!("waiting-{n}");
        let arguments = with_callback(effects.arguments(&name), &waiting);
        accepted(&begin(&proxy, &name, "http/PostRequestV2", arguments).await);
        engine.arrived(&waiting, 1).await;
        jump(&setup, offset);
        gate.open();
        let key = format!("key-{n}");
        let first = post(&proxy, &effects.arguments(&key), &key).await;
        assert_eq!(first.success(), json!({"id": key, "effect": 1}));
        // All keys so far are known.
        for earlier in 0..=n {
            let key = format!("key-{earlier}");
            let again = post(&proxy, &effects.arguments(&key), &key).await;
            assert_eq!(again.success(), json!({"id": key, "effect": 1}), "{offset}");
        }
        engine.result(&waiting).await;
        proxy.row_in(&name, "delivered").await;
        let fresh = engine.callback([]);
        let name = format!("fresh-{n}");
        let arguments = with_callback(effects.arguments(&name), &fresh);
        accepted(&begin(&proxy, &name, "http/PostRequestV2", arguments).await);
        engine.result(&fresh).await;
        proxy.row_in(&name, "delivered").await;
        months.push(month(&proxy, &key).await);
        // Nor does a restart in the other time lose anything.
        if n % 2 == 1 {
            proxy = proxy.kill().await.serve().await;
        }
    }
    months.sort();
    months.dedup();
    assert!(months.len() >= 4, "the clock did not jump: {months:?}");
    assert_eq!(proxy.rows(&[]).await.len(), 3 * jumps.len());
    assert_eq!(proxy.rows(&["--limit", "4"]).await.len(), 4);
    assert_eq!(proxy.problems().await, "[]");
}

#[tokio::test]
async fn a_jump_does_not_give_a_result_up() {
    let (engine, effects) = (Engine::start().await, Effects::start().await);
    let setup = setup(&config(&engine, "0s"));
    let proxy = setup.clone().serve().await;
    for (id, offset) in [("forth", "+40d"), ("back", "-40d")] {
        // Not taken before the jump, nor once after it.
        let url = engine.callback([Turn::Status(503), Turn::Status(503)]);
        let arguments = with_callback(effects.arguments(id), &url);
        accepted(&begin(&proxy, id, "http/PostRequestV2", arguments).await);
        engine.arrived(&url, 1).await;
        jump(&setup, offset);
        engine.arrived(&url, 3).await;
        proxy.row_in(id, "delivered").await;
        assert_eq!((engine.taken(&url), effects.of(id)), (1, 1), "{id}");
    }
}
