//! The grammar of `crosspoint profile`.

use clap::{Args, Subcommand};
use crosspoint_broker::profiles::ProfileId;

use super::JsonArgs;
use crate::config::durations::Span;

#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// Make a profile, or change some of it
    Set(SetProfileArgs),
    /// List the profiles of the configuration file and of the store
    List(JsonArgs),
    /// Show a profile, secrets masked
    Show(NamedProfileArgs),
    /// Remove a profile from the store
    Remove(NamedProfileArgs),
    /// Try whether the system can be reached and takes a profile
    #[command(after_help = "Exit codes: 0 it works, 1 it does not, 2 it could not be tried.")]
    Check(NamedProfileArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint profile set crm/prod url=https://crm.example --from token=secret:CRM_TOKEN --default
  crosspoint profile set slack/prod --secret token < token.txt
  crosspoint profile set crm/prod --unset url --check-every 5m

Fields are name=text, or name:=JSON for anything that is not text. Secrets are asked
for on a terminal, or read from standard input, a line each where there are several; never from the
command line. A running server takes the
change within seconds.")]
pub struct SetProfileArgs {
    /// Which: connector/name
    #[arg(value_name = "CONNECTOR/NAME")]
    pub id: ProfileId,

    /// Settings: name=text or name:=JSON
    #[arg(value_name = "FIELD=VALUE")]
    pub settings: Vec<String>,

    /// A field whose value is read from standard input; may be repeated
    #[arg(long = "secret", value_name = "FIELD")]
    pub secrets: Vec<String>,

    /// A field whose value is elsewhere: secret:NAME or vault:PATH#FIELD; may be repeated
    #[arg(long = "from", value_name = "FIELD=REFERENCE")]
    pub from: Vec<String>,

    /// A field to take out; may be repeated
    #[arg(long, value_name = "FIELD")]
    pub unset: Vec<String>,

    /// Calls that name no profile use it
    #[arg(long, conflicts_with = "no_default")]
    pub default: bool,

    /// Calls that name no profile do not use it any more
    #[arg(long)]
    pub no_default: bool,

    /// Calls may use it
    #[arg(long, conflicts_with = "disabled")]
    pub enabled: bool,

    /// Calls that would use it are refused
    #[arg(long)]
    pub disabled: bool,

    /// The auth whose access token it gets
    #[arg(long, value_name = "NAME", conflicts_with = "no_auth")]
    pub auth: Option<String>,

    /// It gets no access token any more
    #[arg(long)]
    pub no_auth: bool,

    /// How often it is checked, such as 5m
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "no_check")]
    pub check_every: Option<Span>,

    /// It is not checked by itself any more
    #[arg(long)]
    pub no_check: bool,

    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct NamedProfileArgs {
    /// Which: connector/name
    #[arg(value_name = "CONNECTOR/NAME")]
    pub id: ProfileId,

    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

fn span(text: &str) -> Result<Span, String> {
    text.parse()
        .map_err(|wrong: crate::config::Wrong| wrong.why)
}
