//! Schemas of a document as schemas of parameters: they stand on their own, and are never larger than
//! what people and forms can use.

use serde_json::{Map, Value, json};

use super::document::{Document, size};
use super::merge::Merged;

/// How deep a parameter's schema goes. What lies deeper is told by its type alone.
const DEEPEST: usize = 5;

/// So many schemas within one another may make up a parameter's.
const MOST_NODES: usize = 150;

/// So many choices are listed.
const MOST_CHOICES: usize = 500;

/// So much text of a description is kept, in characters.
const LONGEST_TEXT: usize = 1000;

/// Keywords that are taken over as they are.
const PLAIN: [&str; 19] = [
    "type",
    "const",
    "default",
    "format",
    "title",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "writeOnly",
    "deprecated",
];

/// So often what a parameter itself says is kept: in its schema, as a value, and in what is sent.
const COPIES: usize = 3;

/// Makes schemas of one parameter.
pub(super) struct Inliner<'d> {
    document: &'d Document,
    left: usize,
}

// === impl Inliner ===

impl<'d> Inliner<'d> {
    /// With the whole budget of a parameter.
    pub(super) fn new(document: &'d Document) -> Inliner<'d> {
        Inliner {
            document,
            left: MOST_NODES,
        }
    }

    /// The schema with every reference within it followed. What leads in a circle, or lies too deep, ends
    /// at its type; a reference that leads nowhere takes anything.
    /// What does not fit into what the document may take is not there.
    pub(super) fn inline(&mut self, schema: &Value) -> Map<String, Value> {
        self.document.looks();
        self.at(schema, 0)
    }

    fn at(&mut self, schema: &Value, depth: usize) -> Map<String, Value> {
        let of_all = self.document.left.get();
        let spent = depth == DEEPEST || self.left == 0 || of_all == 0;
        self.left = self.left.saturating_sub(1);
        self.document.left.set(of_all.saturating_sub(1));
        if spent {
            let schema = Merged::bare(&self.document.root, schema);
            return shallow(self.plain(&schema, depth));
        }
        let schema = Merged::of(&self.document.root, schema);
        let mut inlined = self.plain(&schema, depth);
        if let Some(Value::Array(choices)) = schema.get("enum")
            && choices.len() <= MOST_CHOICES
            && choices.iter().all(|choice| self.takes(choice, depth))
        {
            inlined.insert("enum".to_owned(), choices.clone().into());
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(Value::Array(list)) = schema.get(key) {
                let list: Vec<Value> = list
                    .iter()
                    .take(self.left.min(MOST_CHOICES))
                    .map(|one| self.at(one, depth + 1).into())
                    .collect();
                if !list.is_empty() {
                    inlined.insert(key.to_owned(), list.into());
                }
            }
        }
        if let Some(items) = schema.get("items") {
            let items = self.at(items, depth + 1);
            inlined.insert("items".to_owned(), items.into());
        }
        if !schema.properties.is_empty() {
            let mut properties = Map::new();
            for (name, one) in &schema.properties {
                // What is left out is documentation: no check looks so deep.
                if self.left == 0 || !self.document.takes(name.len()) {
                    break;
                }
                let one = self.at(one, depth + 1);
                properties.insert((*name).to_owned(), one.into());
            }
            inlined.insert("properties".to_owned(), properties.into());
            let names = schema.required.iter().map(|name| name.len());
            if !schema.required.is_empty() && self.document.takes(names.sum()) {
                inlined.insert("required".to_owned(), json!(schema.required));
            }
        }
        match schema.get("additionalProperties") {
            Some(Value::Bool(more)) => {
                inlined.insert("additionalProperties".to_owned(), (*more).into());
            }
            Some(more @ Value::Object(_)) => {
                let more = self.at(more, depth + 1);
                inlined.insert("additionalProperties".to_owned(), more.into());
            }
            _ => {}
        }
        inlined
    }

    fn plain(&self, schema: &Merged<'_>, depth: usize) -> Map<String, Value> {
        let mut inlined = Map::new();
        for key in PLAIN {
            if let Some(value) = schema.get(key)
                && is_sound(key, value)
                && self.takes(value, depth)
            {
                inlined.insert(key.to_owned(), value.clone());
            }
        }
        if let Some(text) = schema.get("description").and_then(Value::as_str) {
            let text = Value::from(short(text));
            if self.takes(&text, depth) {
                inlined.insert("description".to_owned(), text);
            }
        }
        if schema.get("format") == Some(&"password".into()) {
            inlined.insert("writeOnly".to_owned(), true.into());
        }
        if self.document.is_3_0 {
            modernise(schema, &mut inlined);
        }
        inlined
    }

    /// Whether a value may be taken over.
    fn takes(&self, value: &Value, depth: usize) -> bool {
        let copies = if depth == 0 { COPIES } else { 1 };
        self.document.exhausted().is_none() && self.document.takes(copies * size(value))
    }
}

/// A schema that says of what lies within it nothing.
fn shallow(schema: Map<String, Value>) -> Map<String, Value> {
    let kept = ["type", "description", "format", "writeOnly"];
    let mut schema = schema;
    schema.retain(|key, _| kept.contains(&&**key));
    schema
}

/// Whether a keyword has a value that it may have: a schema must be one, whatever the document says.
fn is_sound(key: &str, value: &Value) -> bool {
    let is_type = |value: &Value| {
        matches!(
            value.as_str(),
            Some("string" | "integer" | "number" | "boolean" | "object" | "array" | "null")
        )
    };
    match key {
        "type" => match value {
            Value::Array(types) => !types.is_empty() && types.iter().all(is_type),
            one => is_type(one),
        },
        "const" | "default" => true,
        "format" | "title" => value.is_string(),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
        "multipleOf" => value.as_f64().is_some_and(|number| number > 0.0),
        "uniqueItems" | "writeOnly" | "deprecated" => value.is_boolean(),
        _ => value.is_u64(),
    }
}

/// What 3.0 spells in its own way: `nullable`, and bounds that are excluded by a boolean beside them.
fn modernise(schema: &Merged<'_>, inlined: &mut Map<String, Value>) {
    let yes = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    for (exclusive, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        if yes(exclusive)
            && let Some(value) = inlined.remove(bound)
        {
            inlined.insert(exclusive.to_owned(), value);
        }
    }
    if yes("nullable")
        && let Some(Value::String(kind)) = inlined.get("type")
    {
        let types = json!([kind, "null"]);
        inlined.insert("type".to_owned(), types);
    }
}

/// A description, not longer than people read.
pub(super) fn short(text: &str) -> String {
    let mut short: String = text.trim().chars().take(LONGEST_TEXT).collect();
    if short.len() < text.trim().len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inlined(version: &str, schemas: Value, schema: Value) -> Value {
        let root = json!({"openapi": version, "components": {"schemas": schemas}});
        let document = Document::read(root.to_string().as_bytes()).unwrap();
        Value::Object(Inliner::new(&document).inline(&schema))
    }

    #[test]
    fn references_are_followed_and_what_3_0_spells_otherwise_is_modern() {
        let schemas = json!({"Age": {"type": "integer", "minimum": 0, "exclusiveMinimum": true,
            "nullable": true, "example": 5, "x-other": 1, "pattern": "(?"}});
        let schema = json!({"type": "object", "required": ["age", 5], "properties": {
            "age": {"$ref": "#/components/schemas/Age"}, "gone": {"$ref": "#/nowhere"}}});
        assert_eq!(
            inlined("3.0.3", schemas, schema),
            json!({"type": "object", "required": ["age"], "properties": {
                "age": {"type": ["integer", "null"], "exclusiveMinimum": 0}, "gone": {}}})
        );
    }

    #[test]
    fn what_leads_in_a_circle_ends() {
        let schemas = json!({
            "Node": {"type": "object", "properties": {
                "left": {"$ref": "#/components/schemas/Node"},
                "right": {"$ref": "#/components/schemas/Node"},
                "all": {"allOf": [{"$ref": "#/components/schemas/Node"}, {"type": "object"}]}}},
            "Self": {"allOf": [{"$ref": "#/components/schemas/Self"}]},
        });
        let node = inlined(
            "3.1.0",
            schemas.clone(),
            json!({"$ref": "#/components/schemas/Node"}),
        );
        assert!(
            node.to_string().len() < 40_000,
            "{}",
            node.to_string().len()
        );
        assert_eq!(node["properties"]["left"]["type"], "object");
        let own = inlined(
            "3.1.0",
            schemas,
            json!({"$ref": "#/components/schemas/Self"}),
        );
        assert_eq!(own, json!({}));
    }

    #[test]
    fn what_is_no_schema_takes_anything() {
        for odd in [
            json!(true),
            json!(7),
            json!({"type": "file"}),
            json!({"type": 5, "minLength": -1}),
        ] {
            assert_eq!(inlined("3.1.0", json!({}), odd), json!({}));
        }
        let password = inlined(
            "3.0.0",
            json!({}),
            json!({"type": "string", "format": "password"}),
        );
        assert_eq!(password["writeOnly"], true);
    }
}
