//! The ways in. Each ingress decodes a call, submits it to the broker, and has exactly one
//! function that turns a failure into its own kind of answer.
//!
//! [`router`] lists every route; [`serve`] runs it on a listener.

mod access;
pub mod activiti;
mod answer;
mod api;
mod auth;
mod body;
mod listing;
mod live;
pub mod mcp;
mod openapi;
mod operate;
mod pattern;
mod request;
mod rights;
mod router;
mod serve;
mod spiff;

pub use access::Access;
pub use api::callback as api_callback;
pub use live::Live;
pub use router::{Settings, router};
pub use serve::serve;
pub use spiff::{callback, commands_json};
