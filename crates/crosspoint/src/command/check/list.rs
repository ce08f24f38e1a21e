//! The catalogue of a proxy, read with its faults.

use crosspoint_core::Safety;
use crosspoint_core::testing::{Listed, ListedParameter, Listing};
use serde_json::{Map, Value};

/// Reads the answer of `/v1/commands`. Keys beyond the protocol are taken as Crosspoint writes
/// them, where they are there.
pub(super) fn read(text: &str, wanted: impl Fn(&str) -> bool) -> Result<Listing, String> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| format!("GET /v1/commands does not answer JSON: {error}"))?;
    let Value::Array(entries) = value else {
        return Err("GET /v1/commands does not answer a list".to_owned());
    };
    let mut listing = Listing::default();
    for (index, entry) in entries.iter().enumerate() {
        let place = format!("entry {}", index + 1);
        let Some(id) = entry.get("id").and_then(Value::as_str) else {
            listing.faults.push(format!("{place} has no id"));
            continue;
        };
        if wanted(id) {
            let command = command(id, entry, &mut listing.faults);
            listing.commands.push(command);
        }
    }
    Ok(listing)
}

fn command(id: &str, entry: &Value, faults: &mut Vec<String>) -> Listed {
    let parameters = match entry.get("parameters") {
        Some(Value::Array(list)) => list.as_slice(),
        _ => {
            faults.push(format!("{id} has no list of parameters"));
            &[]
        }
    };
    let read = |value: &Value| parameter(id, value, faults);
    Listed {
        id: id.to_owned(),
        description: text(entry, "description"),
        parameters: parameters.iter().filter_map(read).collect(),
        open: entry.get("open").and_then(Value::as_bool),
        coerces: None,
        safety: entry.get("safety").and_then(Value::as_str).and_then(safety),
    }
}

fn parameter(id: &str, value: &Value, faults: &mut Vec<String>) -> Option<ListedParameter> {
    let Some(name) = text(value, "id").filter(|name| !name.is_empty()) else {
        faults.push(format!("{id} has a parameter without id"));
        return None;
    };
    let kind = text(value, "type").unwrap_or_else(|| {
        faults.push(format!("{id}: parameter '{name}' has no type"));
        "any".to_owned()
    });
    let required = value.get("required").and_then(Value::as_bool);
    if required.is_none() {
        faults.push(format!(
            "{id}: parameter '{name}' does not say whether it is required"
        ));
    }
    let schema = value.get("schema").filter(|s| s.is_object()).cloned();
    let marked = |holder: &Value, key: &str| holder.get(key).and_then(Value::as_bool);
    // Who sends schemas marks the secrets in them or beside them, and leaves the mark out
    // elsewhere.
    let secret = match (marked(value, "secret"), &schema) {
        (Some(secret), _) => Some(secret),
        (None, Some(schema)) => Some(marked(schema, "writeOnly").unwrap_or(false)),
        (None, None) => None,
    };
    let beside = value.get("default").cloned();
    let inside = schema
        .as_ref()
        .and_then(|schema| schema.get("default"))
        .cloned();
    Some(ListedParameter {
        description: text(value, "description"),
        default: beside.or(inside).filter(|default| !default.is_null()),
        name,
        kind,
        required: required.unwrap_or(false),
        secret,
        schema,
    })
}

fn text(value: &Value, key: &str) -> Option<String> {
    let value: Option<&Map<_, _>> = value.as_object();
    value?.get(key)?.as_str().map(str::to_owned)
}

fn safety(name: &str) -> Option<Safety> {
    [Safety::ReadOnly, Safety::Idempotent, Safety::Effectful]
        .into_iter()
        .find(|safety| safety.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_catalogue_is_read_without_guessing() {
        let text =
            r#"[{"id": "a/B", "parameters": [{"id": "x", "type": "str", "required": true}]}]"#;
        let listing = read(text, |_| true).unwrap();
        let command = &listing.commands[0];
        assert_eq!(
            (command.open, command.safety, listing.faults.len()),
            (None, None, 0)
        );
        assert_eq!(
            (command.parameters[0].secret, command.parameters[0].required),
            (None, true)
        );
    }

    #[test]
    fn faults_are_named_and_the_rest_is_read() {
        let text = r#"[{"parameters": []}, {"id": "a/B"}, {"id": "a/C", "parameters":
            [{"id": "x"}, {"type": "str", "required": false}]}]"#;
        let listing = read(text, |_| true).unwrap();
        assert_eq!(
            listing.faults,
            [
                "entry 1 has no id",
                "a/B has no list of parameters",
                "a/C: parameter 'x' has no type",
                "a/C: parameter 'x' does not say whether it is required",
                "a/C has a parameter without id",
            ]
        );
        assert_eq!(listing.commands.len(), 2);
        assert!(read("<html>", |_| true).is_err() && read("{}", |_| true).is_err());
    }

    #[test]
    fn only_what_is_wanted_is_listed() {
        let text = r#"[{"id": "a/B", "parameters": []}, {"id": "c/D", "parameters": []}]"#;
        let listing = read(text, |id| id.starts_with("c/")).unwrap();
        assert_eq!(listing.commands[0].id, "c/D");
    }
}
