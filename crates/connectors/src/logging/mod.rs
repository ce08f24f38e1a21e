//! `logging`: writes lines to the log of Crosspoint itself. For trying things out, and for
//! processes that leave marks. What it answers is in `docs/connectors/logging.md`.

mod commands;
mod config;

use crosspoint_core::Native;

pub use config::Config;

/// The commands need nothing.
struct Connector;

/// The connector.
pub fn connector(Config {}: &Config) -> impl crosspoint_core::Connector {
    Native::new(
        "logging",
        "Writes lines to the log of Crosspoint.",
        Connector,
    )
    .command::<commands::Write>()
    .command::<commands::Trace>()
}

#[cfg(test)]
mod tests;
