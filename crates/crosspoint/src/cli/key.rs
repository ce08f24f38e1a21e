//! The grammar of `crosspoint key` and `crosspoint audit`.

use clap::{Args, Subcommand};
use crosspoint_broker::access::Scopes;
use crosspoint_broker::profiles::is_secret_name;

use super::JsonArgs;
use crate::config::durations::{Age, Delay};
use crate::config::keys::Expiry;

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key, and print it this once
    Create(CreateArgs),
    /// List the keys that the store keeps
    List(JsonArgs),
    /// Give a key another value; the one before is taken for a while
    Rotate(RotateArgs),
    /// Remove a key: it is not taken any more
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint key create engine --scope call --scope ingress:spiff
  crosspoint key create dashboard --scope read --expires 90d
  crosspoint key create crm --scope call --scope 'connector:crm*' --expires 2027-03-01

The key itself goes to standard output, everything else to standard error. Only its hash is kept, so
that it cannot be shown again. A running server takes it within seconds.

Scopes: read, call, administer; ingress:spiff, ingress:api, ingress:mcp; connector:NAME, with * for any
characters. Of a kind that is absent everything counts. docs/access.md explains them.")]
pub struct CreateArgs {
    /// What logs and the ledger call it: letters, digits, '_', '-' and '.'
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,

    /// What it is good for; may be repeated [default: everything]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    pub scopes: Vec<String>,

    /// How long it is good, such as 90d or 12h, or until when, such as 2027-03-01 [default: for ever]
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    pub expires: Option<i64>,

    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint key rotate engine                  the old value is taken for another day
  crosspoint key rotate engine --grace 0s       the old value has leaked: not taken any more")]
pub struct RotateArgs {
    /// The key
    #[arg(value_name = "NAME")]
    pub name: String,

    /// For how long the old value is taken as well
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = grace)]
    pub grace: std::time::Duration,

    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The key
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint audit                              the newest 50 acts
  crosspoint audit --limit 1000 --json | jq -r '.[] | select(.act == \"key.create\")'")]
pub struct AuditArgs {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,

    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

fn name(text: &str) -> Result<String, String> {
    match is_secret_name(text) {
        true => Ok(text.to_owned()),
        false => Err("a name has 1 to 128 letters, digits, '_', '-' and '.'".to_owned()),
    }
}

fn scope(text: &str) -> Result<String, String> {
    let scope = text.parse::<Scopes>();
    scope
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

fn expiry(text: &str) -> Result<i64, String> {
    let now = jiff::Timestamp::now().as_millisecond();
    if let Ok(expiry) = text.parse::<Expiry>() {
        return match expiry.ms > now {
            true => Ok(expiry.ms),
            false => Err("that is over already: nobody would come in by the key".to_owned()),
        };
    }
    let wrong = "neither a duration such as 90d nor a day such as 2027-03-01";
    let long = grace(text).map_err(|_| wrong.to_owned())?;
    let ms = i64::try_from(long.as_millis()).map_err(|_| wrong.to_owned())?;
    Ok(now.saturating_add(ms))
}

/// Short ones by the one, long ones by the other.
fn grace(text: &str) -> Result<std::time::Duration, String> {
    match (text.parse::<Delay>(), text.parse::<Age>()) {
        (Ok(Delay(long)), _) | (_, Ok(Age(long))) => Ok(long),
        _ => Err("not a duration such as 24h, 30d or 0s".to_owned()),
    }
}
