//! The grammar of `crosspoint activiti`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::activiti_send::SendArgs;

#[derive(Debug, Subcommand)]
pub enum ActivitiCommand {
    /// Print the definition of a connector, for the modelling application
    Export(ExportArgs),
    /// Bind the actions of a definition to commands, and print what the configuration needs for it
    Import(ImportArgs),
    /// Check definitions as the modelling service does
    Validate(ValidateArgs),
    /// Start a process, or send a signal or a message
    Send(SendArgs),
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
  crosspoint activiti import movies.json --connector http --bind getMovieDesc=GetRequestV2
  crosspoint activiti import http.json >> crosspoint.toml

Actions and inputs are bound to commands and parameters of their names, capitals and signs apart. What
does not fit is said on standard error. Exit codes: 0 every action is bound, 1 one is not, 2 the file
cannot be read or there is no such connector.")]
pub struct ImportArgs {
    /// The definition
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The connector whose commands its actions run [default: the one of the definition's name]
    #[arg(long, value_name = "NAME")]
    pub connector: Option<String>,

    /// The command of an action; may be repeated
    #[arg(long, value_name = "ACTION=COMMAND", value_parser = pair)]
    pub bind: Vec<(String, String)>,

    /// Write JSON: the table beside what was bound and what does not fit
    #[arg(long)]
    pub json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((action, command)) if !action.is_empty() && !command.is_empty() => {
            Ok((action.to_owned(), command.to_owned()))
        }
        _ => Err("write ACTION=COMMAND".to_owned()),
    }
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
