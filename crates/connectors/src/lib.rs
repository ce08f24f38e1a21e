//! The connectors that come with Crosspoint, a folder each.
//!
//! [`BUILT_IN`] is the list. A folder has `mod.rs` (what the connector is), `config.rs` (its
//! settings), `commands.rs` (what it can do), and files named for the rest of its work.

use std::sync::Arc;

use crosspoint_core::{Connector, Fields};
use crosspoint_net::{Authorities, Http};

pub mod http;
pub mod logging;
pub mod os;
pub mod postgres_v2;
pub mod slack;
pub mod smtp;

/// The names of all built-in connectors, for configuration to check against.
pub const BUILT_IN: &[&str] = &["http", "logging", "os", "postgres_v2", "slack", "smtp"];

/// The settings of all built-in connectors.
#[derive(Default)]
pub struct Settings {
    /// Of `http`.
    pub http: http::Config,
    /// Of `logging`.
    pub logging: logging::Config,
    /// Of `os`.
    pub os: os::Config,
    /// Of `postgres_v2`.
    pub postgres_v2: postgres_v2::Config,
    /// Of `slack`.
    pub slack: slack::Config,
    /// Of `smtp`.
    pub smtp: smtp::Config,
}

/// The built-in connector of that name, or nothing when it is not in [`BUILT_IN`].
///
/// `client` is the outbound HTTP client with this connector's egress rules.
pub fn built_in(name: &str, settings: &Settings, client: Http) -> Option<Arc<dyn Connector>> {
    match name {
        "http" => Some(Arc::new(http::connector(&settings.http, client))),
        "logging" => Some(Arc::new(logging::connector(&settings.logging))),
        "os" => Some(Arc::new(os::connector(&settings.os))),
        "postgres_v2" => Some(Arc::new(postgres_v2::connector(
            &settings.postgres_v2,
            client,
        ))),
        "slack" => Some(Arc::new(slack::connector(&settings.slack, client))),
        "smtp" => Some(Arc::new(smtp::connector(&settings.smtp, client))),
        _ => None,
    }
}

/// The names of the commands of a built-in connector, for configuration to check against. Empty when
/// there is no such connector.
pub fn commands_of(name: &str) -> Vec<String> {
    let connector = described(name);
    let commands = connector.iter().flat_map(|c| &c.manifest().commands);
    commands.map(|command| command.name.clone()).collect()
}

/// What profiles of a built-in connector may hold, for configuration to check against. Nothing when
/// there is no such connector.
pub fn fields_of(name: &str) -> Fields {
    let connector = described(name);
    connector.map_or_else(Fields::default, |c| c.manifest().fields.clone())
}

/// A connector of which nothing is called: what its client may reach does not matter.
fn described(name: &str) -> Option<Arc<dyn Connector>> {
    let settings = crosspoint_net::Settings {
        authorities: Authorities::none(),
        ..crosspoint_net::Settings::default()
    };
    let client = Http::new(settings).ok()?;
    built_in(name, &Settings::default(), client)
}
