//! HashiCorp Vault: `[vault]`. The comments here are the configuration reference that users read.

use std::time::Duration;

use crosspoint_broker::profiles::HashiCorp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::durations::Span;
use super::environment::Environment;
use super::problem::Wrong;
use super::reference::KeyText;
use super::scalars::EngineUrl;
use super::types::Config;

/// HashiCorp Vault, where references such as `vault:apps/crm#token` lead: its key-value engine,
/// version 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Vault {
    /// Where Vault is, as an origin: a scheme, a host and a port. When there is no such setting, the
    /// variable `VAULT_ADDR` says it.
    pub address: Option<EngineUrl>,

    /// The token that Vault knows Crosspoint by. The token itself, or a reference to it: `env:NAME`,
    /// `file:PATH` or `exec:COMMAND ARGUMENTS`. When there is no such setting, it is in the variable
    /// `VAULT_TOKEN`.
    pub token: Option<KeyText>,

    /// The namespace, in Vault's enterprise edition. When there is no such setting, the variable
    /// `VAULT_NAMESPACE` says it.
    pub namespace: Option<String>,

    /// Where the engine is mounted.
    pub mount: String,

    /// How long a value counts before it is read again.
    pub ttl: Span,
}

// === impl Vault ===

impl Default for Vault {
    fn default() -> Vault {
        Vault {
            address: None,
            token: None,
            namespace: None,
            mount: "secret".to_owned(),
            ttl: Span(Duration::from_secs(300)),
        }
    }
}

/// Where Vault is, if there is one. Fails with the key that is wrong.
pub fn vault(
    config: &Config,
    env: &Environment,
) -> Result<Option<HashiCorp>, (&'static str, Wrong)> {
    let vault = &config.vault;
    let variable = |name| env.valid(name).filter(|text| !text.is_empty());
    let address = match (&vault.address, variable("VAULT_ADDR")) {
        (Some(address), _) => Some(address.clone()),
        (None, Some(text)) => {
            let address = text.trim_end_matches('/').parse::<EngineUrl>();
            Some(address.map_err(|wrong| {
                let why = format!("the variable VAULT_ADDR: {}", wrong.why);
                ("vault.address", Wrong { why, ..wrong })
            })?)
        }
        (None, None) => None,
    };
    let token = match (&vault.token, variable("VAULT_TOKEN")) {
        (Some(token), _) if token.leads_out() => {
            let wrong = Wrong {
                why: format!("`{token}` leads to where Vault must be asked or the store be open"),
                help: "write the token, or a reference such as `env:NAME`".to_owned(),
            };
            return Err(("vault.token", wrong));
        }
        (Some(token), _) => Some(token.clone()),
        (None, Some(_)) => Some(KeyText::variable("VAULT_TOKEN")),
        (None, None) => None,
    };
    let token = token.map(|token| token.resolve(env));
    let token = token.transpose().map_err(|wrong| ("vault.token", wrong))?;
    let namespace = vault.namespace.as_deref().or(variable("VAULT_NAMESPACE"));
    Ok(address.map(|address| HashiCorp {
        address: address.origin(),
        token,
        namespace: namespace.map(str::to_owned),
        mount: vault.mount.clone(),
        ttl: vault.ttl.0,
    }))
}
