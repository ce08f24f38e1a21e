//! `os`: runs programs on this machine. There only when the setting `builtin` names it, and then
//! only for the programs that its allow list names. No shell is involved.

mod commands;
mod config;
mod process;

use crosspoint_core::Native;

pub use config::Config;

/// The connector.
pub fn connector(config: &Config) -> impl crosspoint_core::Connector {
    let native = Native::new("os", "Runs programs on this machine.", config.clone());
    native.command::<commands::SpawnProcess>()
}

#[cfg(test)]
mod tests;
