//! The grammar of `crosspoint auth`.

use clap::{Args, Subcommand};
use crosspoint_broker::profiles::ProfileId;

use super::JsonArgs;

#[derive(Debug, Subcommand)]
pub enum AuthCommand {
    /// List what is authorised, until when, and what has to be authorised again
    List(JsonArgs),
    /// Authorise a profile: prints an address to open in a browser, and waits until that is done
    Login(LoginArgs),
    /// Forget what was granted for a profile; the provider is not told
    Forget(ForgetArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint auth login crm/prod                by the only auth of the connector
  crosspoint auth login crm/prod --auth main
  crosspoint auth login crm/prod --no-wait | xargs xdg-open

The server that runs with this data_dir is asked. The browser comes back to it at public_url.")]
pub struct LoginArgs {
    /// The profile: connector/name
    #[arg(value_name = "CONNECTOR/PROFILE")]
    pub profile: ProfileId,

    /// By which auth of the connector [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub auth: Option<String>,

    /// Print the address alone, and do not wait
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
pub struct ForgetArgs {
    /// The profile: connector/name
    #[arg(value_name = "CONNECTOR/PROFILE")]
    pub profile: ProfileId,
}
