//! What is kept for connections, and the accounts at the systems behind the connectors, as the
//! configuration wants them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use crosspoint_broker::cabinet::{Cabinet, Memory};
use crosspoint_broker::ledger::Store;
use crosspoint_broker::oauth::Grants;
use crosspoint_broker::profiles::{Connections, Secrets};
use crosspoint_core::CallId;
use crosspoint_store::Ledger;

use super::grants;
use super::vault::vault;
use crate::config::Loaded;
use crate::logging::LogMask;

/// What is kept, and lasts from one configuration to the next.
#[derive(Clone)]
pub struct Kept {
    /// Calls, if they are.
    pub ledger: Option<Arc<dyn Store>>,
    /// Profiles, secrets, grants and keys.
    pub cabinet: Arc<dyn Cabinet>,
    /// What follows references to secrets.
    pub secrets: Arc<Secrets>,
    /// What providers have granted.
    pub grants: Grants,
    /// Hides every secret that a profile comes to, if there is a log.
    pub log: Option<LogMask>,
    /// Which process this is, for other proxies.
    pub instance: Arc<str>,
}

// === impl Kept ===

impl Kept {
    /// What a ledger keeps. Without one nothing outlives the process. `listener` is our own address.
    pub fn new(
        loaded: &Loaded,
        listener: Option<SocketAddr>,
        ledger: Option<Arc<Ledger>>,
    ) -> Result<Kept> {
        let cabinet: Arc<dyn Cabinet> = match &ledger {
            Some(ledger) => ledger.clone(),
            None => Arc::new(Memory::default()),
        };
        let secrets = Arc::new(Secrets::new(Some(cabinet.clone()), vault(loaded)?));
        let setup = grants::setup(loaded, listener)?;
        Ok(Kept {
            ledger: ledger.map(|ledger| ledger as Arc<dyn Store>),
            grants: Grants::new(cabinet.clone(), secrets.clone(), setup),
            cabinet,
            secrets,
            log: None,
            instance: CallId::generate().to_string().into(),
        })
    }

    /// The same with a log, if there is one, that hides every secret that a profile comes to.
    pub fn hidden_in(self, log: Option<LogMask>) -> Kept {
        Kept { log, ..self }
    }

    /// The profiles of the file and of what is kept.
    pub(super) fn connections(&self, loaded: &Loaded) -> Connections {
        let tokens = Arc::new(self.grants.clone());
        let (cabinet, secrets) = (Some(self.cabinet.clone()), self.secrets.clone());
        let connections = Connections::over(cabinet, secrets, Some(tokens))
            .with_file(loaded.profiles.clone())
            .with_environment(environment())
            .with_variants(loaded.variants.clone());
        match self.log.clone() {
            Some(log) => connections.telling(move |secrets| log.learn(secrets)),
            None => connections,
        }
    }
}

/// The variables that may give fields. What is not Unicode gives none.
fn environment() -> HashMap<String, String> {
    let variables = std::env::vars_os();
    let text = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    text.collect()
}
