//! The grammar of `crosspoint activiti`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum ActivitiCommand {
    /// Print the definition of a connector, for the modelling application
    Export(ExportArgs),
    /// Check definitions as the modelling service does
    Validate(ValidateArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint activiti export http > http.json
  crosspoint activiti export postgres_v2 > postgres-v2.json

Activiti takes no '_' in the name of a connector: it becomes '-', and service tasks say postgres-v2.DoSQL.
The ids of actions and parameters are the same each time. What the modelling service would not take is
said on standard error.")]
pub struct ExportArgs {
    /// The connector, by its name here or in Activiti
    #[arg(value_name = "CONNECTOR")]
    pub connector: String,

    /// Write JSON: the definition beside its notes
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint activiti validate connectors/*.json
  crosspoint activiti validate http.json --json

Every mistake is told, with its place. Exit codes: 0 all well, 1 a definition has a mistake, 2 a file
cannot be read.")]
pub struct ValidateArgs {
    /// The definitions
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Write JSON
    #[arg(long)]
    pub json: bool,
}
