//! Calls of which nobody knows whether they happened, until somebody says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{UNKNOWN, expect, keyed, post};
use crate::harness::{Effects, Proxy, Reply, Row, Setup};
use crate::python::support::{connector, kill, pid, serve, zoo};

/// A POST whose connection broke off when it had been sent.
struct Broken {
    proxy: Proxy,
    effects: Effects,
    /// Whether the system is well again.
    well: Arc<AtomicBool>,
    arguments: Value,
    row: Row,
}

const KEY: &str = "pay-4711";

async fn broken() -> Broken {
    let well = Arc::new(AtomicBool::new(false));
    let now = well.clone();
    let effects = Effects::with(move |seen, id, n| match now.load(Ordering::SeqCst) {
        true => Effects::usual(seen, id, n),
        false => Reply::raw(""),
    })
    .await;
    let proxy = Setup::new().serve().await;
    let arguments = effects.arguments("pay");
    let first = post(&proxy, &arguments, KEY).await;
    // The first caller gets to know what happened.
    assert_eq!(
        (first.status, first.code()),
        (200, "ConnectionError".to_owned()),
        "{}",
        first.text
    );
    let row = proxy.row_in(KEY, "unknown").await;
    Broken {
        proxy,
        effects,
        well,
        arguments,
        row,
    }
}

// === impl Broken ===

impl Broken {
    async fn again(&self) -> crate::harness::Answer {
        post(&self.proxy, &self.arguments, KEY).await
    }

    /// Settles it: by the way of a server that runs, or on the store alone.
    async fn settle(self, running: bool, how: &[&str]) -> Broken {
        let Broken {
            mut proxy,
            effects,
            well,
            arguments,
            row,
        } = self;
        let command = [&["settle", &row.id], how].concat();
        if running {
            proxy.ledger(&command).await.text(0);
        } else {
            let setup = proxy.kill().await;
            setup.ledger(&command).await.text(0);
            proxy = setup.serve().await;
        }
        Broken {
            proxy,
            effects,
            well,
            arguments,
            row,
        }
    }

    /// Fails unless it had so many effects, and is one row still.
    async fn had(&self, effects: usize, attempts: u32, state: &str) -> Row {
        assert_eq!(self.effects.of("pay"), effects);
        let row = self.proxy.row_in(KEY, state).await;
        assert_eq!((&row.id, row.attempts), (&self.row.id, attempts));
        row
    }
}

#[tokio::test]
async fn until_it_is_settled_its_key_is_answered_with_what_to_do() {
    let broken = broken().await;
    broken.well.store(true, Ordering::SeqCst);
    assert_eq!(broken.row.effect.as_deref(), Some("maybe"));
    assert_eq!(broken.row.code.as_deref(), Some("ConnectionError"));
    for _ in 0..3 {
        let answer = broken.again().await;
        expect(&answer, UNKNOWN);
        let message = answer.message();
        assert!(
            message.contains("ledger settle") && message.contains(&broken.row.id),
            "{message}"
        );
    }
    broken.had(1, 1, "unknown").await;
    let count = "crosspoint_calls_unknown_total";
    broken.proxy.counts(count, 1.0).await;
    // Nor does a restart know more.
    let setup = broken.proxy.kill().await;
    let proxy = setup.serve().await;
    expect(&post(&proxy, &broken.arguments, KEY).await, UNKNOWN);
    assert_eq!(broken.effects.of("pay"), 1);
}

#[tokio::test]
async fn it_is_settled_as_succeeded_with_a_body() {
    for running in [true, false] {
        let broken = broken().await;
        let body = broken.proxy.path().join("body.json");
        std::fs::write(&body, r#"{"paid": "by hand"}"#).unwrap();
        let body = body.display().to_string();
        let how = ["--succeeded", "--body", &body];
        let broken = broken.settle(running, &how).await;
        for _ in 0..2 {
            let answer = broken.again().await;
            assert_eq!(answer.success(), json!({"paid": "by hand"}), "{running}");
        }
        let row = broken.had(1, 1, "succeeded").await;
        assert!(row.code.is_none() && row.ended.is_some(), "{row:?}");
    }
}

#[tokio::test]
async fn it_is_settled_as_succeeded_without_a_body() {
    let broken = broken().await.settle(true, &["--succeeded"]).await;
    let first = broken.again().await;
    first.success();
    assert_eq!(broken.again().await.text, first.text);
    broken.had(1, 1, "succeeded").await;
}

#[tokio::test]
async fn it_is_settled_as_failed() {
    for running in [true, false] {
        let how = ["--failed", "NeverPaid", "--message", "the bank says no"];
        let broken = broken().await.settle(running, &how).await;
        broken.well.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            let answer = broken.again().await;
            assert_eq!(answer.code(), "NeverPaid", "{}", answer.text);
            assert_eq!(answer.message(), "the bank says no");
        }
        let row = broken.had(1, 1, "failed").await;
        assert_eq!(row.code.as_deref(), Some("NeverPaid"));
        assert_eq!(row.message.as_deref(), Some("the bank says no"));
    }
}

