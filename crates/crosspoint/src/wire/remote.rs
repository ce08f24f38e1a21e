//! The mounts of other proxies.

use std::sync::Arc;

use anyhow::{Context, Result};
use crosspoint_broker::Naming;
use crosspoint_core::{Mount, Secret};
use crosspoint_runtimes::remote::{Proxy, RemoteMount, Settings};

use super::mounts::{Around, Outbound, Wanted};
use super::recipes::idempotent;
use crate::config::Loaded;
use crate::config::mounted::Entry;
use crate::config::remote::RemoteConnectors;

/// A proxy as the configuration wants it.
#[derive(Clone, PartialEq)]
pub struct Remote {
    name: String,
    entry: RemoteConnectors,
    api_key: Option<Secret<String>>,
    outbound: Outbound,
}

impl Wanted for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    fn naming(&self) -> Naming {
        match (&self.entry.prefix, &self.entry.connectors[..]) {
            (None, [_]) => Naming::Entry(self.name.clone()),
            (prefix, _) => Naming::Prefix {
                entry: self.name.clone(),
                prefix: prefix.as_ref().unwrap_or(&self.name).clone(),
            },
        }
    }

    fn all(loaded: &Loaded) -> Vec<Remote> {
        let entries = loaded.config.connectors.mounted.iter();
        let wanted = entries.filter_map(|(name, entry)| match entry {
            Entry::Remote(entry) => Some(Remote {
                name: name.clone(),
                entry: (**entry).clone(),
                api_key: loaded
                    .mounted
                    .get(name)
                    .and_then(|resolved| resolved.api_key.clone()),
                outbound: Outbound::of(loaded, entry.egress.as_ref()),
            }),
            _ => None,
        });
        wanted.collect()
    }

    fn start(&self, around: &Around<'_>) -> Result<Arc<dyn Mount>> {
        let entry = &self.entry;
        let http = self.outbound.client(around)?;
        let proxy = Proxy::new(
            &self.name,
            entry.remote.as_str(),
            self.api_key.as_ref(),
            http,
        );
        let mut proxy = proxy.with_context(|| format!("[connectors.{}]", self.name))?;
        proxy.instance = around.instance.clone();
        proxy.settings = Settings {
            only: entry.connectors.clone(),
            refresh: entry.refresh.0,
            patience: entry.discovery_timeout.0,
            max_answer: usize::try_from(entry.max_answer.0).unwrap_or(usize::MAX),
            idempotent: idempotent(&entry.idempotent),
        };
        Ok(Arc::new(RemoteMount::start(proxy)))
    }
}
