//! MCP servers as connectors, through the built program.

mod checking;
mod examples;
mod others;
mod remote;
mod scaffold;
mod serving;
mod support;
