//! Checks of tables that mount other proxies, or OpenAPI documents.

use crosspoint_core::{Secret, is_connector_name, is_loopback_host, shorten};
use url::Url;

use super::super::mounted::Entry;
use super::super::openapi::{DocumentAt, OpenApiConnector};
use super::super::remote::RemoteConnectors;
use super::*;

// === impl Semantic ===

impl Semantic<'_> {
    /// The key of another proxy, as far as it can be resolved.
    pub(super) fn api_key_of(&mut self, table: &str, entry: &Entry) -> Option<Secret<String>> {
        let key = entry.api_key()?;
        let place = format!("{table}.api_key");
        if key.looks_like_a_reference() {
            let message = format!("`{place}` looks like a reference");
            let help = "it is taken as the key itself; references begin with `env:`, `file:`, \
                        `exec:`, `secret:` or `vault:`";
            self.warning(&place, message, help);
        }
        match key.resolve(self.env) {
            Ok(key) => {
                self.secrets.push(key.clone());
                Some(key)
            }
            Err(wrong) => {
                let message = format!("`{place}`: {}", wrong.why);
                self.problem(&place, message, wrong.help);
                None
            }
        }
    }

    /// What is mounted of a proxy, and how it is called.
    pub(super) fn remote(&mut self, table: &str, proxy: &RemoteConnectors) {
        for (at, name) in proxy.connectors.iter().enumerate() {
            let key = format!("{table}.connectors[{at}]");
            if !is_connector_name(name) {
                let message = format!("`{key}`: `{}` cannot name a connector", shorten(name));
                let help =
                    "write the names of the proxy's connectors: letters, digits, `_` and `-`";
                self.problem(&key, message, help);
            } else if proxy.connectors[..at].contains(name) {
                let message = format!("`{table}.connectors` names `{name}` twice");
                self.problem(&key, message, "take one out");
            }
        }
        if let Some(prefix) = &proxy.prefix
            && !prefix.is_empty()
            && !is_connector_name(prefix)
        {
            let key = format!("{table}.prefix");
            let message = format!(
                "`{key}`: `{}` cannot begin the name of a connector",
                shorten(prefix)
            );
            self.problem(&key, message, "expected letters, digits, `_` and `-`");
        }
        let url = Url::parse(proxy.remote.as_str()).ok();
        let plain = url.is_some_and(|url| {
            url.scheme() == "http" && !url.host_str().is_some_and(is_loopback_host)
        });
        if plain && proxy.api_key.is_some() {
            let key = format!("{table}.remote");
            let message = format!("`{key}`: whoever listens on the way can read the key");
            self.warning(&key, message, "write `https://…` where the proxy has it");
        }
    }

    /// Where the system of a document is, and how its operations are called.
    pub(super) fn openapi(&mut self, table: &str, document: &OpenApiConnector) {
        if let DocumentAt::Web(url) = &document.openapi {
            let query = url.query().filter(|query| !query.is_empty());
            self.secrets
                .extend(query.map(|query| Secret::new(query.to_owned())));
        }
        if let Some(server) = &document.server {
            let key = format!("{table}.server");
            let usable = |url: &Url| {
                matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.query().is_none()
            };
            if !Url::parse(server).ok().as_ref().is_some_and(usable) {
                let message = format!("`{key}` is not the address of a system");
                let help = "expected an address such as `https://api.example/v1`, without user and \
                            query";
                self.problem(&key, message, help);
            }
        }
        let mut taken: Vec<&str> = Vec::new();
        for (old, new) in &document.rename {
            let key = format!("{table}.rename.{}", shorten(old));
            if !is_connector_name(new) {
                let message = format!("`{key}`: `{}` cannot name a command", shorten(new));
                self.problem(&key, message, "expected letters, digits, `_` and `-`");
            } else if taken.contains(&&**new) {
                let message = format!("`{table}.rename` gives the name `{new}` twice");
                self.problem(&key, message, "give one of them another name");
            }
            taken.push(new);
        }
    }
}