#[tokio::test]
async fn it_is_run_again_when_somebody_says_so() {
    for running in [true, false] {
        let broken = broken().await;
        broken.well.store(true, Ordering::SeqCst);
        let broken = broken.settle(running, &["--run-again"]).await;
        let answer = broken.again().await;
        assert_eq!(answer.success(), json!({"id": "pay", "effect": 2}));
        broken.had(2, 2, "succeeded").await;
    }
}

#[tokio::test]
async fn what_is_run_again_and_breaks_off_again_is_unknown_again() {
    let broken = broken().await;
    let command = ["settle", &broken.row.id, "--run-again"];
    broken.proxy.ledger(&command).await.text(1);
    expect(&broken.again().await, UNKNOWN);
    broken.had(2, 2, "unknown").await;
}

#[tokio::test]
async fn what_is_not_unknown_cannot_be_settled() {
    let broken = broken().await;
    let id = broken.row.id.clone();
    let settle = async |id: &str, how: &[&str]| {
        let command = [&["settle", id], how].concat();
        broken.proxy.ledger(&command).await
    };
    let nobody = settle("01890a5d-ac96-774b-bcce-b302099a8057", &["--succeeded"]).await;
    nobody.text(1);
    assert!(nobody.stderr.contains("01890a5d-ac96"), "{}", nobody.stderr);
    for how in [
        &[][..],
        &["--succeeded", "--failed", "No"],
        &["--failed"],
        &["--succeeded", "--body", "nowhere.json"],
    ] {
        settle(&id, how).await.text(2);
    }
    broken.had(1, 1, "unknown").await;
    settle(&id, &["--failed", "No"]).await.text(0);
    for how in [&["--succeeded"][..], &["--failed", "No"], &["--run-again"]] {
        let again = settle(&id, how).await;
        again.text(1);
        assert!(again.stderr.contains("failed"), "{how:?}: {}", again.stderr);
    }
    broken.had(1, 1, "failed").await;
}

#[tokio::test]
async fn a_worker_that_dies_in_a_call_with_a_key_leaves_it_unknown() {
    let proxy = serve(&connector("gallery", zoo("connector-gallery"))).await;
    let worker = pid(&proxy, "gallery").await;
    let begun = proxy.path().join("begun");
    let arguments = json!({"begun": begun, "until": "/nowhere/at/all"});
    let ask = || keyed(&proxy, "gallery/Hold", &arguments, KEY);
    let call = tokio::spawn(ask().send());
    crate::harness::until("the call has begun", async || begun.exists()).await;
    kill(worker);
    assert_eq!(call.await.unwrap().code(), "worker_crashed");
    std::fs::remove_file(&begun).unwrap();
    expect(&ask().send().await, UNKNOWN);
    assert!(!begun.exists());
    proxy.row_in(KEY, "unknown").await;
}

#[tokio::test]
async fn a_command_declared_safe_to_repeat_runs_again_after_its_worker_died() {
    let table = connector("gallery", zoo("connector-gallery")) + "idempotent = [\"Hold\"]\n";
    let proxy = serve(&table).await;
    let worker = pid(&proxy, "gallery").await;
    let (begun, release) = (proxy.path().join("begun"), proxy.path().join("release"));
    let arguments = json!({"begun": begun, "until": release});
    let ask = || keyed(&proxy, "gallery/Hold", &arguments, KEY);
    let call = tokio::spawn(ask().send());
    crate::harness::until("the call has begun", async || begun.exists()).await;
    kill(worker);
    std::fs::write(release, "").unwrap();
    // Either its failure, or the answer of another worker.
    call.await.unwrap();
    assert_ne!(ask().send().await.success(), worker);
    proxy.row_in(KEY, "succeeded").await;
}
