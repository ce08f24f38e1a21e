//! Python connectors through the mount and the contract of the core, with real interpreters.

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod crashes;
mod mounts;
mod output;
mod replacing;
mod stuck;
mod support;
mod zoo;
