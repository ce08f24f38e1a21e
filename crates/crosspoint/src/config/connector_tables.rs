//! `[connectors]` as the file has it: the tables of built-in and of mounted connectors side by
//! side, told apart by the keys in them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::connectors::{BuiltIns, Connectors};
use super::mounted::Entry;
use super::schema;

/// Runtimes that are to come, so that their keys are no mere misspellings.
const LATER: [&str; 1] = ["wasm"];

/// The keys of which one says that the table brings its connector: those that a form of [`Entry`]
/// needs.
pub fn runtime_keys() -> impl Iterator<Item = &'static str> {
    let entry = schema::get(connectors(), "additionalProperties");
    let forms = entry.into_iter().flat_map(schema::alternatives);
    forms.flat_map(schema::required)
}

/// Whether a key is that of a runtime which does not exist yet.
pub fn is_later_runtime(key: &str) -> bool {
    LATER.contains(&key)
}

/// The names of the built-in connectors, whether or not `builtin` names them.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    let properties = schema::properties(connectors());
    properties.into_iter().flatten().map(|(name, _)| &**name)
}

/// The schema of the table of the connector of that name.
pub fn table_of(name: &str) -> &'static Value {
    schema::member(connectors(), name).unwrap_or(&Value::Null)
}

fn connectors() -> &'static Value {
    schema::member(schema::shared(), "connectors").unwrap_or(&Value::Null)
}

// === impl Connectors ===

impl<'de> Deserialize<'de> for Connectors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Connectors, D::Error> {
        let (mut built_in, mut mounted) = (Map::new(), Map::new());
        for (name, table) in Map::deserialize(deserializer)? {
            let brings_it = runtime_keys().any(|key| table.get(key).is_some());
            let is_built_in = built_in_names().any(|known| known == name) && !brings_it;
            let side = if is_built_in {
                &mut built_in
            } else {
                &mut mounted
            };
            side.insert(name, table);
        }
        Ok(Connectors {
            built_in: serde_json::from_value(built_in.into()).map_err(D::Error::custom)?,
            mounted: serde_json::from_value(mounted.into()).map_err(D::Error::custom)?,
        })
    }
}

impl Serialize for Connectors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tables = serde_json::to_value(&self.built_in).map_err(S::Error::custom)?;
        for (name, entry) in &self.mounted {
            tables[name] = serde_json::to_value(entry).map_err(S::Error::custom)?;
        }
        tables.serialize(serializer)
    }
}

/// A table by a built-in's name is the built-in's, or one that brings a connector in its place; a
/// table by any other name has any form of [`Entry`]. What the reference describes comes first.
impl JsonSchema for Connectors {
    fn schema_name() -> Cow<'static, str> {
        "Connectors".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = Entry::json_schema(generator).to_value();
        let forms = entry.get("anyOf").and_then(Value::as_array);
        let mut bringing: Vec<&Value> = forms.into_iter().flatten().collect();
        let definitions = json!({ "$defs": generator.definitions() });
        bringing.retain(|form| schema::get_in(&definitions, form, "required").is_some());
        let built_in = BuiltIns::json_schema(generator).to_value();
        let table = |(name, own): (&String, &Value)| {
            let mut forms = vec![own];
            forms.extend(&bringing);
            let description = own.get("description");
            (
                name.clone(),
                json!({ "description": description, "anyOf": forms }),
            )
        };
        let tables = built_in.get("properties").and_then(Value::as_object);
        let tables = tables.into_iter().flatten();
        json_schema!({
            "type": "object",
            "properties": tables.map(table).collect::<Map<_, _>>(),
            "additionalProperties": entry,
            "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$", "format": "connector-name" },
        })
    }
}
