//! What a connector says about itself. Everything shown to people is derived from this:
//! SpiffArena's parameter list, OpenAPI, the command line, the reference pages.

use std::sync::Arc;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::Json;
use crate::parameter::Parameter;
use crate::profile::Fields;

/// How a command behaves when it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Changes nothing outside. May be repeated, and dropped when nobody waits any more.
    ReadOnly,
    /// Doing it twice has the effect of doing it once.
    Idempotent,
    /// Doing it twice may do it twice: never repeated on our own account.
    Effectful,
}

/// One thing a connector can do (Activiti and Django Automate: action; MCP: tool).
#[derive(Debug, Clone)]
pub struct Command {
    /// Unique within the connector.
    pub name: String,
    /// What it does, in sentences.
    pub description: String,
    /// In the order in which people fill them in: required ones first.
    pub parameters: Vec<Parameter>,
    /// Takes parameters that it does not list.
    pub open: bool,
    /// Whether values in other spellings are brought to the declared type (`"5"` for 5, empty
    /// text for an absent option). True for native and OpenAPI commands; others get what was sent.
    pub coerce: bool,
    /// How it behaves when it is repeated.
    pub safety: Safety,
    /// Passes the idempotency key on to a system that honours it, so that a repeat is safe.
    pub passes_key: bool,
    /// JSON Schema of the body of a success, where the connector says what that is.
    pub result: Option<Json>,
}

/// A connector's description of itself (Django Automate: adapter; MCP: server).
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The connector's own name, `[A-Za-z0-9_-]+`. A mount may publish it under another.
    pub name: String,
    /// What system it talks to, in a sentence.
    pub description: String,
    /// What it can do.
    pub commands: Vec<Arc<Command>>,
    /// Ways to authorise against the system.
    pub auths: Vec<Auth>,
    /// What its profiles may hold (Activiti: configuration parameters).
    pub fields: Fields,
}

/// A way to authorise against the system behind a connector (SpiffArena: auth).
#[derive(Debug, Clone)]
pub struct Auth {
    /// Unique within the connector.
    pub name: String,
    /// What it authorises, in sentences.
    pub description: String,
    /// What it needs, in the order in which people fill it in.
    pub parameters: Vec<Parameter>,
}

// === impl Safety ===

impl Safety {
    /// Whether a repeat does no harm.
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Safety::Effectful)
    }

    /// The name shown to people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Safety::ReadOnly => "read-only",
            Safety::Idempotent => "idempotent",
            Safety::Effectful => "effectful",
        }
    }
}

// === impl Command ===

impl Command {
    /// Describes a command whose parameters are the fields of `T`: doc comments become
    /// descriptions, `Option` means optional, [`crate::Secret`] secret.
    pub fn of<T: schemars::JsonSchema>(name: &str, safety: Safety) -> Command {
        let mut settings = SchemaSettings::draft2020_12();
        settings.inline_subschemas = true;
        let schema = settings.into_generator().into_root_schema_for::<T>();
        Command {
            name: name.to_owned(),
            description: description(&schema).unwrap_or_default(),
            parameters: Parameter::all_of(&schema),
            open: false,
            coerce: true,
            safety,
            passes_key: false,
            result: None,
        }
    }

    /// JSON Schema (2020-12) of the arguments as one object.
    pub fn input_schema(&self) -> Value {
        let properties: Map<String, Value> = self
            .parameters
            .iter()
            .map(|p| (p.name.clone(), json!(p.schema)))
            .collect();
        let required: Vec<&str> = self
            .parameters
            .iter()
            .filter(|p| p.required)
            .map(|p| p.name.as_str())
            .collect();
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": self.open,
        })
    }

    /// The parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == name)
    }
}

/// The schema's description, one line a paragraph.
fn description(schema: &Schema) -> Option<String> {
    Some(crate::parameter::unwrap_lines(
        schema.get("description")?.as_str()?,
    ))
}

/// Whether a connector may bear this name: `[A-Za-z0-9_-]+`.
pub fn is_connector_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    /// Sends a thing.
    ///
    /// It goes out
    /// at once.
    #[derive(schemars::JsonSchema)]
    #[expect(dead_code)]
    struct Send {
        /// Where to.
        to: String,
        /// How often.
        times: Option<u32>,
        token: Option<Secret<String>>,
        urgent: Option<bool>,
        extra: Option<Json>,
    }

    #[test]
    fn a_struct_describes_its_command() {
        let command = Command::of::<Send>("Send", Safety::Effectful);
        assert_eq!(
            command.description,
            "Sends a thing.\n\nIt goes out at once."
        );
        let seen: Vec<_> = command
            .parameters
            .iter()
            .map(|p| (p.name.as_str(), p.spiff_type(), p.required, p.secret))
            .collect();
        assert_eq!(
            seen,
            [
                ("to", "str", true, false),
                ("times", "int", false, false),
                ("token", "str", false, true),
                ("urgent", "bool", false, false),
                ("extra", "any", false, false),
            ]
        );
        assert_eq!(command.parameters[0].description, "Where to.");
    }

    #[test]
    fn its_schema_is_closed_and_names_what_is_required() {
        let schema = Command::of::<Send>("Send", Safety::Effectful).input_schema();
        assert_eq!(schema["required"], json!(["to"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["times"]["type"], json!("integer"));
    }

    #[test]
    fn connector_names_are_plain() {
        assert!(is_connector_name("postgres_v2"));
        for name in ["", "a/b", "a b", "ä"] {
            assert!(!is_connector_name(name), "{name}");
        }
    }
}
