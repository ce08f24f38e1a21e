//! `crosspoint ledger`: looks at the calls that were recorded, settles and repeats them.

mod advice;
mod again;
mod follow;
mod lines;
mod list;
mod replay;
mod rows;
mod settle;
mod show;
mod table;
mod time;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use crosspoint_broker::ledger::{Row, Store};
use crosspoint_store::Ledger;

pub use time::Moment;

use crate::cli::LedgerCommand;
use crate::command::kept::{self, not_possible};
use crate::config::Loaded;
use crate::config::types::LogFormat;
use crate::{actor, logging, wire};
use rows::Found;

/// When a result gets to its engine.
const DELIVERED: &str = "A running server delivers its result within a second or so, else the next \
                         one that starts.";

/// What the subcommands work on.
struct Desk {
    loaded: Loaded,
    ledger: Arc<Ledger>,
}

/// Lists, shows, settles or repeats.
pub fn run(file: &Option<PathBuf>, command: LedgerCommand) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(crate::show::problems(&problems)),
    };
    logging::start("off", LogFormat::Text, wire::mask(&loaded));
    kept::to_the_end(async {
        let desk = Desk::open(loaded).await?;
        let done = desk.run(command).await;
        desk.ledger.close().await;
        done
    })
}

// === impl Desk ===

impl Desk {
    async fn open(loaded: Loaded) -> Result<Desk> {
        match wire::ledger::open(&loaded, false).await? {
            Some(ledger) => Ok(Desk { loaded, ledger }),
            None => bail!(
                "there is no ledger here: the setting store.url is \"none\"; take it out, and calls \
                 are recorded from the next start of `crosspoint serve` on"
            ),
        }
    }

    async fn run(&self, command: LedgerCommand) -> Result<ExitCode> {
        match command {
            LedgerCommand::List(args) if args.follow => follow::run(self, args).await,
            LedgerCommand::List(args) => list::run(self, args).await,
            LedgerCommand::Show(args) => show::run(self, args).await,
            LedgerCommand::Settle(args) => settle::run(self, args).await,
            LedgerCommand::Replay(args) => replay::run(self, args).await,
        }
    }

    /// Records what was done, by the name of this user. What was done is done: that it is not
    /// recorded is said.
    async fn record(&self, act: &str, id: &str, detail: Option<&str>) {
        let detail = detail.map(str::to_owned);
        if let Err(error) = actor::record(&*self.ledger, act, id, detail).await {
            eprintln!("It is done, and could not be recorded: {error}");
        }
    }

    fn store(&self) -> &dyn Store {
        &*self.ledger
    }

    /// The call that an id means, and no other.
    async fn find(&self, id: &str) -> Result<Row> {
        let shown = crate::show::plain(id);
        match rows::find(self.store(), id).await? {
            Found::One(row) => Ok(*row),
            Found::None => Err(not_possible(format!(
                "There is no call {shown} in the ledger. The newest ones: crosspoint ledger list"
            ))),
            Found::Several(rows) => {
                let table = table::Table::of(&rows).whole(&rows);
                let text =
                    format!("Several calls have the request id {shown}; name one of:\n{table}");
                Err(not_possible(text.trim_end().to_owned()))
            }
        }
    }

    /// Prints what has become of a call: a sentence, or for programs the call.
    async fn tell(&self, id: &str, json: bool, sentence: &str) -> Result<()> {
        if !json {
            println!("{sentence}");
            return Ok(());
        }
        let row = self.find(id).await?;
        println!("{:#}", rows::json(&row));
        Ok(())
    }
}
