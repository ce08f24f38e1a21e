//! `crosspoint activiti`: connector definitions, and commands to runtime bundles.

mod export;
mod import;
mod send;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::ActivitiCommand;

/// Prints or checks definitions.
pub fn run(file: &Option<PathBuf>, command: ActivitiCommand) -> Result<ExitCode> {
    match command {
        ActivitiCommand::Export(args) => export::run(file, &args),
        ActivitiCommand::Import(args) => import::run(file, &args),
        ActivitiCommand::Send(args) => send::run(file, args),
        ActivitiCommand::Validate(args) => validate::run(&args),
    }
}
