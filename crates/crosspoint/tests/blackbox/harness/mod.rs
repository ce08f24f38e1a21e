//! What the tests are made of: the program under test, systems for it to talk to, and judges of
//! what it says.

mod api;
mod canaries;
mod capture;
mod client;
mod database;
mod effects;
mod engine;
mod ledger;
mod proxy;
mod raw;
mod reply;
mod schemas;
mod shared;
mod tls;
mod upstream;

pub use canaries::Canaries;
pub use client::{Answer, Ask};
pub use database::Database;
pub use effects::Effects;
pub use engine::{Engine, Turn};
pub use ledger::Row;
pub use proxy::{Ended, PATIENCE, Proxy, Running, Setup};
pub use raw::RawAnswer;
pub use reply::{Gate, Reply};
pub use schemas::check;
pub use shared::{outlive_nobody, shared};
pub use tls::Authority;
pub use upstream::{Seen, Upstream, closed_port};

use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

/// Reads JSON, or shows what is none.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

/// Waits for a condition.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    until_within(PATIENCE, what, holds).await;
}

/// The same for what may take longer than everything else.
pub async fn until_within(patience: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + patience;
    while !holds().await {
        assert!(Instant::now() < end, "waited in vain until {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
