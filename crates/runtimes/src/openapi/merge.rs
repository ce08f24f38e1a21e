//! `allOf`: several schemas that hold at once, as one.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::refs;

/// So many schemas are merged into one, those within them included.
const MOST: usize = 64;

/// A schema with those of its `allOf` in it: properties and what is required of all of them together, of
/// everything else what is said first.
pub(super) fn merge_all_of<'d>(root: &'d Value, schema: &'d Value) -> Cow<'d, Value> {
    if schema.get("allOf").is_none() {
        return Cow::Borrowed(schema);
    }
    let mut merged = Map::new();
    let mut left = MOST;
    add(root, schema, &mut merged, &mut left);
    Cow::Owned(Value::Object(merged))
}

fn add(root: &Value, schema: &Value, merged: &mut Map<String, Value>, left: &mut usize) {
    let Ok(schema) = refs::follow(root, schema) else {
        return;
    };
    let Some(schema) = schema.as_object() else {
        return;
    };
    if *left == 0 {
        return;
    }
    *left -= 1;
    for (key, value) in schema {
        match (&**key, value) {
            ("allOf", Value::Array(parts)) => {
                parts.iter().for_each(|part| add(root, part, merged, left));
            }
            ("properties", Value::Object(more)) => {
                let own = merged
                    .entry("properties")
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(own) = own {
                    for (name, property) in more {
                        own.entry(name.as_str()).or_insert_with(|| property.clone());
                    }
                }
            }
            ("required", Value::Array(more)) => {
                let own = merged
                    .entry("required")
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(own) = own {
                    let new = more.iter().filter(|name| !own.contains(name));
                    let new: Vec<_> = new.cloned().collect();
                    own.extend(new);
                }
            }
            _ => {
                merged.entry(key.as_str()).or_insert_with(|| value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn several_schemas_are_one() {
        let root = json!({"Base": {"type": "object", "required": ["id"],
            "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}});
        let schema = json!({
            "description": "Mine.",
            "allOf": [
                {"$ref": "#/Base"},
                {"allOf": [{"properties": {"more": {}}, "required": ["more", "id"]}]},
                {"description": "Theirs.", "properties": {"id": {"type": "string"}}},
            ],
        });
        assert_eq!(
            *merge_all_of(&root, &schema),
            json!({"description": "Mine.", "type": "object", "required": ["id", "more"],
                "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "more": {}}})
        );
    }
}
