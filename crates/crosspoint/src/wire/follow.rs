//! Follows the references of the configuration into the store and the vault.

use std::sync::Arc;
use std::thread;

use crosspoint_broker::cabinet::{Cabinet, Memory};
use crosspoint_broker::ledger::Store;
use crosspoint_broker::profiles::{Secrets, Source};
use crosspoint_core::Secret;
use crosspoint_net::Authorities;
use crosspoint_store::{Ledger, OpenError, Options};

use crate::config::follow::{Follow, Followed, From};
use crate::config::store_url::StoreTarget;

/// Opens the store for as long as it takes, if a reference leads there.
pub struct IntoTheStore;

impl Follow for IntoTheStore {
    fn values(&self, from: &From<'_>, sources: &[Source]) -> Vec<Followed> {
        let all = |why: String| sources.iter().map(|_| Err(why.clone())).collect();
        // Whoever loads the configuration may be within a runtime, which must not be waited in.
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(values(from, sources)),
                Err(error) => all(format!("cannot be followed: {error}")),
            }
        };
        let worked = thread::scope(|scope| scope.spawn(work).join());
        worked.unwrap_or_else(|_| all("cannot be followed".to_owned()))
    }
}

async fn values(from: &From<'_>, sources: &[Source]) -> Vec<Followed> {
    let needs_store = sources.iter().any(|s| matches!(s, Source::Kept(_)));
    let opened = match needs_store {
        true => open(from).await,
        false => Ok(None),
    };
    let cabinet = match &opened {
        Ok(Some(ledger)) => Some(ledger.clone() as Arc<dyn Cabinet>),
        // There is a place for a store, and nobody has made it yet: nothing is kept.
        Ok(None) if *from.store != StoreTarget::None => Some(Arc::new(Memory::default()) as _),
        _ => None,
    };
    let vault = match &from.vault {
        Some(vault) if sources.iter().any(|s| matches!(s, Source::Vault { .. })) => {
            let authorities = Authorities::of(from.config.egress.ca_files.clone());
            super::vault::client(authorities, vault.clone()).ok()
        }
        _ => None,
    };
    let secrets = Secrets::new(cabinet, vault);
    let mut values = Vec::with_capacity(sources.len());
    for source in sources {
        values.push(match (&opened, source) {
            (Err(why), Source::Kept(_)) => Err(format!("cannot be read: {why}")),
            _ => value(&secrets, source).await,
        });
    }
    if let Ok(Some(ledger)) = opened {
        ledger.close().await;
    }
    values
}

/// The value, or why there is none, without the reference that is named anyway.
async fn value(secrets: &Secrets, source: &Source) -> Result<Secret<String>, String> {
    let reference = source.reference().unwrap_or_default();
    let value = secrets.value(source).await;
    value.map_err(|failure| match failure.message.strip_prefix(&reference) {
        Some(clause) => clause.trim_start().to_owned(),
        None => failure.message,
    })
}

/// None when there is none, or none yet.
async fn open(from: &From<'_>) -> Result<Option<Arc<Ledger>>, String> {
    let StoreTarget::At(url) = from.store else {
        return Ok(None);
    };
    let mut options = Options::new(from.master_key);
    options.create = false;
    options.lease = from.config.store.lease.0;
    match crosspoint_store::open(url.expose(), &options).await {
        Ok(ledger) => Ok(Some(ledger)),
        Err(OpenError::Missing(_)) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
