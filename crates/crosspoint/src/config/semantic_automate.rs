//! Checks of what is said about adapters of Django Automate.

use crosspoint_core::{nearest, shorten};

use super::super::automate::{AdapterSettings, AutomateConnector};
use super::mounted::as_text;
use super::*;

/// The adapters that Crosspoint's own `automate_connectors` brings.
const BUILT_IN: [&str; 2] = [
    "automate_connectors.adapters.logging",
    "automate_connectors.adapters.slack",
];

// === impl Semantic ===

impl Semantic<'_> {
    /// `[automate]` by itself.
    pub(super) fn automate(&mut self) {
        let automate = &self.config.automate;
        if automate.venv.is_some() && !automate.install.is_empty() {
            let message = "`automate.venv` and `automate.install` exclude each other".to_owned();
            let help = "mount an environment as it is, or let one be built: take one out";
            self.problem("automate.venv", message, help);
        }
        if !automate.extra_requirements.is_empty() && automate.install.is_empty() {
            let key = "automate.extra_requirements";
            let message = format!("`{key}` has no effect without `automate.install`");
            self.warning(key, message, "take it out");
        }
        if !automate.modules.is_empty() && !automate.has_environment() {
            let key = "automate.modules";
            let message =
                format!("`{key}` has no effect without `automate.venv` or `automate.install`");
            self.warning(key, message, "take it out");
        }
        for (at, module) in automate.modules.iter().enumerate() {
            if !is_module(module) {
                let key = format!("automate.modules[{at}]");
                let message = format!("`{key}`: `{}` is not the name of a module", shorten(module));
                self.problem(
                    &key,
                    message,
                    "expected names such as `my_package.adapters`",
                );
            }
        }
        let packages = automate.install.iter().chain(&automate.extra_requirements);
        self.secrets
            .extend(packages.flat_map(|package| package.secrets()));
        let env = self.resolve("automate.env", &automate.env);
        self.automate_env = as_text(env);
    }

    /// The table of a connector that an adapter is.
    pub(super) fn adapter(&mut self, table: &str, own: &AutomateConnector) {
        let packages = [&own.automate].into_iter().chain(&own.extra_requirements);
        self.secrets
            .extend(packages.flat_map(|package| package.secrets()));
        let key = format!("{table}.automate");
        if let Some(module) = own.built_in().filter(|module| !BUILT_IN.contains(module)) {
            let message = format!("`{key}`: there is no `{}`", shorten(module));
            let near = nearest(module, BUILT_IN.into_iter());
            let help = match near.is_empty() {
                true => format!("there are {}", listed(BUILT_IN)),
                false => format!("did you mean {}?", listed(near)),
            };
            self.problem(&key, message, help);
        }
    }

    /// Actions that a table names.
    pub(super) fn adapter_actions(&mut self, table: &str, adapter: &AdapterSettings) {
        let mut seen = Vec::new();
        for (at, action) in adapter.actions.iter().enumerate() {
            let key = format!("{table}.actions[{at}]");
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
            if action.is_empty() || !action.bytes().all(plain) {
                let message = format!("`{key}`: `{}` cannot be a command", shorten(action));
                let help = "expected letters, digits, `_`, `.` and `-`; other actions are called by `execute`";
                self.problem(&key, message, help);
            } else if seen.contains(&action) {
                let message = format!("`{table}.actions` names `{action}` twice");
                self.problem(&key, message, "take one out");
            }
            seen.push(action);
        }
    }
}

fn is_module(name: &str) -> bool {
    let part = |part: &str| {
        let mut characters = part.chars();
        characters
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_')
            && characters.all(|c| c.is_alphanumeric() || c == '_')
    };
    name.split('.').all(part)
}
