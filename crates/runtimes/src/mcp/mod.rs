//! Servers of the Model Context Protocol as connectors: their tools are the commands.
//!
//! An [`McpMount`] starts a [`Server`] or connects to it, lists its tools, and keeps both alive. The
//! protocol itself is the official SDK's (`rmcp`); what carries its messages is here, so that
//! arguments and results pass as they are, every message has a limit, and HTTP goes by our rules.

mod about;
mod account;
mod answer;
mod client;
mod connection;
mod connector;
mod events;
mod http;
mod inbox;
mod incoming;
mod link;
mod listing;
mod mount;
mod names;
mod process;
mod schema;
mod server;
mod sessions;
mod stdio;
mod supervisor;
mod tools;
mod waiting;

pub use account::{Account, account_fields};
pub use mount::McpMount;
pub use server::{At, Program, Remote, Server, Settings};
