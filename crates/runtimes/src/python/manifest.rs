//! What a worker says about its connector, and the manifest made of it.

use crosspoint_core::{Auth, Command, Fields, Manifest, Parameter, Safety, is_sensitive_name};
use serde::Deserialize;
use serde_json::Value;

use crate::Idempotent;

/// A connector in a worker's own words.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Description {
    pub name: String,
    #[serde(default)]
    description: Option<String>,
    commands: Vec<Target>,
    #[serde(default)]
    auths: Vec<Target>,
    /// Whether it is an adapter of Django Automate.
    #[serde(default)]
    pub adapter: bool,
    /// Whether the worker can check its connection.
    #[serde(default)]
    pub check: bool,
}

/// A command or an auth.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Target {
    name: String,
    #[serde(default)]
    description: Option<String>,
    parameters: Vec<Described>,
    #[serde(default)]
    open: bool,
    /// Whether an adapter declares it safe to repeat.
    #[serde(default)]
    idempotent: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Described {
    name: String,
    required: bool,
    schema: Value,
}

// === impl Description ===

impl Description {
    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.auths.is_empty()
    }

    /// The manifest. Arguments reach Python as they were sent, so nothing is coerced; and nothing
    /// tells what repeating a command does but the configuration and an adapter's own declaration.
    pub(super) fn manifest(&self, idempotent: &Idempotent) -> Manifest {
        let commands = self.commands.iter().map(|target| {
            let safety = match target.idempotent || idempotent.covers(&target.name) {
                true => Safety::Idempotent,
                false => Safety::Effectful,
            };
            let command = Command {
                name: target.name.clone(),
                description: target.description.clone().unwrap_or_default(),
                parameters: target.parameters(),
                open: target.open,
                coerce: false,
                safety,
                passes_key: false,
                result: None,
            };
            command.into()
        });
        let auths = self.auths.iter().map(|target| Auth {
            name: target.name.clone(),
            description: target.description.clone().unwrap_or_default(),
            parameters: target.parameters(),
        });
        Manifest {
            name: self.name.clone(),
            description: self.description.clone().unwrap_or_default(),
            commands: commands.collect(),
            auths: auths.collect(),
            // Packages read `config[…]` and cannot say which keys.
            fields: Fields {
                open: true,
                // A payload stays as it was sent: an adapter finds its profile beside it.
                apart: self.adapter,
                ..Fields::default()
            },
        }
    }
}

// === impl Target ===

impl Target {
    /// Required ones first, otherwise in the order of the signature.
    fn parameters(&self) -> Vec<Parameter> {
        let mut parameters: Vec<_> = self.parameters.iter().map(Described::parameter).collect();
        parameters.sort_by_key(|parameter| !parameter.required);
        parameters
    }
}

// === impl Described ===

impl Described {
    fn parameter(&self) -> Parameter {
        let mut schema = self.schema.clone();
        if let (true, Value::Object(schema)) = (is_sensitive_name(&self.name), &mut schema) {
            schema.insert("writeOnly".to_owned(), true.into());
        }
        Parameter::new(&self.name, self.required, &schema)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn described() -> Description {
        serde_json::from_value(json!({
            "name": "crm",
            "description": "Talks to the CRM.",
            "commands": [{
                "name": "Find", "description": null, "open": true, "long": false,
                "parameters": [
                    {"name": "limit", "required": false, "schema": {"type": "integer", "default": 5}},
                    {"name": "api_key", "required": true, "schema": {"type": "string"}},
                    {"name": "extra", "required": true, "schema": {}},
                ],
            }, {"name": "Add", "description": "Adds.", "open": false, "long": true, "parameters": []}],
            "auths": [{"name": "OAuth", "description": "", "open": false, "long": false,
                "parameters": [{"name": "client_secret", "required": true, "schema": {}}]}],
        }))
        .unwrap()
    }

    #[test]
    fn a_description_becomes_a_manifest() {
        let manifest = described().manifest(&Idempotent::None);
        assert_eq!(
            (manifest.name.as_str(), manifest.description.as_str()),
            ("crm", "Talks to the CRM.")
        );
        let find = &manifest.commands[0];
        let seen: Vec<_> = find
            .parameters
            .iter()
            .map(|p| (p.name.as_str(), p.spiff_type(), p.required, p.secret))
            .collect();
        let wanted = [
            ("api_key", "str", true, true),
            ("extra", "any", true, false),
            ("limit", "int", false, false),
        ];
        assert_eq!(seen, wanted);
        assert!(find.open && !find.coerce && find.safety == Safety::Effectful);
        assert_eq!(manifest.commands[1].description, "Adds.");
        assert!(manifest.auths[0].parameters[0].secret);
    }

    #[test]
    fn the_configuration_says_what_may_be_repeated() {
        let safety = |idempotent: Idempotent| -> Vec<_> {
            let commands = described().manifest(&idempotent).commands;
            commands.iter().map(|command| command.safety).collect()
        };
        let named = Idempotent::Commands(vec!["Find".to_owned()]);
        assert_eq!(safety(named), [Safety::Idempotent, Safety::Effectful]);
        assert_eq!(
            safety(Idempotent::All),
            [Safety::Idempotent, Safety::Idempotent]
        );
    }
}
