//! Which variables a service task sends, and what becomes of those that come back: sections 2.3 and
//! 2.4 of the protocol, without expressions that do more than name a variable.

use serde_json::{Map, Value, json};

/// `mappingType`, or what stands for it.
#[derive(Clone, Copy, Default, PartialEq)]
pub enum Kind {
    /// No entry for the task: constants go out, nothing is written.
    #[default]
    None,
    MapAll,
    MapAllInputs,
    MapAllOutputs,
    Explicit,
}

/// A `{type, value}` of a mapping.
#[derive(Clone)]
pub enum From {
    Variable(&'static str),
    Value(Value),
}

/// The entries of a task in the extensions file.
#[derive(Clone, Default)]
pub struct Mapping {
    pub kind: Kind,
    pub inputs: Vec<(&'static str, From)>,
    pub outputs: Vec<(&'static str, From)>,
    pub constants: Vec<(&'static str, Value)>,
}

/// The engine does not take the result.
#[derive(Debug, PartialEq)]
pub struct Aborted;

// === impl Mapping ===

impl Mapping {
    pub fn all() -> Mapping {
        Mapping {
            kind: Kind::MapAll,
            ..Mapping::default()
        }
    }

    /// The envelopes of what goes out.
    pub fn inputs(&self, process: &Map<String, Value>) -> Value {
        let constants = self
            .constants
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mut sent = Map::new();
        match self.kind {
            Kind::MapAll | Kind::MapAllInputs => {
                sent.extend(constants);
                sent.extend(process.clone());
            }
            Kind::Explicit => {
                let inputs = self
                    .inputs
                    .iter()
                    .filter_map(|(name, from)| Some(((*name).to_owned(), resolve(from, process)?)));
                sent.extend(inputs);
                sent.extend(constants);
            }
            Kind::None | Kind::MapAllOutputs => sent.extend(constants),
        }
        let sent = sent.into_iter().filter(|(_, value)| !value.is_null());
        sent.map(|(name, value)| (name, envelope(value))).collect()
    }

    /// The process variables that are written.
    pub fn outputs(&self, outputs: &Map<String, Value>) -> Result<Map<String, Value>, Aborted> {
        if outputs.is_empty() || self.kind == Kind::None {
            return Ok(Map::new());
        }
        let read: Map<_, _> = outputs
            .iter()
            .map(|(name, envelope)| (name.clone(), opened(envelope)))
            .collect();
        // A list of type json is not looked into.
        if read
            .values()
            .any(|value| !value.is_array() && has_expression(value))
        {
            return Err(Aborted);
        }
        Ok(match self.kind {
            Kind::MapAll | Kind::MapAllOutputs => read,
            _ => {
                let written = self
                    .outputs
                    .iter()
                    .filter_map(|(name, from)| Some(((*name).to_owned(), resolve(from, &read)?)));
                written.collect()
            }
        })
    }
}

/// A value of a mapping; `${name}` as a whole is a variable.
fn resolve(from: &From, variables: &Map<String, Value>) -> Option<Value> {
    match from {
        From::Variable(name) => variables
            .get(*name)
            .filter(|value| !value.is_null())
            .cloned(),
        From::Value(Value::String(text)) => {
            let name = text
                .strip_prefix("${")
                .and_then(|rest| rest.strip_suffix('}'));
            match name {
                Some(name) => Some(variables.get(name).cloned().unwrap_or_default()),
                None => Some(text.as_str().into()),
            }
        }
        From::Value(value) => Some(value.clone()),
    }
}

fn has_expression(value: &Value) -> bool {
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

/// As the engine writes variables: always typed, the value always a text.
pub fn envelope(value: Value) -> Value {
    let (kind, text) = match value {
        Value::String(text) => ("string", text),
        Value::Bool(truth) => ("boolean", truth.to_string()),
        Value::Number(number) if number.is_f64() => ("double", number.to_string()),
        Value::Number(number) => ("integer", number.to_string()),
        Value::Array(list) => ("list", Value::Array(list).to_string()),
        other => ("json", other.to_string()),
    };
    json!({"type": kind, "value": text})
}

/// As the engine reads what comes back; anything but an envelope of texts fails the test.
pub fn opened(envelope: &Value) -> Value {
    let text = envelope["value"]
        .as_str()
        .unwrap_or_else(|| panic!("no text in {envelope}"));
    match envelope["type"].as_str().unwrap() {
        "string" | "date" => text.into(),
        "integer" => text.parse::<i32>().unwrap().into(),
        "long" => text.parse::<i64>().unwrap().into(),
        "double" => text.parse::<f64>().unwrap().into(),
        "bigdecimal" | "boolean" | "json" | "list" => serde_json::from_str(text).unwrap(),
        other => panic!("no engine knows the type {other}"),
    }
}

#[test]
fn what_goes_out_depends_on_the_kind_of_mapping() {
    let process = json!({"a": "1", "b": null, "c": {"d": 1}});
    let process = process.as_object().unwrap();
    let mapping = |kind| Mapping {
        kind,
        inputs: vec![
            ("x", From::Variable("a")),
            ("y", From::Variable("b")),
            ("z", From::Value(json!("${c}"))),
        ],
        constants: vec![("a", json!("constant")), ("x", json!("constant"))],
        outputs: Vec::new(),
    };
    let sent = |kind| mapping(kind).inputs(process);
    let constants = json!({"a": envelope(json!("constant")), "x": envelope(json!("constant"))});
    assert_eq!(sent(Kind::None), constants);
    assert_eq!(sent(Kind::MapAllOutputs), constants);
    let all = sent(Kind::MapAll);
    assert_eq!(all["a"], envelope(json!("1")));
    assert_eq!(
        (all.get("b"), &all["x"]),
        (None, &envelope(json!("constant")))
    );
    let explicit = sent(Kind::Explicit);
    assert_eq!(explicit["x"], envelope(json!("constant")));
    assert_eq!(
        (explicit.get("y"), &explicit["z"]),
        (None, &envelope(json!({"d": 1})))
    );
}

#[test]
fn what_is_written_depends_on_it_too_and_an_expression_aborts() {
    let outputs = json!({"a": envelope(json!(1)), "b": envelope(json!("x"))});
    let outputs = outputs.as_object().unwrap();
    let mut mapping = Mapping::all();
    assert_eq!(mapping.outputs(outputs).unwrap().len(), 2);
    mapping.kind = Kind::MapAllInputs;
    assert_eq!(mapping.outputs(outputs).unwrap().len(), 0);
    mapping.kind = Kind::Explicit;
    mapping.outputs = vec![("v", From::Variable("a")), ("w", From::Variable("gone"))];
    assert_eq!(
        Value::Object(mapping.outputs(outputs).unwrap()),
        json!({"v": 1})
    );
    let bad = json!({"a": envelope(json!("${x}"))});
    assert_eq!(mapping.outputs(bad.as_object().unwrap()), Err(Aborted));
    mapping.kind = Kind::None;
    assert_eq!(mapping.outputs(bad.as_object().unwrap()), Ok(Map::new()));
}
