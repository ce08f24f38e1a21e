//! MCP servers through the mount and the contract of the core, with real processes.

mod answers;
#[path = "../common/mod.rs"]
mod common;
mod lists;
mod misbehaving;
mod output;
mod processes;
mod remote;
mod revisions;
mod support;
