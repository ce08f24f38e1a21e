//! The accounts at the systems behind the connectors, as the configuration wants them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use crosspoint_broker::cabinet::{Cabinet, Memory};
use crosspoint_broker::oauth::Grants;
use crosspoint_broker::profiles::{Connections, Tokens};
use crosspoint_store::Ledger;

use crate::config::Loaded;
use crate::logging::LogMask;

/// What keeps profiles and secrets. Without a ledger nothing of it outlives the process.
pub fn cabinet(ledger: Option<&Arc<Ledger>>) -> Arc<dyn Cabinet> {
    match ledger {
        Some(ledger) => ledger.clone(),
        None => Arc::new(Memory::default()),
    }
}

/// What profiles need beside the file.
#[derive(Clone)]
pub struct Accounts {
    /// What providers have granted.
    pub grants: Grants,
    /// What keeps profiles and secrets.
    pub cabinet: Arc<dyn Cabinet>,
    /// Hides every secret that a profile comes to, if there is a log.
    pub log: Option<LogMask>,
}

impl Accounts {
    /// What is kept in a cabinet. `listener` is our own address.
    pub fn new(
        loaded: &Loaded,
        listener: Option<SocketAddr>,
        cabinet: Arc<dyn Cabinet>,
        log: Option<LogMask>,
    ) -> Result<Accounts> {
        Ok(Accounts {
            grants: super::grants::open(loaded, listener, cabinet.clone())?,
            cabinet,
            log,
        })
    }
}

/// The profiles of the file and of the cabinet.
pub(super) fn connections(loaded: &Loaded, accounts: &Accounts) -> Connections {
    let tokens: Arc<dyn Tokens> = Arc::new(accounts.grants.clone());
    let connections = Connections::new(Some(accounts.cabinet.clone()), None, Some(tokens))
        .with_file(loaded.profiles.clone())
        .with_environment(environment());
    match accounts.log.clone() {
        Some(log) => connections.telling(move |secrets| log.learn(secrets)),
        None => connections,
    }
}

/// The variables that may give fields. What is not Unicode gives none.
fn environment() -> HashMap<String, String> {
    let variables = std::env::vars_os();
    let text = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    text.collect()
}
