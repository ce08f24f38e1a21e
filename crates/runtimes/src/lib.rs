//! Connectors that are not Rust in this process. Each runtime yields mounts; none knows the broker.

mod background;
mod envelope;
mod idempotent;
pub mod mcp;
mod notes;
mod object;
pub mod openapi;
mod process;
pub mod python;
pub mod remote;

pub use idempotent::Idempotent;
