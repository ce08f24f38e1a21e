//! `${…}` in the values of mappings, as far as engines and these tests agree: names, and fields of
//! what is named.

use serde_json::{Map, Value};

/// A value with its expressions replaced, also within lists and objects. One that is nothing else keeps
/// the type of what it names, and is null where there is no such thing; others become text, or nothing.
pub fn evaluated(value: &Value, scopes: &[&Map<String, Value>]) -> Value {
    match value {
        Value::String(text) => whole(text).map_or_else(
            || embedded(text, scopes).into(),
            |path| find(path, scopes).unwrap_or_default(),
        ),
        Value::Array(list) => list.iter().map(|one| evaluated(one, scopes)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), evaluated(value, scopes)))
            .collect(),
        other => other.clone(),
    }
}

/// Whether any text of a value has an expression.
pub fn has_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let rest = text.split_once("${").map(|(_, rest)| rest);
            rest.is_some_and(|rest| rest.contains('}'))
        }
        Value::Array(list) => list.iter().any(has_expression),
        Value::Object(map) => map.values().any(has_expression),
        _ => false,
    }
}

fn whole(text: &str) -> Option<&str> {
    let path = text.strip_prefix("${")?.strip_suffix('}')?;
    (!path.contains('}')).then_some(path)
}

fn embedded(text: &str, scopes: &[&Map<String, Value>]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((path, after)) = after.split_once('}') else {
            break;
        };
        out.push_str(before);
        match find(path, scopes) {
            Some(Value::String(text)) => out.push_str(&text),
            Some(other) => out.push_str(&other.to_string()),
            None => {}
        }
        rest = after;
    }
    out + rest
}

fn find(path: &str, scopes: &[&Map<String, Value>]) -> Option<Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut found = scopes.iter().find_map(|scope| scope.get(first))?;
    for part in rest.split('.').filter(|part| !part.is_empty()) {
        found = found.get(part)?;
    }
    Some(found.clone())
}
