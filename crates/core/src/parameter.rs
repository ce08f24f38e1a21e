//! One parameter of a command, as read from its JSON Schema.

use schemars::Schema;
use serde_json::{Map, Value};

use crate::Json;

/// The types that JSON Schema knows, without `null`: an optional parameter is absent instead, unless it is
/// [nullable](Parameter::nullable).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An object.
    Object,
    /// A list.
    Array,
}

/// One parameter of a command (SpiffArena: parameter; Activiti: input).
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it means, in sentences.
    pub description: String,
    /// Whether a call must have it.
    pub required: bool,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// Whether null is a value that it takes, and not another way to leave it out. Default: no.
    pub nullable: bool,
    /// Which types it takes; none listed means any.
    pub types: Vec<Type>,
    /// Its schema (2020-12), self-contained, as text: catalogues hold thousands of them, most for nobody
    /// but readers, and a tree takes some twenty times the place.
    pub schema: Json,
    choices: Option<Box<[Value]>>,
    default: Option<Value>,
}

// === impl Parameter ===

impl Parameter {
    /// The parameters that an object schema describes, in its order.
    pub fn all_of(schema: &Schema) -> Vec<Parameter> {
        let none = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let required = |name: &str| {
            let list = schema.get("required").and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|entry| entry == name))
        };
        properties
            .iter()
            .map(|(name, s)| Parameter::new(name, required(name), s))
            .collect()
    }

    /// A parameter of the given schema; `null` is taken out of it.
    pub fn new(name: &str, required: bool, schema: &Value) -> Parameter {
        Parameter::read(name, required, schema, false)
    }

    /// The same where null is a value: `null` stays in its schema.
    pub fn nullable(name: &str, required: bool, schema: &Value) -> Parameter {
        Parameter::read(name, required, schema, true)
    }

    fn read(name: &str, required: bool, own: &Value, nullable: bool) -> Parameter {
        let mut schema = without_null(own);
        let description = schema
            .get("description")
            .and_then(Value::as_str)
            .map(unwrap_lines)
            .unwrap_or_default();
        let (types, choices) = (types(&schema), choices(&schema));
        let default = schema.get("default").filter(|d| !d.is_null()).cloned();
        let secret = schema.get("writeOnly") == Some(&Value::Bool(true));
        if nullable {
            schema = own.as_object().cloned().unwrap_or_default();
        }
        if !description.is_empty() {
            schema.insert("description".to_owned(), description.clone().into());
        }
        let text = Value::Object(schema).to_string().into_bytes();
        Parameter {
            name: name.to_owned(),
            description,
            required,
            secret,
            nullable,
            types,
            choices,
            default,
            // Cut to size: what a text may grow by while it is written is as much again.
            schema: Json::checked(text.into_boxed_slice().into()),
        }
    }

    /// The same for calls that need not give it.
    pub fn optional(&self) -> Parameter {
        Parameter {
            required: false,
            ..self.clone()
        }
    }

    /// The type as SpiffArena's catalogue names it (`spiff-openapi.json`, `CommandParameter`).
    pub fn spiff_type(&self) -> &'static str {
        match self.types[..] {
            [Type::String] => "str",
            [Type::Integer] => "int",
            [Type::Boolean] => "bool",
            _ => "any",
        }
    }

    /// The only values it takes, when it lists them.
    pub fn choices(&self) -> Option<&[Value]> {
        self.choices.as_deref()
    }

    /// Its default, when the schema names one.
    pub fn default(&self) -> Option<&Value> {
        self.default.as_ref()
    }
}

/// Removes `null` from a schema's types and alternatives.
fn without_null(schema: &Value) -> Map<String, Value> {
    let mut schema = schema.as_object().cloned().unwrap_or_default();
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("enum") {
        choices.retain(|choice| !choice.is_null());
    }
    let is_null = |s: &Value| s.get("type") == Some(&Value::from("null"));
    if let Some(Value::Array(any_of)) = schema.get("anyOf")
        && let [only, null] = &any_of[..]
        && is_null(null)
    {
        let only = only.as_object().cloned().unwrap_or_default();
        schema.remove("anyOf");
        for (key, value) in only {
            schema.entry(key).or_insert(value);
        }
    }
    schema
}

fn choices(schema: &Map<String, Value>) -> Option<Box<[Value]>> {
    if let Some(list) = schema.get("enum").and_then(Value::as_array) {
        return Some(list.clone().into());
    }
    // An enum with documented variants is a list of constants.
    let list = schema.get("oneOf").and_then(Value::as_array)?;
    list.iter()
        .map(|choice| choice.get("const").cloned())
        .collect()
}

fn types(schema: &Map<String, Value>) -> Vec<Type> {
    let one = |t: &Value| match t.as_str()? {
        "string" => Some(Type::String),
        "integer" => Some(Type::Integer),
        "number" => Some(Type::Number),
        "boolean" => Some(Type::Boolean),
        "object" => Some(Type::Object),
        "array" => Some(Type::Array),
        _ => None,
    };
    match schema.get("type") {
        Some(Value::Array(list)) => list.iter().filter_map(one).collect(),
        Some(t) => one(t).into_iter().collect(),
        // A documented enum: its constants are texts.
        None if schema.get("oneOf").is_some_and(is_all_text) => vec![Type::String],
        None => Vec::new(),
    }
}

fn is_all_text(one_of: &Value) -> bool {
    one_of.as_array().is_some_and(|list| {
        list.iter()
            .all(|choice| choice.get("const").is_some_and(Value::is_string))
    })
}

/// Joins the lines of each paragraph: doc comments are wrapped for their source file.
pub(crate) fn unwrap_lines(text: &str) -> String {
    let paragraphs = text
        .split("\n\n")
        .map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_disappears_from_optional_parameters() {
        let plain = Parameter::new("p", false, &json!({"type": ["string", "null"]}));
        assert_eq!(plain.schema.as_bytes(), br#"{"type":"string"}"#);
        let choice = json!({"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]});
        let choice = Parameter::new("p", false, &choice);
        assert_eq!(choice.spiff_type(), "str");
        assert_eq!(choice.choices().unwrap(), [json!("a")]);
    }

    #[test]
    fn null_stays_where_it_is_a_value() {
        let schema = json!({"type": ["string", "null"], "enum": ["a", null]});
        let parameter = Parameter::nullable("p", false, &schema);
        assert_eq!(parameter.schema.as_bytes(), schema.to_string().as_bytes());
        assert_eq!(parameter.choices().unwrap(), [json!("a")]);
        assert!(parameter.nullable && parameter.types == [Type::String]);
    }

    #[test]
    fn documented_choices_are_found() {
        let schema = json!({"oneOf": [
            {"const": "json", "description": "x"}, {"const": "form", "description": "y"}]});
        let parameter = Parameter::new("p", false, &schema);
        assert_eq!(parameter.spiff_type(), "str");
        assert_eq!(parameter.choices().unwrap().len(), 2);
    }
}
