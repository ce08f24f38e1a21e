//! References that lead into the store, or to a store of others: `secret:NAME`, `vault:PATH#FIELD`.
//! They are followed all at once, after the rest of the file says where the store is.

use std::path::Path;

use crosspoint_broker::profiles::{HashiCorp, Source};
use crosspoint_core::Secret;

use super::environment::Environment;
use super::reference::{KeyText, Reference};
use super::store_url::StoreTarget;
use super::types::Config;
use super::values::{Value, Values};
use super::vault::vault;

/// A value that a reference leads to, or a clause that says why there is none.
pub type Followed = Result<Secret<String>, String>;

/// Follows references. Called within a tokio runtime or without.
pub trait Follow: Send + Sync {
    /// What each reference leads to, in their order.
    fn values(&self, from: &From<'_>, sources: &[Source]) -> Vec<Followed>;
}

/// Where references lead.
pub struct From<'c> {
    /// The configuration, in which other mistakes may be.
    pub config: &'c Config,
    /// The store.
    pub store: &'c StoreTarget,
    /// The file of its master key.
    pub master_key: &'c Path,
    /// The vault, if there is one.
    pub vault: Option<HashiCorp>,
}

/// Takes every reference for what it leads to: for commands that make what is not there yet.
pub struct Unfollowed;

impl Follow for Unfollowed {
    fn values(&self, _: &From<'_>, sources: &[Source]) -> Vec<Followed> {
        let text = |source: &Source| source.reference().unwrap_or_default();
        sources
            .iter()
            .map(|source| Ok(Secret::new(text(source))))
            .collect()
    }
}

/// Every reference of the configuration that leads out of it, with the key where it stands.
pub fn references(config: &Config) -> Vec<(String, Source)> {
    let mut found = Vec::new();
    let mut add = |key: String, text: &str| {
        if let Some(source) = Reference::of(text).and_then(Reference::source) {
            found.push((key, source));
        }
    };
    for (at, key) in config.access.api_keys.iter().enumerate() {
        add(format!("access.api_keys[{at}]"), key.key().written());
    }
    let tokens: [(&str, &Option<KeyText>); 2] = [
        ("spiff.callback_token", &config.spiff.callback_token),
        ("api.callback_token", &config.api.callback_token),
    ];
    for (key, token) in tokens {
        token
            .iter()
            .for_each(|token| add(key.to_owned(), token.written()));
    }
    for (name, entry) in &config.connectors.mounted {
        if let Some(key) = entry.api_key() {
            add(format!("connectors.{name}.api_key"), key.written());
        }
    }
    let mut table = |table: &str, values: &Values| {
        for (name, value) in &values.0 {
            if let Value::Text(text) = value {
                add(format!("{table}.{name}"), text);
            }
        }
    };
    table("python.env", &config.python.env);
    table("automate.env", &config.automate.env);
    for (name, imported) in &config.activiti.definitions {
        table(
            &format!("activiti.definitions.{name}.config"),
            &imported.config,
        );
    }
    for (name, entry) in &config.connectors.mounted {
        table(&format!("connectors.{name}.env"), entry.env());
        if let Some(python) = entry.python() {
            table(&format!("connectors.{name}.config"), &python.config);
        }
    }
    found
}

/// The environment with what these references lead to.
pub fn follow(config: &Config, env: &Environment, references: &[(String, Source)]) -> Environment {
    let mut env = env.clone();
    let Some(follower) = env.follower() else {
        return env;
    };
    let store = match &config.store.url {
        None => StoreTarget::within(&config.data_dir.0),
        Some(url) => match url.resolve(&env) {
            Ok(store) => store,
            // That is a mistake of its own.
            Err(_) => StoreTarget::None,
        },
    };
    let mut sources: Vec<Source> = Vec::new();
    for (_, source) in references {
        if !sources.contains(source) {
            sources.push(source.clone());
        }
    }
    if sources.is_empty() {
        return env;
    }
    let from = From {
        config,
        store: &store,
        master_key: &config.store.key_file(&config.data_dir.0),
        // What is wrong with it is a mistake of its own.
        vault: vault(config, &env).unwrap_or_default(),
    };
    let values = follower.values(&from, &sources);
    for (source, value) in sources.iter().zip(values) {
        env.follow(source.reference().unwrap_or_default(), value);
    }
    env
}
