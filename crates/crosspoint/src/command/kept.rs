//! What the commands have in common that change what the store keeps beside calls.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use crosspoint_broker::access::NotKept;
use crosspoint_broker::cabinet::{Cabinet, Memory};
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
    cabinet: Arc<dyn Cabinet>,
    /// What keeps it, where anything is kept.
    store: Option<Arc<Ledger>>,
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
    on_desk(file, async |loaded| Desk::open(loaded).await, work)
}

/// Opens the store to look at it. Where there is none, nothing is in it.
pub fn look(
    file: &Option<PathBuf>,
    work: impl AsyncFnOnce(&Desk) -> Result<()>,
) -> Result<ExitCode> {
    on_desk(file, async |loaded| Desk::open_to_look(loaded).await, work)
}

/// Opens the store in some way, does something with it, and closes it.
pub fn on_desk(
    file: &Option<PathBuf>,
    open: impl AsyncFnOnce(Loaded) -> Result<Desk>,
    work: impl AsyncFnOnce(&Desk) -> Result<()>,
) -> Result<ExitCode> {
    loaded(file, async |loaded| {
        let desk = open(loaded).await?;
        let done = work(&desk).await;
        desk.close().await;
        done
    })
}

/// Reads the configuration and does something with it, to the end.
pub fn loaded(
    file: &Option<PathBuf>,
    work: impl AsyncFnOnce(Loaded) -> Result<()>,
) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load_unfollowed() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    logging::start("off", LogFormat::Text, wire::mask(&loaded));
    to_the_end(async { work(loaded).await.map(|()| ExitCode::SUCCESS) })
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
    /// Over the store, which is made where there is none yet.
    pub async fn open(loaded: Loaded) -> Result<Desk> {
        match wire::ledger::open_to_write(&loaded).await? {
            Some(store) => Ok(Desk::over(loaded, Some(store))),
            None => bail!(
                "there is no store to keep this in: the setting store.url is \"none\"; take it out, \
                 or name a store"
            ),
        }
    }

    /// Over the store, if there is one.
    pub async fn open_to_look(loaded: Loaded) -> Result<Desk> {
        let store = match wire::ledger::open(&loaded, false).await {
            Err(error) if wire::ledger::is_missing(&error) => None,
            opened => opened?,
        };
        Ok(Desk::over(loaded, store))
    }

    fn over(loaded: Loaded, store: Option<Arc<Ledger>>) -> Desk {
        let cabinet: Arc<dyn Cabinet> = match &store {
            Some(store) => store.clone(),
            None => Arc::new(Memory::default()),
        };
        Desk {
            loaded,
            cabinet,
            store,
        }
    }

    /// Whether there is a store.
    pub fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// Lets the store go.
    pub async fn close(&self) {
        if let Some(store) = &self.store {
            store.close().await;
        }
    }

    /// What is kept.
    pub fn cabinet(&self) -> &dyn Cabinet {
        &*self.cabinet
    }

    /// Records what was done, by the name of this user.
    pub async fn record(&self, act: &str, subject: &str, detail: Option<String>) -> Result<()> {
        let recorded = actor::record(self.cabinet(), act, subject, detail).await;
        recorded.context("it is done, and could not be recorded")
    }
}
