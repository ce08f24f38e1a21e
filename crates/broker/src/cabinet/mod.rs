//! The cabinet: what has to outlive the process beside calls, behind a port that knows no SQL.
//! Profiles, secrets, what was granted by OAuth, access keys.
//!
//! Read [`Cabinet`] first. [`Memory`] is the one of a process that has no store.

mod memory;
mod port;

pub use memory::Memory;
pub use port::{Act, Cabinet, Drawer, Expected, Item};
