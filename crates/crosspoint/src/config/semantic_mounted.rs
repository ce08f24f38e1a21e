//! Checks of what Python connectors are given, and the values of theirs that are references.

use std::collections::BTreeMap;

use crosspoint_core::{Secret, nearest, shorten};
use serde_json::Value as Json;

use super::super::connector_tables::{built_in_names, is_later_runtime, runtime_keys, table_of};
use super::super::mcp::{McpConnector, McpServer};
use super::super::mounted::Entry;
use super::super::schema;
use super::super::values::Values;
use super::*;

// === impl Semantic ===

impl Semantic<'_> {
    /// `[python]` by itself.
    pub(super) fn python(&mut self) {
        let python = &self.config.python;
        if python.venv.is_some() && !python.install.is_empty() {
            let message = "`python.venv` and `python.install` exclude each other".to_owned();
            let help = "mount an environment as it is, or let one be built: take one out";
            self.problem("python.venv", message, help);
        }
        if !python.extra_requirements.is_empty() && python.install.is_empty() {
            let message = "`python.extra_requirements` has no effect without `python.install`";
            self.warning(
                "python.extra_requirements",
                message.to_owned(),
                "take it out",
            );
        }
        let packages = python.install.iter().chain(&python.extra_requirements);
        self.secrets
            .extend(packages.flat_map(|package| package.secrets()));
        let env = self.resolve("python.env", &python.env);
        self.python_env = as_text(env);
    }

    /// Every table of a connector that is not built in.
    pub(super) fn mounted_connectors(&mut self) {
        let config = self.config;
        for (name, entry) in &config.connectors.mounted {
            let table = format!("connectors.{name}");
            match entry {
                Entry::Provided(_) => self.somebody_brings(name, &table),
                Entry::Python(own) => {
                    let packages = [&own.python].into_iter().chain(&own.extra_requirements);
                    self.secrets
                        .extend(packages.flat_map(|package| package.secrets()));
                }
                Entry::Automate(own) => self.adapter(&table, own),
                Entry::Mcp(server) => self.mcp_server(&table, server),
                Entry::Remote(proxy) => self.remote(&table, proxy),
                Entry::OpenApi(document) => self.openapi(&table, document),
            }
            if let Some(adapter) = entry.adapter() {
                self.adapter_actions(&table, adapter);
            }
            let env = as_text(self.resolve(&format!("{table}.env"), entry.env()));
            let config = match entry.python() {
                Some(python) => self.resolve(&format!("{table}.config"), &python.config),
                None => BTreeMap::new(),
            };
            let resolved = Resolved {
                env,
                config,
                api_key: self.api_key_of(&table, entry),
            };
            self.mounted.insert(name.clone(), resolved);
        }
    }

    /// A server that is started is a program, and what is about one that runs elsewhere is about no
    /// other.
    fn mcp_server(&mut self, table: &str, server: &McpConnector) {
        let here = match &server.mcp {
            McpServer::Url(url) => {
                let query = url.expose().query().filter(|query| !query.is_empty());
                self.secrets
                    .extend(query.map(|query| Secret::new(query.to_owned())));
                false
            }
            McpServer::Command(command) => {
                let key = format!("{table}.mcp");
                match command.first().map(|program| program.trim()) {
                    None | Some("") => {
                        let message = format!("`{key}` names no program");
                        self.problem(&key, message, "write `[\"program\", \"argument\"]`");
                    }
                    Some(_) if command.iter().any(|word| word.contains('\0')) => {
                        let message = format!("`{key}`: a zero byte is in it");
                        self.problem(&key, message, "take it out");
                    }
                    Some(_) => {}
                }
                true
            }
        };
        let idle = match here {
            true => vec![(
                "egress",
                server.egress.is_some(),
                "the server is started here",
            )],
            false => vec![
                ("env", !server.env.0.is_empty(), "the server runs elsewhere"),
                (
                    "directory",
                    server.directory.is_some(),
                    "the server runs elsewhere",
                ),
            ],
        };
        for (key, written, why) in idle {
            if written {
                let key = format!("{table}.{key}");
                let message = format!("`{key}` has no effect: {why}");
                self.warning(&key, message, "take it out");
            }
        }
    }

    /// A table without a runtime key is about a connector of an environment, so there must be one.
    fn somebody_brings(&mut self, name: &str, table: &str) {
        let environment = self.config.python.has_environment()
            || self.config.automate.has_environment()
            || self.env.virtual_env().is_some();
        // What is wrong there and was taken out is one mistake, not two.
        let reported = |key: &str| {
            let environments = [
                "python.venv",
                "python.install",
                "automate.venv",
                "automate.install",
            ];
            environments.iter().any(|known| key.starts_with(known)) || was_to_bring(table, key)
        };
        if environment || self.problems.iter().any(|problem| reported(&problem.key)) {
            return;
        }
        let keys: Vec<_> = runtime_keys().map(|key| format!("{key} = …")).collect();
        let add = listed(keys.iter().map(String::as_str));
        let near = nearest(name, built_in_names());
        let help = match near.is_empty() {
            true => format!("add {add}, or mount an environment that has it: `python.venv`"),
            false => format!("did you mean {}? Else add {add}", listed(near)),
        };
        let message = format!("`[{table}]` does not say what brings the connector");
        let place = self.table_place(table);
        self.problems
            .push(Problem::new(table, place.as_ref(), message, help));
    }

    /// The values of a table with their references followed; what fails is reported.
    pub(super) fn resolve(
        &mut self,
        table: &str,
        values: &Values,
    ) -> BTreeMap<String, Secret<Json>> {
        let mut resolved = BTreeMap::new();
        for (name, value) in &values.0 {
            let place = self.value_place(table, name);
            let key = format!("{table}.{}", shorten(name));
            if value.looks_like_a_reference() {
                let message = format!("`{key}` looks like a reference");
                let help = "it is taken as the value itself; references begin with `env:`, \
                            `file:` or `exec:`";
                let warning = Problem::new(&key, place.as_ref(), message, help);
                self.warnings.push(warning);
            }
            match value.resolve(self.env) {
                Err(wrong) => {
                    let message = format!("`{key}`: {}", wrong.why);
                    let problem = Problem::new(&key, place.as_ref(), message, wrong.help);
                    self.problems.push(problem);
                }
                Ok(json) => {
                    self.secrets.extend(value.secrets(name, &json));
                    resolved.insert(name.clone(), Secret::new(json));
                }
            }
        }
        resolved
    }

    /// Where a value of a table by any names was written. Such a name may have dots in it.
    pub(super) fn value_place(&self, table: &str, name: &str) -> Option<Place> {
        let Value::Table(entries) = &self.tree.get(table)?.value else {
            return None;
        };
        let (_, node) = entries.iter().find(|(key, _)| key.name == name)?;
        Some(node.place.clone())
    }

    /// Where the name of a table was written.
    pub(super) fn table_place(&self, table: &str) -> Option<Place> {
        let (outer, name) = table.rsplit_once('.')?;
        let Value::Table(entries) = &self.tree.get(outer)?.value else {
            return None;
        };
        let (key, _) = entries.iter().find(|(key, _)| key.name == name)?;
        Some(key.place.clone())
    }
}

/// Environment variables, which are texts alone.
pub(super) fn as_text(values: BTreeMap<String, Secret<Json>>) -> BTreeMap<String, Secret<String>> {
    let entries = values.into_iter();
    entries
        .map(|(name, value)| {
            let text = value.expose().as_str().unwrap_or_default().to_owned();
            (name, Secret::new(text))
        })
        .collect()
}

/// Whether a key that was taken out of a table was meant to say what brings the connector, or
/// belongs to one that does.
fn was_to_bring(table: &str, key: &str) -> bool {
    let Some(key) = key
        .strip_prefix(table)
        .and_then(|key| key.strip_prefix('.'))
    else {
        return false;
    };
    let forms = schema::alternatives(table_of(table.trim_start_matches("connectors.")));
    let bringing = |form: &&&Json| schema::required(form).next().is_some();
    let known = |form: &Json| schema::properties(form).is_some_and(|p| p.contains_key(key));
    let shared = forms
        .iter()
        .filter(|form| !bringing(form))
        .any(|form| known(form));
    let misspelled = !nearest(key, runtime_keys()).is_empty();
    !shared && (is_later_runtime(key) || misspelled || forms.iter().any(|form| known(form)))
}
