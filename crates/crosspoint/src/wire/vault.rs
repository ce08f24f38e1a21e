//! The client of HashiCorp Vault.

use std::sync::Arc;

use anyhow::{Context, Result};
use crosspoint_broker::profiles::{self, HashiCorp, VaultKv};
use crosspoint_net::{Authorities, Http, Proxies, Rules};

use crate::config::Loaded;

/// What the configuration says of Vault, ready to be asked.
pub fn vault(loaded: &Loaded) -> Result<Option<Arc<dyn profiles::Vault>>> {
    let vault = loaded.vault.clone();
    vault
        .map(|vault| client(loaded.authorities.clone(), vault))
        .transpose()
}

/// Whoever runs this process names Vault, so that the rules for connectors do not count.
pub fn client(authorities: Authorities, vault: HashiCorp) -> Result<Arc<dyn profiles::Vault>> {
    let http = Http::new(crosspoint_net::Settings {
        egress: Rules::default(),
        authorities,
        proxies: Proxies::from_env()?,
        ..crosspoint_net::Settings::default()
    });
    let http = http.context("setting up the client for Vault")?;
    Ok(Arc::new(VaultKv::new(vault, http)))
}
