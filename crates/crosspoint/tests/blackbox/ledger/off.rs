//! A key where nothing is recorded at all, and where nothing can be recorded at the moment: for good, and
//! for now.

use serde_json::json;

use super::place::Place;
use super::{OFF, UNAVAILABLE, expect, post};
use crate::harness::{Answer, Effects, Proxy, Setup};

/// The same call by the API.
async fn by_api(proxy: &Proxy, effects: &Effects) -> Answer {
    let call = json!({
        "command": "http/PostRequestV2", "arguments": effects.arguments("pay"), "idempotency_key": "k",
    });
    proxy.asks(&call).send().await
}

#[tokio::test]
async fn without_a_ledger_a_key_is_refused_for_good() {
    let effects = Effects::start().await;
    let config = "[store]\nurl = \"none\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let by_engine = post(&proxy, &effects.arguments("pay"), "k").await;
    expect(&by_engine, OFF);
    let by_program = by_api(&proxy, &effects).await;
    assert_eq!(by_program.problem(), (OFF.0, OFF.1.to_owned()));
    for answer in [by_engine, by_program] {
        assert_eq!(answer.header("retry-after"), "", "{}", answer.text);
        let why = "an idempotency key needs the ledger, which is switched off here";
        assert!(answer.text.contains(why), "{}", answer.text);
    }
    assert_eq!(effects.of("pay"), 0);
}

#[tokio::test]
async fn with_a_ledger_that_cannot_be_written_a_key_is_refused_for_now() {
    let effects = Effects::start().await;
    let place = Place::sqlite("");
    let proxy = place.setup.serve().await;
    let lock = place.database.lock().await;
    expect(
        &post(&proxy, &effects.arguments("pay"), "k").await,
        UNAVAILABLE,
    );
    let by_program = by_api(&proxy, &effects).await;
    assert_eq!(
        by_program.problem(),
        (UNAVAILABLE.0, UNAVAILABLE.1.to_owned())
    );
    assert_ne!(by_program.header("retry-after"), "");
    assert_eq!(effects.of("pay"), 0);
    drop(lock);
    by_api(&proxy, &effects).await.brought();
    assert_eq!(effects.of("pay"), 1);
}
