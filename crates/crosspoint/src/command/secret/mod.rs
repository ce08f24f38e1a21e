//! `crosspoint secret`: keeps secrets. Nothing here shows one.

mod list;
mod remove;
mod rotate;
mod set;
mod uses;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use crosspoint_broker::cabinet::Cabinet;
use crosspoint_broker::oauth::AuthSettings;
use crosspoint_broker::profiles::{Definition, Source, is_secret_name};
use crosspoint_store::Ledger;

use crate::cli::SecretCommand;
use crate::command::kept::{self, not_possible};
use crate::config::Loaded;
use crate::config::types::LogFormat;
use crate::{logging, wire};

/// What the subcommands work on.
struct Desk {
    /// Where the configuration refers to, by the key.
    references: Vec<(String, Source)>,
    /// The profiles of the configuration file.
    profiles: Vec<Definition>,
    auths: Vec<AuthSettings>,
    ledger: Arc<Ledger>,
}

/// Why nothing is kept.
const NOWHERE: &str = "there is nowhere to keep secrets: the setting store.url is \"none\"; take it \
                       out, or keep them elsewhere and refer to them with env:, file:, exec: or \
                       vault:";

/// Sets, lists or removes, or replaces the key that all are sealed with.
pub fn run(file: &Option<PathBuf>, command: SecretCommand) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load_unfollowed() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(crate::show::problems(&problems)),
    };
    logging::start("off", LogFormat::Text, wire::mask(&loaded));
    kept::to_the_end(async {
        dispatch(loaded, command).await?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn dispatch(loaded: Loaded, command: SecretCommand) -> Result<()> {
    match command {
        SecretCommand::Set(args) => {
            let name = checked(&args.name)?;
            // What nobody can keep is not asked for.
            let desk = Desk::open(&loaded, true).await?;
            let desk = desk.context("opening the store")?;
            let done = set::run(&desk, name).await;
            desk.close(done).await
        }
        SecretCommand::List(args) => match Desk::open(&loaded, false).await? {
            None => list::none(args.json),
            Some(desk) => {
                let done = list::run(&desk, args.json).await;
                desk.close(done).await
            }
        },
        SecretCommand::Remove(args) => {
            let name = checked(&args.name)?;
            match Desk::open(&loaded, false).await? {
                None => Err(remove::none(name)),
                Some(desk) => {
                    let done = remove::run(&desk, name, args.force).await;
                    desk.close(done).await
                }
            }
        }
        SecretCommand::RotateKey => rotate::run(&loaded).await,
    }
}

// === impl Desk ===

impl Desk {
    /// Opens the store beside a server, if one runs. `make`: also where there is none yet; else
    /// there is nothing to work on.
    async fn open(loaded: &Loaded, make: bool) -> Result<Option<Desk>> {
        let opened = match make {
            true => wire::ledger::open_to_write(loaded).await,
            false => wire::ledger::open(loaded, false).await,
        };
        match opened {
            Ok(Some(ledger)) => Ok(Some(Desk {
                references: loaded.references.clone(),
                profiles: loaded.profiles.clone(),
                auths: loaded.auths.clone(),
                ledger,
            })),
            Ok(None) => bail!(NOWHERE),
            Err(error) if !make && wire::ledger::is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn cabinet(&self) -> &dyn Cabinet {
        &*self.ledger
    }

    async fn close(self, done: Result<()>) -> Result<()> {
        crosspoint_broker::ledger::Store::close(&*self.ledger).await;
        done
    }
}

fn checked(name: &str) -> Result<&str> {
    // It may be the secret itself, given by mistake: it is not repeated.
    if !is_secret_name(name) {
        bail!(
            "this is not the name of a secret: write letters, digits, '_', '.' and '-', at most 128 \
             of them"
        );
    }
    Ok(name)
}
