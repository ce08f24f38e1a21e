//! How the HTTP side behaves, as the configuration wants it.

use crosspoint_ingress::{Access, ApiKey, Settings};

use crate::config::Loaded;

/// How the HTTP side behaves.
pub fn settings(loaded: &Loaded) -> Settings {
    let config = &loaded.config;
    let keys = loaded.api_keys.iter().map(|key| ApiKey {
        name: key.name.as_str().into(),
        value: key.value.clone(),
    });
    Settings {
        access: Access {
            keys: keys.collect(),
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
