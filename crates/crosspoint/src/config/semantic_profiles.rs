//! Checks of profiles, and what they are once their references are followed.

use crosspoint_broker::profiles::{Definition, ProfileId, Source, Written, fields};
use crosspoint_core::{Fields, is_connector_name, nearest};
use serde_json::Value as Json;

use super::super::connector_tables::built_in_names;
use super::super::mcp::McpServer;
use super::super::mounted::Entry;
use super::super::profiles::{Profile, Profiles};
use super::super::values::SHORTEST_SECRET;
use super::*;

// === impl Semantic ===

impl Semantic<'_> {
    /// The profiles of all connectors.
    pub(super) fn all_profiles(&mut self) {
        let connectors = &self.config.connectors;
        for name in built_in_names().filter(|name| self.config.builtin.iter().any(|b| b == name)) {
            if !connectors.mounted.contains_key(name) {
                let fields = crosspoint_connectors::fields_of(name);
                self.profiles_of(name, connectors.profiles(name), &fields);
            }
        }
        // What these know is known when they have loaded; then it is told.
        let any = Fields {
            open: true,
            ..Fields::default()
        };
        for (name, entry) in &connectors.mounted {
            match entry {
                Entry::Mcp(server) if matches!(server.mcp, McpServer::Url(_)) => {
                    let fields = crosspoint_runtimes::mcp::account_fields();
                    self.profiles_of(name, entry.profiles(), &fields);
                }
                _ => self.profiles_of(name, entry.profiles(), &any),
            }
        }
    }

    fn profiles_of(&mut self, connector: &str, profiles: &Profiles, fields: &Fields) {
        let mut default: Option<&str> = None;
        for (name, profile) in profiles {
            let table = format!("connectors.{connector}.profiles.{name}");
            match default {
                Some(first) if profile.default => {
                    let key = format!("{table}.default");
                    let message = format!(
                        "`{key}`: the default profile of `{connector}` is `{first}` already"
                    );
                    self.problem(&key, message, "one of them may be the default");
                }
                _ if profile.default => default = Some(name),
                _ => {}
            }
            let definition = self.definition(&table, (connector, name), profile, fields);
            self.profiles.push(definition);
        }
    }

    fn definition(
        &mut self,
        table: &str,
        (connector, name): (&str, &str),
        profile: &Profile,
        fields: &Fields,
    ) -> Definition {
        let mut definition = Definition::new(ProfileId::new(connector, name), Written::File);
        definition.enabled = profile.enabled;
        definition.default = profile.default;
        definition.check_every = profile.check_every.map(|every| every.0);
        definition.settings = self.profile_settings(&format!("{table}.settings"), profile, fields);
        self.profile_secrets(
            &format!("{table}.secrets"),
            profile,
            fields,
            &mut definition,
        );
        if let Some(auth) = &profile.auth {
            self.profile_auth(&format!("{table}.auth"), connector, auth, fields);
            definition.auth = Some(auth.clone());
        }
        self.profile_origin(table, profile, fields, &definition);
        definition
    }

    /// Which system the rest belongs to must be known before anything is sent.
    fn profile_origin(
        &mut self,
        table: &str,
        profile: &Profile,
        fields: &Fields,
        definition: &Definition,
    ) {
        let Some((name, clause)) = fields::origin(fields, definition) else {
            return;
        };
        let written = profile.settings.0.contains_key(name);
        // What was written and is something else is told already.
        if written && !definition.settings.contains_key(name) {
            return;
        }
        let key = format!("{table}.settings.{name}");
        let place = match written {
            true => self.value_place(&format!("{table}.settings"), name),
            false => self.table_place(table),
        };
        let message = format!("`{key}` {clause}");
        self.problems
            .push(Problem::new(&key, place.as_ref(), message, ""));
    }

    /// The auths of a connector that is not built in are known when it has loaded.
    fn profile_auth(&mut self, key: &str, connector: &str, auth: &str, fields: &Fields) {
        let connectors = &self.config.connectors;
        let configured = connectors.auths(connector);
        if !is_connector_name(auth) {
            let message = format!("`{key}`: `{}` is not the name of an auth", shorten(auth));
            self.problem(key, message, "expected letters, digits, `_` and `-`");
        } else if !connectors.mounted.contains_key(connector) && !configured.contains_key(auth) {
            let message = format!("`{key}`: `{connector}` has no auth `{}`", shorten(auth));
            let near = nearest(auth, configured.keys().map(String::as_str));
            let help = match near.first() {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("describe it in [connectors.{connector}.auths.{auth}]"),
            };
            self.problem(key, message, help);
        } else if let Some(field) = configured.get(auth).map(|auth| &auth.token_field)
            && !fields.takes(field)
        {
            let message = format!(
                "`{key}`: the token of `{auth}` fills the field `{}`, which `{connector}` does not have",
                shorten(field)
            );
            let secret = fields.declared.iter().filter(|field| field.secret);
            let names: Vec<_> = secret.map(|field| format!("`{}`", field.name)).collect();
            let help = format!(
                "set `token_field` in [connectors.{connector}.auths.{auth}]: {}",
                names.join(", ")
            );
            self.problem(key, message, help);
        }
    }

    fn profile_settings(
        &mut self,
        table: &str,
        profile: &Profile,
        fields: &Fields,
    ) -> serde_json::Map<String, Json> {
        let resolved = self.resolve(table, &profile.settings);
        let mut settings = serde_json::Map::new();
        for (name, value) in resolved {
            let value = value.expose();
            let twice = profile.secrets.contains_key(&name);
            let fault = match fields::setting(fields, &name, value) {
                _ if value == "" => Some("is empty".to_owned()),
                _ if twice => Some("is among the secrets, too".to_owned()),
                Ok(_) => None,
                Err(clause) => Some(clause),
            };
            match fault {
                Some(fault) => self.field_problem(table, &name, &fault),
                None => drop(settings.insert(name, value.clone())),
            }
        }
        settings
    }

    fn profile_secrets(
        &mut self,
        table: &str,
        profile: &Profile,
        fields: &Fields,
        definition: &mut Definition,
    ) {
        for (name, text) in &profile.secrets {
            let declared = match fields::secret(fields, name) {
                Ok(declared) => declared,
                Err(clause) => {
                    self.field_problem(table, name, &clause);
                    continue;
                }
            };
            let source = match text.source(self.env) {
                Ok(source) => source,
                Err(wrong) => {
                    self.field_problem(table, name, &wrong.why);
                    continue;
                }
            };
            if text.looks_like_a_reference() {
                let key = format!("{table}.{}", shorten(name));
                let place = self.value_place(table, name);
                let message = format!("`{key}` looks like a reference, and is none");
                let help = "it is taken as the secret itself; references begin with `env:`, `file:`, \
                            `exec:`, `secret:` or `vault:`";
                let warning = Problem::new(&key, place.as_ref(), message, help);
                self.warnings.push(warning);
            }
            if let Source::Value(value) = &source {
                if let Err(clause) = fields::secret_value(declared, value.expose()) {
                    self.field_problem(table, name, &clause);
                }
                // Shorter ones are looked for in what belongs to their calls.
                if value.expose().chars().count() >= SHORTEST_SECRET {
                    self.secrets.push(value.clone());
                }
            }
            definition.secrets.insert(name.clone(), source);
        }
    }

    fn field_problem(&mut self, table: &str, name: &str, fault: &str) {
        let key = format!("{table}.{}", shorten(name));
        let place = self.value_place(table, name);
        let message = format!("`{key}` {fault}");
        self.problems
            .push(Problem::new(&key, place.as_ref(), message, ""));
    }
}
