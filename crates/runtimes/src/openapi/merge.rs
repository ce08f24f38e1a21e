//! `allOf`: several schemas that hold at once, as one.

use indexmap::IndexMap;
use serde_json::Value;

use super::refs;

/// So many schemas are merged into one, those within them included.
const MOST: usize = 64;

/// So many properties of a schema are looked at.
const MOST_PROPERTIES: usize = 1_000;

/// A schema with those of its `allOf` in it: properties and what is required of all of them together, of
/// everything else what is said first. Nothing is copied.
#[derive(Default)]
pub(super) struct Merged<'d> {
    members: IndexMap<&'d str, &'d Value>,
    pub properties: IndexMap<&'d str, &'d Value>,
    pub required: Vec<&'d str>,
    left: usize,
    bare: bool,
}

// === impl Merged ===

impl<'d> Merged<'d> {
    /// The schema, and what it refers to.
    pub(super) fn of(root: &'d Value, schema: &'d Value) -> Merged<'d> {
        let mut merged = Merged {
            left: MOST,
            ..Merged::default()
        };
        merged.add(root, schema);
        merged
    }

    /// The same without properties and what is required: cheaper where nobody looks at them.
    pub(super) fn bare(root: &'d Value, schema: &'d Value) -> Merged<'d> {
        let mut merged = Merged {
            left: MOST,
            bare: true,
            ..Merged::default()
        };
        merged.add(root, schema);
        merged
    }

    /// What it says by a keyword other than `properties` and `required`.
    pub(super) fn get(&self, key: &str) -> Option<&'d Value> {
        self.members.get(key).copied()
    }

    /// Whether it is an object of known members, and not one of several.
    pub(super) fn has_members(&self) -> bool {
        let one_of_several = self.get("oneOf").is_some() || self.get("anyOf").is_some();
        !self.properties.is_empty() && !one_of_several
    }

    fn add(&mut self, root: &'d Value, schema: &'d Value) {
        let Ok(schema) = refs::follow(root, schema) else {
            return;
        };
        let Some(schema) = schema.as_object() else {
            return;
        };
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        for (key, value) in schema.iter().take(MOST_PROPERTIES) {
            match (&**key, value) {
                ("allOf", Value::Array(parts)) => {
                    parts.iter().for_each(|part| self.add(root, part));
                }
                ("properties" | "required", _) if self.bare => {}
                ("properties", Value::Object(more)) => {
                    for (name, property) in more.iter().take(MOST_PROPERTIES) {
                        if self.properties.len() < MOST_PROPERTIES {
                            self.properties.entry(name).or_insert(property);
                        }
                    }
                }
                ("required", Value::Array(more)) => {
                    let names = more.iter().take(MOST_PROPERTIES);
                    for name in names.filter_map(Value::as_str) {
                        if self.required.len() < MOST_PROPERTIES && !self.required.contains(&name) {
                            self.required.push(name);
                        }
                    }
                }
                (key, value) => {
                    self.members.entry(key).or_insert(value);
                }
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
                {"allOf": [{"properties": {"more": {}}, "required": ["more", "id", 7]}]},
                {"description": "Theirs.", "properties": {"id": {"type": "string"}}},
            ],
        });
        let merged = Merged::of(&root, &schema);
        assert_eq!(merged.get("description"), Some(&json!("Mine.")));
        assert_eq!(merged.get("type"), Some(&json!("object")));
        assert_eq!(merged.required, ["id", "more"]);
        let names: Vec<_> = merged.properties.keys().copied().collect();
        assert_eq!(names, ["id", "name", "more"]);
        assert_eq!(merged.properties["id"], &json!({"type": "integer"}));
    }

    #[test]
    fn one_that_holds_itself_ends() {
        let root = json!({"A": {"allOf": [{"$ref": "#/A"}, {"$ref": "#/A"}], "type": "object"}});
        let schema = json!({"$ref": "#/A"});
        assert_eq!(
            Merged::of(&root, &schema).get("type"),
            Some(&json!("object"))
        );
    }
}
