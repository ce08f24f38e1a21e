//! What `rabbit` needs of the tests.

#[path = "../../crates/crosspoint/tests/blackbox/harness/tls.rs"]
#[allow(dead_code, reason = "the tests need more of it")]
mod tls;

pub use tls::Authority;
