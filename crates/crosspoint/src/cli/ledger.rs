//! The grammar of `crosspoint ledger`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, value_parser};
use crosspoint_broker::ledger::State;

use crate::command::ledger::Moment;

#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// List calls, the newest first
    List(ListArgs),
    /// Show one call, and what can be done about it
    Show(ShowArgs),
    /// Say what became of a call that nobody knows of, or run it again
    Settle(SettleArgs),
    /// Deliver a result again that the engine did not take, or run a failed call again
    Replay(ReplayArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint ledger list                        the newest 50
  crosspoint ledger list --state unknown        somebody has to settle these
  crosspoint ledger list --command http/PostRequestV2 --since 2h
  crosspoint ledger list --since 2026-03-01T08:00:00Z --until 2026-03-01T09:00:00+01:00
  crosspoint ledger list --follow               each call as it comes and as its state changes
  crosspoint ledger list --state failed --json | jq -r '.[].id'

States: received, accepted, running, succeeded, failed, unknown, handed_over, and of long calls
finished, delivered, undeliverable. docs/ledger.md explains them.")]
pub struct ListArgs {
    /// Only calls of this connector
    #[arg(long, value_name = "NAME")]
    pub connector: Option<String>,

    /// Only calls of this command: its name, or connector/Command
    #[arg(long, value_name = "NAME")]
    pub command: Option<String>,

    /// Only calls in this state
    #[arg(
        long,
        value_name = "STATE",
        hide_possible_values = true,
        value_parser = PossibleValuesParser::new(State::ALL.map(State::name))
            .try_map(|name| name.parse::<State>()),
    )]
    pub state: Option<State>,

    /// Only calls of this task of the engine
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,

    /// Only calls of this process instance of the engine
    #[arg(long, value_name = "ID")]
    pub instance: Option<String>,

    /// Only calls with this x-request-id, or with this id
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,

    /// Only calls that came in at this time or later: a time as in RFC 3339, or how long ago, such
    /// as 2h
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,

    /// Only calls that came in before this time
    #[arg(long, value_name = "TIME", conflicts_with = "follow")]
    pub until: Option<Moment>,

    /// How many calls at the most
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 50,
        value_parser = value_parser!(u32).range(1..),
    )]
    pub limit: u32,

    /// Go on until Ctrl-C with calls that come in, and whenever the state of one changes; the
    /// newest are at the bottom
    #[arg(long, short)]
    pub follow: bool,

    /// Write JSON: an array; with --follow an object a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The id is that of the call or its x-request-id: the one that the answer, the log and `crosspoint
ledger list` show.

Examples:
  crosspoint ledger show 0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77
  crosspoint ledger show 0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77 --result > result.json")]
pub struct ShowArgs {
    /// Which call
    #[arg(value_name = "ID")]
    pub id: String,

    /// Write the whole result to standard output as it was, and nothing else. It may hold secrets
    #[arg(long)]
    pub result: bool,

    /// Write JSON; with --result the result with its status, headers and log lines
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A call is unknown when it was sent and no answer came: it may have happened or not. Look at the
system that it was sent to, and then say what is true. A request with the same key is answered so
from then on; of a long call the engine gets the result.

Examples:
  crosspoint ledger settle ID --succeeded
  crosspoint ledger settle ID --succeeded --body answer.json
  crosspoint ledger settle ID --failed NotPaid --message \"the bank has no such payment\"
  crosspoint ledger settle ID --run-again        it did not happen, and shall

Exit codes: 0 settled, 1 not possible or the call failed when it ran again, 2 the command line,
the configuration or the ledger is wrong.")]
#[command(group = clap::ArgGroup::new("end").required(true).multiple(false))]
pub struct SettleArgs {
    /// Which call
    #[arg(value_name = "ID")]
    pub id: String,

    /// It has happened
    #[arg(long, group = "end")]
    pub succeeded: bool,

    /// The result it had ('-': standard input); JSON if it is, else text [default: {}]
    #[arg(long, value_name = "FILE", requires = "succeeded", conflicts_with_all = ["failed", "run_again"])]
    pub body: Option<PathBuf>,

    /// It has not happened, and will not: the error code that a diagram catches
    #[arg(long, value_name = "CODE", group = "end")]
    pub failed: Option<String>,

    /// Why, for the engine's message
    #[arg(long, value_name = "TEXT", requires = "failed", conflicts_with_all = ["succeeded", "run_again"])]
    pub message: Option<String>,

    /// Run it again, as another attempt of the same call
    #[arg(long, group = "end")]
    pub run_again: bool,

    /// Write the call as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
  undeliverable   the result is delivered again, without running anything
  failed          the call runs again, as another attempt of the same call

Whatever else has to be settled, is under way, or is done.

Examples:
  crosspoint ledger list --state undeliverable
  crosspoint ledger replay 0193c0de-7f3a-7c11-9a51-5d3f0c2b8e77

Exit codes: 0 done, 1 not possible or the call failed again, 2 the command line, the configuration
or the ledger is wrong.")]
pub struct ReplayArgs {
    /// Which call
    #[arg(value_name = "ID")]
    pub id: String,

    /// Write the call as JSON
    #[arg(long)]
    pub json: bool,
}
