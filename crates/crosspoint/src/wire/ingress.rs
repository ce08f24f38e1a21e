//! How the HTTP side behaves, as the configuration wants it.

use std::sync::Arc;

use crosspoint_broker::access::{AccessKey, KeptKeys};
use crosspoint_ingress::{Access, Settings};

use crate::config::Loaded;

/// How the HTTP side behaves. `kept`: the keys of the store.
pub fn settings(loaded: &Loaded, kept: Option<Arc<KeptKeys>>) -> Settings {
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
            kept,
            required: config.access.require_key,
            anonymous: config.access.anonymous,
            hosts: config
                .access
                .hosts
                .iter()
                .map(ToString::to_string)
                .collect(),
        },
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
    }
}
