//! Checks of the ledger, and of what needs it: long calls, keys of calls, callbacks.

use super::super::policy::{KeySource, Policy};
use super::super::reference::KeyText;
use super::super::scalars::EngineUrl;
use super::super::vault::vault;
use super::*;

// === impl Semantic ===

impl Semantic<'_> {
    /// `[store]`.
    pub(super) fn ledger(&mut self) {
        let config = self.config;
        if let Some(url) = &config.store.url {
            match url.resolve(self.env) {
                Ok(target) => self.store = target,
                Err(wrong) => {
                    let message = format!("`store.url`: {}", wrong.why);
                    self.problem("store.url", message, wrong.help);
                }
            }
        }
        self.secrets.extend(self.store.secrets());
    }

    /// `[vault]`.
    pub(super) fn vault(&mut self) {
        match vault(self.config, self.env) {
            Ok(vault) => {
                self.secrets
                    .extend(vault.iter().flat_map(|v| v.token.clone()));
                self.vault = vault;
            }
            Err((key, wrong)) => self.problem(key, format!("`{key}`: {}", wrong.why), wrong.help),
        }
    }

    /// What a policy wants of the ledger.
    pub(super) fn needs_the_ledger(&mut self, table: &str, policy: &Policy) {
        let wants = [
            ("async_after", "", policy.async_after.is_some()),
            ("key", " = \"task\"", policy.key == Some(KeySource::Task)),
        ];
        for (key, value, wants) in wants {
            if wants && self.store == StoreTarget::None {
                let key = format!("{table}.{key}");
                let message = format!(
                    "`{key}{value}` needs the ledger, which `store.url = \"none\"` switches off"
                );
                self.problem(&key, message, "take one of the two out");
            }
        }
    }

    /// What goes out with callbacks.
    pub(super) fn callbacks(&mut self) {
        let (spiff, api) = (&self.config.spiff, &self.config.api);
        self.callback_token = self.token("spiff.callback_token", &spiff.callback_token);
        let engine = spiff.engine_url.iter();
        self.in_clear(
            "spiff.callback_token",
            &spiff.callback_token,
            engine.map(|url| ("spiff.engine_url".to_owned(), url)),
        );
        self.api_callback_token = self.token("api.callback_token", &api.callback_token);
        let origins = api.callback_origins.iter().enumerate();
        self.in_clear(
            "api.callback_token",
            &api.callback_token,
            origins.map(|(at, url)| (format!("api.callback_origins[{at}]"), url)),
        );
        if api.callback_token.is_some() && api.callback_origins.is_empty() {
            let message = "`api.callback_token` has no effect, since no callback is allowed";
            self.warning(
                "api.callback_token",
                message.to_owned(),
                "name the origins that callbacks may go to: `api.callback_origins`",
            );
        }
        if !api.callback_origins.is_empty() && self.store == StoreTarget::None {
            let message = "`api.callback_origins` needs the ledger, which `store.url = \"none\"` \
                           switches off";
            self.problem(
                "api.callback_origins",
                message.to_owned(),
                "take one of the two out",
            );
        }
    }

    fn token(&mut self, key: &str, token: &Option<KeyText>) -> Option<Secret<String>> {
        let token = token.as_ref()?;
        if token.looks_like_a_reference() {
            let message = format!("`{key}` looks like a reference");
            let help = "it is taken as the token itself; references begin with `env:`, `file:` or \
                        `exec:`";
            self.warning(key, message, help);
        }
        match token.resolve(self.env) {
            Ok(value) if !value.expose().is_ascii() => {
                let message = format!("`{key}` holds a character that is not ASCII");
                self.problem(key, message, "no such token can be sent in an HTTP header");
                None
            }
            Ok(value) => Some(value),
            Err(wrong) => {
                self.problem(key, format!("`{key}`: {}", wrong.why), wrong.help);
                None
            }
        }
    }

    /// Where a token goes that anyone on the way can read.
    fn in_clear<'u>(
        &mut self,
        key: &str,
        token: &Option<KeyText>,
        urls: impl Iterator<Item = (String, &'u EngineUrl)>,
    ) {
        for (place, url) in urls.filter(|(_, url)| token.is_some() && url.is_in_clear()) {
            let message =
                format!("`{key}` goes to `{url}` in clear: anyone on the way can read it");
            self.warning(&place, message, "use `https`, if the engine has it");
        }
    }
}
