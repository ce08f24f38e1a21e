//! Connectors that are not Rust in this process. Each runtime yields mounts; none knows the broker.

mod idempotent;
pub mod mcp;
mod process;
pub mod python;

pub use idempotent::Idempotent;
