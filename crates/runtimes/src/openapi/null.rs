//! Whether null is a value of a property or of a body.

use serde_json::{Map, Value};

use super::document::Document;
use super::merge::Merged;

/// Whether a schema names null among what it takes: `said` is what a document says, `inlined` what became
/// of it. One that says nothing of types takes anything, but there null means that nothing is given.
pub(super) fn takes_null(
    document: &Document,
    said: &Merged<'_>,
    inlined: &Map<String, Value>,
) -> bool {
    let nullable = document.is_3_0 && said.get("nullable") == Some(&Value::Bool(true));
    nullable || names_null(inlined)
}

fn names_null(schema: &Map<String, Value>) -> bool {
    let is_null = |kind: &Value| kind == "null";
    let of_type = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_null),
        kind => kind.is_some_and(is_null),
    };
    let choices = |key: &str| schema.get(key).and_then(Value::as_array);
    match (schema.get("const"), choices("enum")) {
        (Some(only), _) => only.is_null(),
        (None, Some(choices)) => choices.contains(&Value::Null),
        (None, None) => {
            let branches = ["anyOf", "oneOf"].into_iter().filter_map(choices).flatten();
            of_type || branches.filter_map(Value::as_object).any(names_null)
        }
    }
}
