//! The configuration as it is in effect, written back.

use serde_json::{Map, Value, json};

use super::load::Loaded;
use super::problem::Place;
use super::schema::join;

/// The effective configuration as TOML that can be loaded again. A comment after each key says
/// where it was set; no comment means that it is the default. Keys that are not references are
/// shown as `***`, which loading refuses.
pub fn effective(loaded: &Loaded) -> String {
    let mut out = String::new();
    if let Value::Object(config) = config(loaded) {
        table(&mut out, "", &config, loaded);
    }
    out
}

/// The same as JSON: `{"file", "config", "origins", "warnings"}`.
pub fn effective_json(loaded: &Loaded) -> Value {
    json!({
        "file": loaded.file,
        "config": config(loaded),
        "origins": loaded.origins,
        "warnings": loaded.warnings,
    })
}

/// The configuration without the tables of connectors that are not there, for which a
/// configuration must have no table.
fn config(loaded: &Loaded) -> Value {
    let mut config = serde_json::to_value(&loaded.config).unwrap_or_default();
    if let Some(connectors) = config.get_mut("connectors").and_then(Value::as_object_mut) {
        let mounted = &loaded.config.connectors.mounted;
        let is_there =
            |name: &String| loaded.config.builtin.contains(name) || mounted.contains_key(name);
        connectors.retain(|name, _| is_there(name));
    }
    config
}

fn table(out: &mut String, name: &str, entries: &Map<String, Value>, loaded: &Loaded) {
    let mut lines = String::new();
    for (key, value) in entries {
        match value {
            Value::Object(_) => {}
            Value::Null => lines.push_str(&format!("# {key} is not set\n")),
            value => {
                let origin = origin(&join(name, key), loaded);
                let key = bare_or_quoted(key);
                lines.push_str(&format!("{key} = {}{origin}\n", in_toml(value)));
            }
        }
    }
    if !lines.is_empty() && !name.is_empty() {
        out.push_str(&format!("\n[{name}]\n"));
    }
    out.push_str(&lines);
    for (key, value) in entries {
        if let Value::Object(inner) = value {
            table(out, &join(name, key), inner, loaded);
        }
    }
}

/// Where a key or the elements of its list come from, as a comment.
fn origin(key: &str, loaded: &Loaded) -> String {
    let elements = format!("{key}[");
    let mut places: Vec<_> = loaded
        .origins
        .iter()
        .filter(|(name, _)| *name == key || name.starts_with(&elements))
        .map(|(_, place)| place)
        .collect();
    places.sort();
    let mut names: Vec<_> = places.into_iter().map(Place::short).collect();
    names.dedup();
    if names.is_empty() {
        String::new()
    } else {
        format!("  # from {}", names.join(" and "))
    }
}

/// A key of TOML, in quotes if it needs them.
fn bare_or_quoted(key: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    match !key.is_empty() && key.bytes().all(bare) {
        true => key.to_owned(),
        false => in_toml(&key.into()),
    }
}

/// A JSON value as a TOML value on one line.
pub fn in_toml(value: &Value) -> String {
    match value {
        Value::Array(list) => {
            format!(
                "[{}]",
                list.iter().map(in_toml).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entry = |(name, value): (&String, &Value)| format!("{name} = {}", in_toml(value));
            format!(
                "{{ {} }}",
                map.iter().map(entry).collect::<Vec<_>>().join(", ")
            )
        }
        // A JSON text is a basic string of TOML but for the one character that TOML wants escaped.
        Value::String(_) => value.to_string().replace('\u{7f}', "\\u007f"),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "effective_tests.rs"]
mod tests;
