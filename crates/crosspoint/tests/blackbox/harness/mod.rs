//! What the tests are made of: the program under test, systems for it to talk to, and judges of
//! what it says.

mod canaries;
mod capture;
mod client;
mod proxy;
mod raw;
mod reply;
mod schemas;
mod shared;
mod tls;
mod upstream;

pub use canaries::Canaries;
pub use client::Answer;
pub use proxy::{Ended, PATIENCE, Proxy, Setup};
pub use raw::RawAnswer;
pub use reply::{Gate, Reply};
pub use schemas::check;
pub use shared::{outlive_nobody, shared};
pub use tls::Authority;
pub use upstream::{Seen, Upstream, closed_port};

use serde_json::Value;

/// Reads JSON, or shows what is none.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}
