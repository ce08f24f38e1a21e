//! MCP servers through the mount and the contract of the core, with real processes.

mod answers;
#[path = "../python/interpreter.rs"]
mod interpreter;
mod lists;
mod misbehaving;
mod output;
mod processes;
mod remote;
mod revisions;
mod support;
