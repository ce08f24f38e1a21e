//! Policies around each call: what engines and systems see of limits, breakers and retries.

mod breaker;
mod configuration;
mod limits;
mod retries;
mod starving;

use serde_json::json;

use crate::harness::{Answer, Proxy, Upstream};

/// A GET, which only reads.
async fn get(proxy: &Proxy, upstream: &Upstream) -> Answer {
    let arguments = json!({"url": upstream.url("/")});
    proxy.call("http/GetRequestV2", arguments).await
}

/// A POST, which has an effect.
async fn post(proxy: &Proxy, upstream: &Upstream) -> Answer {
    let arguments = json!({"url": upstream.url("/")});
    proxy.call("http/PostRequestV2", arguments).await
}

/// Fails unless a limit refused the call, as engines read it.
fn refused(answer: &Answer, status: u16, code: &str) {
    let found = (answer.status, answer.code());
    assert_eq!(found, (status, code.to_owned()), "{}", answer.text);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!(wait > 0, "{wait}");
    assert!(
        answer.message().contains("nothing was done"),
        "{}",
        answer.text
    );
}
