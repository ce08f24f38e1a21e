//! The connectors that come with Crosspoint, a folder each.
//!
//! [`BUILT_IN`] is the list. A folder has `mod.rs` (what the connector is), `config.rs` (its
//! settings), `commands.rs` (what it can do), and files named for the rest of its work.

use std::sync::Arc;

use crosspoint_core::Connector;
use crosspoint_net::Http;

pub mod http;
pub mod os;

/// The names of all built-in connectors, for configuration to check against.
pub const BUILT_IN: &[&str] = &["http", "os"];

/// The settings of all built-in connectors.
pub struct Settings {
    /// Of `http`.
    pub http: http::Config,
    /// Of `os`.
    pub os: os::Config,
}

/// The built-in connector of that name, or nothing when it is not in [`BUILT_IN`].
///
/// `client` is the outbound HTTP client with this connector's egress rules.
pub fn built_in(name: &str, settings: &Settings, client: Http) -> Option<Arc<dyn Connector>> {
    match name {
        "http" => Some(Arc::new(http::connector(&settings.http, client))),
        "os" => Some(Arc::new(os::connector(&settings.os))),
        _ => None,
    }
}
