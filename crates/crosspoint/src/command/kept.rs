//! What the commands have in common that change what the store keeps beside calls.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use crosspoint_broker::access::NotKept;
use crosspoint_broker::cabinet::Cabinet;
use crosspoint_broker::ledger::Store;
use crosspoint_store::Ledger;

use crate::cli::FAILED;
use crate::config::Loaded;
use crate::config::types::LogFormat;
use crate::{actor, logging, show, wire};

/// What the subcommands work on.
pub struct Desk {
    /// The configuration.
    pub loaded: Loaded,
    store: Arc<Ledger>,
}

/// Why something is not possible. Ends with exit code 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct NotPossible(String);

/// An error that ends with exit code 1.
pub fn not_possible(text: String) -> anyhow::Error {
    NotPossible(text).into()
}

/// Opens the store, which is made where there is none yet, and does something with it.
pub fn run(
    file: &Option<PathBuf>,
    work: impl AsyncFnOnce(&Desk) -> Result<()>,
) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load_unfollowed() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    logging::start("off", LogFormat::Text, wire::mask(&loaded));
    to_the_end(async {
        let desk = Desk::open(loaded).await?;
        let done = work(&desk).await;
        desk.store.close().await;
        done.map(|()| ExitCode::SUCCESS)
    })
}

/// Runs a command to its end, and says why where it is not possible.
pub fn to_the_end(work: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime.context("starting the runtime")?.block_on(work) {
        Err(error) if error.is::<NotPossible>() || error.is::<NotKept>() => {
            eprintln!("{error}");
            Ok(ExitCode::from(FAILED))
        }
        done => done,
    }
}

// === impl Desk ===

impl Desk {
    async fn open(loaded: Loaded) -> Result<Desk> {
        match wire::ledger::open_to_write(&loaded).await? {
            Some(store) => Ok(Desk { loaded, store }),
            None => bail!(
                "there is no store to keep this in: the setting store.url is \"none\"; take it out, \
                 or name a store"
            ),
        }
    }

    /// What is kept.
    pub fn cabinet(&self) -> &dyn Cabinet {
        &*self.store
    }

    /// Records what was done, by the name of this user.
    pub async fn record(&self, act: &str, subject: &str, detail: Option<String>) -> Result<()> {
        let recorded = actor::record(self.cabinet(), act, subject, detail).await;
        recorded.context("it is done, and could not be recorded")
    }
}
