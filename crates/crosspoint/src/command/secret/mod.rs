//! `crosspoint secret`: keeps secrets. Nothing here shows one.

mod list;
mod remove;
mod rotate;
mod set;
mod uses;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use crosspoint_broker::profiles::is_secret_name;

use crate::cli::SecretCommand;
use crate::command::kept::{self, Desk, not_possible};
use crate::config::Loaded;
use crate::config::store_url::StoreTarget;

/// Why nothing is kept.
const NOWHERE: &str = "there is nowhere to keep secrets: the setting store.url is \"none\"; take it \
                       out, or keep them elsewhere and refer to them with env:, file:, exec: or \
                       vault:";

/// Sets, lists or removes, or replaces the key that all are sealed with.
pub fn run(file: &Option<PathBuf>, command: SecretCommand) -> Result<ExitCode> {
    match command {
        SecretCommand::Set(args) => {
            let name = &*args.name;
            // What nobody can keep is not asked for.
            let open = async |loaded| {
                checked(name)?;
                Desk::open(somewhere(loaded)?).await
            };
            kept::on_desk(file, open, async |desk| set::run(desk, name).await)
        }
        SecretCommand::List(args) => {
            let open = async |loaded| Desk::open_to_look(somewhere(loaded)?).await;
            kept::on_desk(file, open, async |desk| list::run(desk, args.json).await)
        }
        SecretCommand::Remove(args) => {
            let name = &*args.name;
            let open = async |loaded| {
                checked(name)?;
                Desk::open_to_look(somewhere(loaded)?).await
            };
            let remove = async |desk: &Desk| remove::run(desk, name, args.force).await;
            kept::on_desk(file, open, remove)
        }
        SecretCommand::RotateKey => kept::loaded(file, rotate::run),
    }
}

/// Refuses a configuration by which nothing is kept.
fn somewhere(loaded: Loaded) -> Result<Loaded> {
    match loaded.store {
        StoreTarget::None => bail!(NOWHERE),
        _ => Ok(loaded),
    }
}

fn checked(name: &str) -> Result<()> {
    // It may be the secret itself, given by mistake: it is not repeated.
    if !is_secret_name(name) {
        bail!(
            "this is not the name of a secret: write letters, digits, '_', '.' and '-', at most 128 \
             of them"
        );
    }
    Ok(())
}
