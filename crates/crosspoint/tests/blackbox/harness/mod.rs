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

use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::time::{Duration, sleep, timeout};

/// Waits for what must come.
pub async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    let came = timeout(PATIENCE, coming).await;
    came.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Runs a program to its end, which may be a while off: some build something.
pub async fn output(program: impl Into<tokio::process::Command>) -> Output {
    let mut program = program.into();
    let program = program.stdin(Stdio::null()).kill_on_drop(true);
    let ended = timeout(10 * PATIENCE, program.output()).await;
    let ended = ended.unwrap_or_else(|_| panic!("it does not end: {program:?}"));
    ended.unwrap_or_else(|error| panic!("{error}: {program:?}"))
}

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
    let waiting = async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let over = timeout(patience, waiting).await;
    assert!(over.is_ok(), "waited in vain until {what}");
}
