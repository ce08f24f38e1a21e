//! The definition of any connector of ours.

use std::sync::Arc;

use crosspoint_broker::Entry;
use crosspoint_core::Type;
use serde_json::{Map, Value};

use super::names::{connector_name, stable_id};
use super::{Config, Definition, Feature, Features, Parameter};

/// The definition of the connector with these commands, which are all of one connector.
pub fn export(commands: &[Arc<Entry>]) -> Option<Definition> {
    let first = commands.first()?;
    let own = &*first.id.connector;
    let manifest = first.connector.manifest();
    Some(Definition {
        id: Some(format!("connector-{}", stable_id(&[own]))),
        name: connector_name(own),
        description: some(&manifest.description),
        template: None,
        actions: commands
            .iter()
            .map(|entry| action(entry))
            .collect::<Features>(),
        events: Features::new(),
        config: manifest.fields.declared.iter().map(config).collect(),
        errors: Vec::new(),
    })
}

fn action(entry: &Entry) -> (String, Feature) {
    let (connector, command) = (&*entry.id.connector, &*entry.id.command);
    let id = stable_id(&[connector, command]);
    let inputs = entry.command.parameters.iter().map(|parameter| Parameter {
        id: stable_id(&[connector, command, "input", &parameter.name]),
        name: parameter.name.clone(),
        description: some(&parameter.description),
        kind: kind(&parameter.types).to_owned(),
        required: parameter.required,
        more: Map::new(),
    });
    let outputs = OUTPUTS.iter().map(|(name, kind, description)| Parameter {
        id: stable_id(&[connector, command, "output", name]),
        name: (*name).to_owned(),
        description: some(description),
        kind: (*kind).to_owned(),
        required: false,
        more: Map::new(),
    });
    let feature = Feature {
        id: id.clone(),
        name: command.to_owned(),
        description: some(&entry.command.description),
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        model: None,
    };
    (id, feature)
}

/// What every command brings back, whatever it is.
pub(crate) const OUTPUTS: [(&str, &str, &str); 2] = [
    (
        "result",
        "json",
        "What the command brought back, as a whole. The fields of an object, but for those named \
         result and status, are outputs by their own names, too.",
    ),
    (
        "status",
        "integer",
        "Its status in the sense of HTTP, such as 200.",
    ),
];

/// The type of a parameter, among those that an engine knows.
fn kind(types: &[Type]) -> &'static str {
    match types {
        [Type::String] => "string",
        [Type::Integer] => "integer",
        [Type::Number] => "bigdecimal",
        [Type::Boolean] => "boolean",
        [Type::Array] => "array",
        _ => "json",
    }
}

fn config(field: &crosspoint_core::Parameter) -> Config {
    Config {
        name: field.name.clone(),
        description: some(&field.description),
        value: field.default().map(text),
        required: field.required,
        secure: field.secret,
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A default as the text that configuration parameters always are.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
