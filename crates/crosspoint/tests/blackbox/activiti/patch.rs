//! Mappings of type `jsonpatch`: how an engine changes a variable in place.

use serde_json::{Value, json};

/// A variable after these operations. Objects that a path leads through are made.
pub fn patched(variable: Option<&Value>, operations: &Value) -> Value {
    let mut value = variable.cloned().unwrap_or_default();
    for operation in operations.as_array().unwrap() {
        let path = operation["path"].as_str().unwrap();
        let (parent, key) = path.rsplit_once('/').unwrap();
        let parent = parent.split('/').skip(1).fold(&mut value, |value, key| {
            object(value).entry(key).or_insert_with(|| json!({}))
        });
        match (operation["op"].as_str().unwrap(), parent) {
            ("add", Value::Array(list)) if key == "-" => list.push(operation["value"].clone()),
            ("add" | "replace", parent) => {
                object(parent).insert(key.to_owned(), operation["value"].clone());
            }
            ("remove", parent) => drop(object(parent).remove(key)),
            (other, _) => panic!("{other} is not made up here"),
        }
    }
    value
}

fn object(value: &mut Value) -> &mut serde_json::Map<String, Value> {
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut().unwrap()
}
