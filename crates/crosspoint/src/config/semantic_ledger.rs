//! Checks of the ledger, and of what needs it: long calls, keys of calls, callbacks.

use super::super::policy::{KeySource, Policy};
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

    /// What goes to the engine with a callback.
    pub(super) fn callbacks(&mut self) {
        let spiff = &self.config.spiff;
        let Some(token) = &spiff.callback_token else {
            return;
        };
        let key = "spiff.callback_token";
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
            }
            Ok(value) => self.callback_token = Some(value),
            Err(wrong) => self.problem(key, format!("`{key}`: {}", wrong.why), wrong.help),
        }
        if let Some(engine) = spiff.engine_url.as_ref().filter(|url| url.is_in_clear()) {
            let message =
                format!("`{key}` goes to `{engine}` in clear: anyone on the way can read it");
            self.warning(
                "spiff.engine_url",
                message,
                "use `https`, if the engine has it",
            );
        }
    }
}
