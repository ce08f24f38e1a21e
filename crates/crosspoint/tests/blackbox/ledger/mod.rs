//! The ledger and long calls: one effect for each key, rows that tell the truth, results that reach
//! the engine, whatever ends in between.

mod clock;
mod crashes;
mod deliveries;
mod dice;
mod disk;
mod hostile;
mod key_texts;
mod keys;
mod lists;
pub mod load;
pub mod long;
mod off;
mod opening;
mod outage;
pub mod place;
#[path = "../../../../connectors/src/postgres_v2/testing.rs"]
#[allow(
    dead_code,
    reason = "the tests of postgres_v2 need more of their server than is needed here"
)]
pub mod postgres;
mod records;
mod recovery;
mod settle;

use serde_json::Value;

use crate::harness::{Answer, Ask, Proxy};

/// The status and code of an answer to a key that cannot be had.
pub type Refusal = (u16, &'static str);

const CONFLICT: Refusal = (409, "idempotency_conflict");
pub const UNKNOWN: Refusal = (409, "outcome_unknown");
const UNAVAILABLE: Refusal = (503, "ledger_unavailable");
const OFF: Refusal = (501, "ledger_off");
const BAD_REQUEST: Refusal = (400, "invalid_request");

/// A call with a key. Its request is called as the key.
pub fn keyed(proxy: &Proxy, command: &str, arguments: &Value, key: &str) -> Ask {
    let ask = proxy.do_(command).json(arguments);
    ask.header("idempotency-key", key)
        .header("x-request-id", key)
}

/// The POST that has an effect each time, under a key.
pub async fn post(proxy: &Proxy, arguments: &Value, key: &str) -> Answer {
    keyed(proxy, "http/PostRequestV2", arguments, key)
        .send()
        .await
}

pub fn expect(answer: &Answer, (status, code): Refusal) {
    let found = (answer.status, answer.code());
    assert_eq!(found, (status, code.to_owned()), "{}", answer.text);
    assert!(!answer.message().is_empty(), "{}", answer.text);
}
