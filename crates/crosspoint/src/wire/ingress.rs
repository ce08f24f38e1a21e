//! How the HTTP side behaves, as the configuration wants it.

use std::sync::Arc;

use anyhow::{Context, Result};
use crosspoint_broker::access::{AccessKey, KeptKeys};
use crosspoint_broker::cabinet::Cabinet;
use crosspoint_ingress::activiti::Status;
use crosspoint_ingress::mcp::Mcp;
use crosspoint_ingress::{Access, Settings};

use super::Kept;
use crate::config::Loaded;

/// What the store keeps for the way in.
#[derive(Clone)]
pub struct KeptFor {
    keys: Arc<KeptKeys>,
    cabinet: Arc<dyn Cabinet>,
    instance: Arc<str>,
}

/// How the HTTP side behaves. `activiti`: how the service of Activiti's tasks is. `mcp`: the commands as
/// tools.
pub fn settings(loaded: &Loaded, kept: &KeptFor, activiti: Option<Status>, mcp: Mcp) -> Settings {
    let config = &loaded.config;
    let keys = loaded.api_keys.iter().map(|key| {
        Arc::new(AccessKey {
            scopes: key.scopes.clone(),
            expires: key.expires,
            ..AccessKey::new(key.name.as_str(), key.value.expose())
        })
    });
    Settings {
        access: Access {
            keys: keys.collect(),
            kept: Some(kept.keys.clone()),
            required: config.access.require_key,
            anonymous: config.access.anonymous,
            hosts: config
                .access
                .hosts
                .iter()
                .map(ToString::to_string)
                .collect(),
        },
        cabinet: kept.cabinet.clone(),
        references: loaded.references.clone().into(),
        instance: kept.instance.clone(),
        cors_origins: config
            .access
            .cors_origins
            .iter()
            .map(|o| o.0.clone())
            .collect(),
        max_body: config.max_body.0 as usize,
        spiff_deadline: config.spiff.deadline.0,
        api_deadline: config.api.deadline.0,
        api_long_deadline: config.api.long_deadline.0,
        activiti,
        definitions: loaded.definitions.clone().into(),
        mcp,
    }
}

// === impl KeptFor ===

impl KeptFor {
    /// Reads the keys, and follows their changes.
    pub async fn open(kept: &Kept) -> Result<KeptFor> {
        let (cabinet, instance) = (kept.cabinet.clone(), kept.instance.clone());
        let keys = KeptKeys::open(cabinet.clone()).await;
        let keys = Arc::new(keys.context("reading the access keys of the store")?);
        tokio::spawn(keys.clone().follow());
        Ok(KeptFor {
            keys,
            cabinet,
            instance,
        })
    }
}
