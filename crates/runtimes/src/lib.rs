//! Connectors that are not Rust in this process. Each runtime yields mounts; none knows the broker.

pub mod python;
