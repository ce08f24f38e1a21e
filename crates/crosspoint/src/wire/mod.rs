//! Puts the parts together as the configuration says.

pub mod activiti;
mod adapters;
mod built_in;
mod connections;
pub mod desk;
mod follow;
mod grants;
mod ingress;
pub mod ledger;
mod mcp;
mod mounts;
pub mod openapi;
mod policies;
mod progress;
mod python;
mod recipes;
mod reload;
mod remote;
mod runtimes;
mod surroundings;
pub mod tools;
pub mod vault;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use crosspoint_broker::{Broker, Catalogue, Registration, Settings};
use crosspoint_connectors::BUILT_IN;
use crosspoint_core::{Mask, Tracing};
use crosspoint_net::Proxies;
use crosspoint_store::Ledger;

pub use built_in::common;
pub use connections::Kept;
use mounts::Around;

pub use ingress::{KeptFor, settings as ingress};
pub use progress::{ToLog, ToTerminal};
pub use recipes::{environments, recipes};
pub use reload::{Reloader, describe};
pub use runtimes::Runtimes;

use crate::config::follow::{Follow, Unfollowed};
use crate::config::{self, Environment, Loaded, Problems};
use crate::logging::LogMask;
use crate::{show, telemetry};

/// Where the configuration is read from, and what the command line says over it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--python-env`.
    pub python_env: Option<String>,
    /// Others are let in by it, or somebody wants to know whether they can be.
    pub serves: bool,
}

// === impl Options ===

impl Options {
    /// No option but the file, for a command that lets nobody in.
    pub fn of(file: &Option<PathBuf>) -> Options {
        Options {
            file: file.clone(),
            ..Options::default()
        }
    }

    /// Reads the configuration.
    pub fn load(&self) -> Result<Loaded, Problems> {
        self.load_with(Arc::new(follow::IntoTheStore))
    }

    /// The same without following references into the store, for commands that keep what they lead
    /// to. Nothing may be done with the secrets of such a configuration.
    pub fn load_unfollowed(&self) -> Result<Loaded, Problems> {
        self.load_with(Arc::new(Unfollowed))
    }

    fn load_with(&self, follower: Arc<dyn Follow>) -> Result<Loaded, Problems> {
        let mut env = Environment::of_process().with_follower(follower);
        if !self.serves {
            env = env.of_a_client();
        }
        if let Some(listen) = &self.listen {
            env.set("CROSSPOINT_LISTEN", "--listen", listen.clone());
        }
        if let Some(folder) = &self.python_env {
            env.set("CROSSPOINT_PYTHON__VENV", "--python-env", folder.clone());
        }
        config::load(self.file.as_deref(), &env, BUILT_IN)
    }
}

/// The secrets of the configuration, of the forward proxies and of the collector of spans.
pub fn secrets(loaded: &Loaded) -> Vec<String> {
    // Proxies that cannot be used end the start later, by their name.
    let proxies = Proxies::from_env().unwrap_or_default().secrets();
    let keys = config::all_secrets(loaded).map(str::to_owned);
    let collector = telemetry::secrets(&Environment::of_process());
    keys.chain(proxies).chain(collector).collect()
}

/// What masks them.
pub fn mask(loaded: &Loaded) -> Mask {
    Mask::new(secrets(loaded))
}

/// How the broker treats calls. `listener` is our own address.
fn settings(
    loaded: &Loaded,
    mask: Mask,
    listener: Option<SocketAddr>,
    kept: &Kept,
) -> Result<Settings> {
    Ok(Settings {
        mask,
        policies: policies::all(loaded),
        // A command that runs here mounts no more than it needs.
        expected: match listener {
            Some(_) => loaded.config.connectors.provided().cloned().collect(),
            None => Vec::new(),
        },
        callbacks: ledger::callbacks(loaded, listener)?,
        connections: Arc::new(kept.connections(loaded)),
        tracing: Tracing::default(),
        grants: Some(kept.grants.clone()),
        kept_back: Vec::new(),
    })
}

/// Every mount that the configuration names. Those of runtimes are started.
fn registrations(
    loaded: &Loaded,
    listener: Option<SocketAddr>,
    runtimes: &Runtimes,
    kept: &Kept,
) -> Result<Vec<Registration>> {
    let mut registrations = vec![built_in::registration(loaded, listener)?];
    registrations.extend(runtimes.start(&Around {
        loaded,
        listener,
        kept,
        instance: &kept.instance,
    })?);
    Ok(registrations)
}

/// The broker of a command that runs in this process, with everything loaded: all connectors, or
/// those that `only` may be among. What does not load is said on standard error.
pub async fn in_process(
    loaded: &Loaded,
    only: Option<&str>,
    ledger: Option<Arc<Ledger>>,
    log: Option<LogMask>,
    tracing: Tracing,
) -> Result<Broker> {
    let runtimes = Runtimes::new(Arc::new(ToTerminal));
    let runtimes = match only {
        Some(connector) => runtimes.only(connector),
        None => runtimes,
    };
    let kept = Kept::new(loaded, None, ledger)?.hidden_in(log);
    let broker = broker(loaded, None, &runtimes, &kept, tracing).await?;
    let waiting = show::Waiting::new("loading connectors".to_owned());
    tokio::select! {
        () = broker.settled() => {}
        never = waiting.show() => match never {},
    }
    let last_words = broker.last_words();
    for problem in broker.health().problems {
        eprintln!("not loaded: {problem}");
        let words = last_words.iter().filter(|(about, _)| *about == problem);
        for line in words.flat_map(|(_, words)| words.lines()) {
            eprintln!("  | {line}");
        }
    }
    Ok(broker)
}

/// The broker of a command that goes on in this process, whose connectors load meanwhile.
pub async fn loading(
    loaded: &Loaded,
    ledger: Option<Arc<Ledger>>,
    log: LogMask,
    tracing: Tracing,
) -> Result<Broker> {
    let runtimes = Runtimes::new(Arc::new(ToLog));
    let kept = Kept::new(loaded, None, ledger)?.hidden_in(Some(log));
    broker(loaded, None, &runtimes, &kept, tracing).await
}

/// What can be called with this configuration. Loads everything for it, and ends it again.
pub async fn catalogue(loaded: &Loaded) -> Result<Arc<Catalogue>> {
    let broker = in_process(loaded, None, None, None, Tracing::default()).await?;
    let catalogue = broker.catalogue();
    broker.drain(loaded.config.drain.0).await;
    Ok(catalogue)
}

/// The broker with every connector that is configured, which load in the background. Calls are
/// recorded in what is kept, profiles and secrets are those of the file and of what is kept,
/// and spans are told to `tracing`. `listener` is our own address, where no connector may send a
/// request.
pub async fn broker(
    loaded: &Loaded,
    listener: Option<SocketAddr>,
    runtimes: &Runtimes,
    kept: &Kept,
    tracing: Tracing,
) -> Result<Broker> {
    let mounts = registrations(loaded, listener, runtimes, kept)?;
    let settings = Settings {
        tracing,
        ..settings(loaded, mask(loaded), listener, kept)?
    };
    if let Err(error) = settings.connections.refresh().await {
        tracing::warn!(%error, "Reading the profiles of the store failed.");
    }
    Ok(Broker::new(settings, mounts, kept.ledger.clone())?)
}
