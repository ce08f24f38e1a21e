//! The Model Context Protocol: every command as a tool, at `/mcp` and over standard input.
//!
//! [`server`] is what all clients share, `methods.rs` the list of methods, `call.rs` the way of a call.
//! `answer.rs` has the one function that turns a failure into an answer. `endpoint.rs` and `stdio.rs` are
//! the two ways in (decision 0017).

mod answer;
mod asker;
mod call;
mod endpoint;
mod fault;
mod lines;
mod message;
mod meta;
mod methods;
mod metrics;
mod names;
mod origin;
mod reply;
mod respond;
mod revision;
mod server;
mod sessions;
mod sse;
mod standard;
mod stdio;
mod tools;
mod visit;

pub(crate) use endpoint::{delete, get, post};
pub use lines::{Lines, TooLong};
pub(crate) use origin::Origins;
pub(crate) use respond::denied;
pub use server::{Mcp, Settings};
pub use stdio::stdio;

/// Where it is served.
pub(crate) const PATH: &str = "/mcp";

/// The header with the id of a session (2025-11-25, Session Management). Whoever knows it may use the
/// session.
pub(crate) static SESSION_ID: http::HeaderName = http::HeaderName::from_static("mcp-session-id");

/// The headers that repeat what is in the body.
pub(crate) static STANDARD: [http::HeaderName; 3] =
    [standard::VERSION, standard::METHOD, standard::NAME];
