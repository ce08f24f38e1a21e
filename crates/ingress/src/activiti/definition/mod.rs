//! Connector definitions: the JSON files that say which actions a connector has.
//!
//! A runtime bundle reads them leniently ([`Definition::read`]), the modelling service checks them
//! strictly ([`check`]). What we write ([`export`]) passes both, unless a name of ours cannot.

mod bind;
mod excerpt;
mod export;
mod lenient;
mod names;
mod strict;
mod twice;

use crosspoint_broker::profiles::ConfigurationParameter;
use crosspoint_core::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use bind::{Binding, bind};
pub use export::export;
pub use names::{action_id, connector_name};
pub use strict::{Violation, check};

/// A connector as Activiti knows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Definition {
    /// The unique identifier.
    #[serde(
        deserialize_with = "lenient::some_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub id: Option<String>,
    /// The name: the part of `implementation` before the dot.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// What it is for.
    #[serde(
        deserialize_with = "lenient::some_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// The ready-made connector that it was made from, such as `restConnector`.
    #[serde(
        deserialize_with = "lenient::some_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub template: Option<String>,
    /// What it can do.
    #[serde(deserialize_with = "lenient::or_default")]
    pub actions: Features,
    /// What it can tell.
    #[serde(deserialize_with = "lenient::or_default")]
    pub events: Features,
    /// Its configuration parameters.
    #[serde(
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub config: Vec<Config>,
    /// The BPMN errors that it may raise.
    #[serde(
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub errors: Vec<Declared>,
}

/// Actions or events by their key, in their order.
pub type Features = indexmap::IndexMap<String, Feature>;

/// An action or an event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Feature {
    /// The unique identifier.
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    /// The name: the part of `implementation` after the dot.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// What it does.
    #[serde(
        deserialize_with = "lenient::some_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// What it takes.
    #[serde(deserialize_with = "lenient::or_default")]
    pub inputs: Vec<Parameter>,
    /// What it brings back.
    #[serde(deserialize_with = "lenient::or_default")]
    pub outputs: Vec<Parameter>,
    /// A schema of what it brings back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Value>,
}

/// An input or an output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameter {
    /// The unique identifier.
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    /// The name that mappings use.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// What it means.
    #[serde(
        deserialize_with = "lenient::some_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// The type; any text.
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: String,
    /// Whether a value is needed. No engine checks that at run time.
    #[serde(
        deserialize_with = "lenient::truth",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub required: bool,
    /// Everything else that it says.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A configuration parameter: an environment variable of the connector.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The name of the variable.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// What it is for.
    #[serde(
        deserialize_with = "lenient::some_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// The default, always a text.
    #[serde(
        deserialize_with = "lenient::some_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub value: Option<String>,
    /// Whether a value is needed.
    #[serde(
        deserialize_with = "lenient::truth",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub required: bool,
    /// Whether the value is a secret.
    #[serde(
        deserialize_with = "lenient::truth",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub secure: bool,
}

/// A BPMN error that a connector may raise. Nothing reads these at run time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Declared {
    /// Its name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// What it means.
    #[serde(
        deserialize_with = "lenient::some_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// The code that boundary events catch.
    #[serde(
        deserialize_with = "lenient::some_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub code: Option<String>,
}

/// Why a runtime bundle would not start with a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON, or not of the shape.
    #[error("not a connector definition: {0}")]
    Shape(String),
    /// It has no name.
    #[error("the connector has no name")]
    NoName,
    /// The engine takes what is before the dot for the connector.
    #[error("the connector's name '{0}' contains a dot")]
    Dot(String),
    /// Another file has the same name.
    #[error("two definitions are named '{0}'")]
    Twice(String),
}

// === impl Definition ===

impl Definition {
    /// Reads a definition as the runtime bundle does: whatever is not known is passed over, and no
    /// rule counts for the name but that there is one without a dot.
    pub fn read(text: &str) -> Result<Definition, Unreadable> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let unreadable = |error: &dyn std::fmt::Display| Unreadable::Shape(error.to_string());
        // Of a key that is there twice the last one counts.
        let value: Value = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        if !value.is_object() {
            let expected = "it is a JSON object with \"name\" and \"actions\", and this is none";
            return Err(unreadable(&expected));
        }
        let definition: Definition =
            serde_path_to_error::deserialize(value).map_err(|error| unreadable(&error))?;
        match definition.name.as_str() {
            "" => Err(Unreadable::NoName),
            name if name.contains('.') => Err(Unreadable::Dot(name.to_owned())),
            _ => Ok(definition),
        }
    }

    /// Checks that no two have one name.
    pub fn distinct(definitions: &[Definition]) -> Result<(), Unreadable> {
        let mut names: Vec<_> = definitions.iter().map(|one| &one.name).collect();
        names.sort();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Unreadable::Twice(pair[0].clone())),
            None => Ok(()),
        }
    }

    /// What service tasks write to run an action.
    pub fn implementation(&self, action: &Feature) -> String {
        format!("{}.{}", self.name, action.name)
    }

    /// As a file.
    pub fn text(&self) -> String {
        // Texts, booleans and JSON: writing them cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

// === impl Config ===

impl Config {
    /// As the connector's profiles know it, before anybody has said more.
    pub fn parameter(&self) -> ConfigurationParameter {
        let default = self.value.clone().filter(|value| !value.is_empty());
        ConfigurationParameter {
            name: self.name.clone(),
            field: None,
            value: None,
            default: default.map(Secret::new),
            required: self.required,
            secret: self.secure,
        }
    }
}

#[cfg(test)]
mod known_tests;
#[cfg(test)]
mod tests;
