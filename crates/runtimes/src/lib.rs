//! Connectors that are not Rust in this process. Each runtime yields mounts; none knows the broker.

mod idempotent;
mod process;
pub mod python;

pub use idempotent::Idempotent;
