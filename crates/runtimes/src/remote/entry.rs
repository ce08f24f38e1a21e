//! One command of a catalogue, read with patience for those who keep to the protocol by half.

use crosspoint_core::{Command, Parameter, Safety, is_connector_name, is_sensitive_name};
use serde_json::{Map, Value, json};

use crate::notes::Notes;

/// The longest id, and the longest name of a parameter, in bytes.
const LONGEST: usize = 200;

/// So many parameters are read of a command.
const MOST_PARAMETERS: usize = 500;

/// The largest schema that is taken over, in bytes of its text.
const LARGEST_SCHEMA: usize = 32 * 1024;

/// A command, with the connector that it belongs to.
pub(super) struct Entry {
    pub connector: String,
    pub command: Command,
    /// The proxies behind the one that lists it.
    pub via: Vec<String>,
}

// === impl Entry ===

impl Entry {
    /// Reads an entry; nothing where it cannot be one.
    pub(super) fn read(entry: &Value, notes: &mut Notes) -> Option<Entry> {
        let Some(id) = entry.get("id").and_then(Value::as_str) else {
            notes.add("commands without an id are left out", "");
            return None;
        };
        let legal = |name: &&str| {
            // In a path, the first two are its end and the level above.
            !matches!(*name, "" | "." | "..")
                && !name.contains('/')
                && !name.contains(char::is_control)
        };
        let parts = id.split_once('/').filter(|(connector, command)| {
            id.len() <= LONGEST && is_connector_name(connector) && legal(command)
        });
        let Some((connector, command)) = parts else {
            notes.add(
                "commands whose id is not connector/Command are left out",
                id,
            );
            return None;
        };
        let mut parameters = parameters(entry.get("parameters"), id, notes);
        parameters.sort_by_key(|parameter| !parameter.required);
        let text = |key| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        let command = Command {
            name: command.to_owned(),
            description: text("description").to_owned(),
            parameters,
            // Whoever runs it knows best what it takes.
            open: true,
            coerce: false,
            safety: match text("safety") {
                "read-only" => Safety::ReadOnly,
                "idempotent" => Safety::Idempotent,
                _ => Safety::Effectful,
            },
            passes_key: false,
            result: None,
        };
        let via = entry.get("via").and_then(Value::as_array);
        let via = via.into_iter().flatten().filter_map(Value::as_str);
        Some(Entry {
            connector: connector.to_owned(),
            command,
            via: via.map(str::to_owned).collect(),
        })
    }
}

fn parameters(list: Option<&Value>, id: &str, notes: &mut Notes) -> Vec<Parameter> {
    let named: Vec<(Option<&str>, &Value)> = match list {
        Some(Value::Array(list)) => list.iter().map(|one| (None, one)).collect(),
        Some(Value::Object(map)) => {
            notes.add("parameters are an object in place of a list", id);
            map.iter().map(|(name, one)| (Some(&**name), one)).collect()
        }
        None | Some(Value::Null) => Vec::new(),
        Some(_) => {
            notes.add("parameters are no list, and passed over", id);
            Vec::new()
        }
    };
    let mut parameters: Vec<Parameter> = Vec::new();
    for (name, described) in named {
        let name = name.or_else(|| text_of(described, "id"));
        let name = name.or_else(|| text_of(described, "name"));
        let Some(name) = name.filter(|name| !name.is_empty() && name.len() <= LONGEST) else {
            notes.add("parameters without a usable id are passed over", id);
            continue;
        };
        let full = parameters.len() == MOST_PARAMETERS;
        if full || parameters.iter().any(|known| known.name == name) {
            notes.add(
                "parameters that are listed twice, or too many, are passed over",
                id,
            );
            continue;
        }
        parameters.push(parameter(name, described, id, notes));
    }
    parameters
}

fn parameter(name: &str, described: &Value, id: &str, notes: &mut Notes) -> Parameter {
    let mut schema = own_schema(described).unwrap_or_else(|| {
        let kind = described.get("type").and_then(Value::as_str);
        schema_of(kind.unwrap_or("any"), id, notes)
    });
    if !schema.contains_key("description")
        && let Some(text) = text_of(described, "description")
    {
        schema.insert("description".to_owned(), text.into());
    }
    if let Some(default) = described.get("default") {
        schema.entry("default").or_insert_with(|| default.clone());
    }
    if described.get("secret") == Some(&true.into()) || is_sensitive_name(name) {
        schema.insert("writeOnly".to_owned(), true.into());
    }
    let required = match described.get("required") {
        Some(Value::Bool(required)) => *required,
        None | Some(Value::Null) => false,
        Some(other) => {
            notes.add("'required' is no boolean", id);
            matches!(other.as_str(), Some("true" | "True" | "yes"))
        }
    };
    Parameter::new(name, required, &Value::Object(schema))
}

fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// The schema that another Crosspoint lists, unless it is out of proportion.
fn own_schema(described: &Value) -> Option<Map<String, Value>> {
    let schema = described.get("schema")?;
    let object = schema.as_object()?;
    (schema.to_string().len() <= LARGEST_SCHEMA).then(|| object.clone())
}

/// The types of the protocol, and what others write for them.
fn schema_of(kind: &str, id: &str, notes: &mut Notes) -> Map<String, Value> {
    let (name, known) = match kind {
        "str" => (Some("string"), true),
        "int" => (Some("integer"), true),
        "bool" => (Some("boolean"), true),
        "any" => (None, true),
        "string" | "text" => (Some("string"), false),
        "integer" => (Some("integer"), false),
        "boolean" => (Some("boolean"), false),
        "float" | "number" => (Some("number"), false),
        "dict" | "object" | "map" => (Some("object"), false),
        "list" | "array" => (Some("array"), false),
        _ => (None, false),
    };
    if !known {
        let place = format!("{kind} in {id}");
        notes.add(
            "types are none of str, int, bool and any, and read as what they seem to mean",
            &place,
        );
    }
    let schema = name.map_or_else(|| json!({}), |name| json!({"type": name}));
    schema.as_object().cloned().unwrap_or_default()
}
