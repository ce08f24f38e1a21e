//! Which variables a service task sends, and what becomes of those that come back: sections 2.3 and
//! 2.4 of the protocol.

use serde_json::{Map, Value, json};

use super::expression::{evaluated, has_expression};
use super::patch::patched;

/// `mappingType`, or what stands for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
    /// Changes the variable in place; of outputs only.
    Patch(Value),
}

/// The entries of a task in the extensions file.
#[derive(Clone, Default)]
pub struct Mapping {
    pub kind: Kind,
    pub inputs: Vec<(&'static str, From)>,
    pub outputs: Vec<(&'static str, From)>,
    pub constants: Vec<(&'static str, Value)>,
    /// The properties of the process with their types: only these, and variables that it has, are
    /// written.
    pub properties: Vec<(&'static str, &'static str)>,
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
            // Constants are not evaluated, and win here.
            Kind::Explicit => {
                let inputs = self.inputs.iter();
                sent.extend(inputs.filter_map(|(name, from)| {
                    Some(((*name).to_owned(), from.taken(process, &[process])?))
                }));
                sent.extend(constants);
            }
            Kind::None | Kind::MapAllOutputs => sent.extend(constants),
        }
        let sent = sent.into_iter().filter(|(_, value)| !value.is_null());
        sent.map(|(name, value)| (name, envelope(value))).collect()
    }

    /// The process variables that are written. An instance of several keeps everything to itself.
    pub fn outputs(
        &self,
        outputs: &Map<String, Value>,
        process: &Map<String, Value>,
        is_one_of_several: bool,
    ) -> Result<Map<String, Value>, Aborted> {
        let read: Map<_, _> = outputs
            .iter()
            .map(|(name, envelope)| (name.clone(), opened(envelope)))
            .collect();
        if is_one_of_several {
            return Ok(read);
        }
        if outputs.is_empty() || self.kind == Kind::None {
            return Ok(Map::new());
        }
        // A list of type json is not looked into.
        let mut looked = read.values().filter(|value| !value.is_array());
        if looked.any(has_expression) {
            return Err(Aborted);
        }
        match self.kind {
            Kind::MapAll | Kind::MapAllOutputs => Ok(read),
            _ => self.explicit(&read, process),
        }
    }

    fn explicit(
        &self,
        read: &Map<String, Value>,
        process: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Aborted> {
        let mut written = Map::new();
        for (name, from) in &self.outputs {
            let kind = self.properties.iter().find(|(own, _)| own == name);
            let has = process.get(*name).filter(|value| !value.is_null());
            if kind.is_none() && has.is_none() {
                continue;
            }
            let value = match from {
                From::Patch(operations) => Some(patched(has, operations)),
                other => other.taken(read, &[read, process]),
            };
            if let Some(value) = value {
                let value = parsed(kind.map(|(_, kind)| *kind), value)?;
                written.insert((*name).to_owned(), value);
            }
        }
        Ok(written)
    }
}

/// A value in the type that the process declares.
fn parsed(kind: Option<&str>, value: Value) -> Result<Value, Aborted> {
    match (kind, value) {
        (Some("bigdecimal"), Value::String(text)) => {
            serde_json::from_str::<serde_json::Number>(&text)
                .map(Value::from)
                .map_err(|_| Aborted)
        }
        (Some("date" | "datetime"), Value::String(text)) => {
            let day = text.get(..10).unwrap_or_default();
            let shape = day
                .bytes()
                .map(|b| if b.is_ascii_digit() { b'0' } else { b });
            match shape.eq(*b"0000-00-00") {
                true => Ok(text.into()),
                false => Err(Aborted),
            }
        }
        (_, value) => Ok(value),
    }
}

// === impl From ===

impl From {
    /// What is taken from variables; nothing where they have no such one, or null.
    fn taken(
        &self,
        variables: &Map<String, Value>,
        scopes: &[&Map<String, Value>],
    ) -> Option<Value> {
        match self {
            From::Variable(name) => {
                let found = variables.get(*name);
                found.filter(|value| !value.is_null()).cloned()
            }
            From::Value(value) => Some(evaluated(value, scopes)),
            From::Patch(_) => None,
        }
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
        "string" => text.into(),
        "date" => {
            let instant = text.parse::<jiff::Timestamp>();
            instant.unwrap_or_else(|error| panic!("no engine reads the date {text}: {error}"));
            text.into()
        }
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
    let mut mapping = Mapping {
        constants: vec![("a", json!("constant")), ("x", json!("${a}"))],
        ..Mapping::default()
    };
    let sent = |mapping: &Mapping, kind| {
        let mapping = Mapping {
            kind,
            ..mapping.clone()
        };
        let sent = mapping.inputs(process);
        let sent = sent.as_object().unwrap().iter();
        let opened = sent.map(|(name, value)| (name.clone(), opened(value)));
        Value::Object(opened.collect())
    };
    let constants = json!({"a": "constant", "x": "${a}"});
    assert_eq!(sent(&mapping, Kind::None), constants);
    assert_eq!(sent(&mapping, Kind::MapAllOutputs), constants);
    // An entry without inputs.
    assert_eq!(sent(&mapping, Kind::Explicit), constants);
    // A variable wins over a constant, and null is left out.
    for kind in [Kind::MapAll, Kind::MapAllInputs] {
        let all = json!({"a": "1", "c": {"d": 1}, "x": "${a}"});
        assert_eq!(sent(&mapping, kind), all);
    }
    mapping.inputs = vec![
        ("x", From::Variable("a")),
        ("y", From::Variable("b")),
        ("z", From::Value(json!("${c}"))),
        ("part", From::Value(json!("${c.d}"))),
        ("text", From::Value(json!("a=${a}, d=${c.d}, ${gone}"))),
        (
            "deep",
            From::Value(json!({"l": ["${a}", 1], "n": "${gone}"})),
        ),
        ("gone", From::Value(json!("${gone}"))),
    ];
    assert_eq!(
        sent(&mapping, Kind::Explicit),
        json!({"x": "${a}", "a": "constant", "z": {"d": 1}, "part": 1, "text": "a=1, d=1, ",
               "deep": {"l": ["1", 1], "n": null}})
    );
}

#[test]
fn what_is_written_depends_on_it_too_and_an_expression_aborts() {
    let outputs = json!({"a": envelope(json!(1)), "b": envelope(json!("x"))});
    let outputs = outputs.as_object().unwrap();
    let process = json!({"had": "y", "null": null, "map": {"old": 1, "kept": 2}});
    let process = process.as_object().unwrap();
    let mut mapping = Mapping {
        outputs: vec![
            ("v", From::Variable("a")),
            ("w", From::Variable("gone")),
            ("undeclared", From::Variable("a")),
            ("null", From::Variable("a")),
            ("had", From::Value(json!("${b} ${had}"))),
            ("literal", From::Value(json!(true))),
            ("price", From::Value(json!("10.5"))),
            (
                "map",
                From::Patch(json!([{"op": "add", "path": "/x/y", "value": 1},
                                   {"op": "remove", "path": "/old"}])),
            ),
        ],
        properties: vec![
            ("v", "integer"),
            ("w", "string"),
            ("literal", "boolean"),
            ("price", "bigdecimal"),
        ],
        ..Mapping::default()
    };
    let mut written = |kind, outputs: &Map<String, Value>, several| {
        mapping.kind = kind;
        mapping
            .outputs(outputs, process, several)
            .map(Value::Object)
    };
    let explicit = json!({"v": 1, "had": "x y", "literal": true, "price": 10.5,
                          "map": {"x": {"y": 1}, "kept": 2}});
    for (kind, expected) in [
        (Kind::None, json!({})),
        (Kind::MapAll, json!({"a": 1, "b": "x"})),
        (Kind::MapAllOutputs, json!({"a": 1, "b": "x"})),
        (Kind::MapAllInputs, explicit.clone()),
        (Kind::Explicit, explicit),
    ] {
        assert_eq!(written(kind, outputs, false), Ok(expected), "{kind:?}");
        let several = json!({"a": 1, "b": "x"});
        assert_eq!(written(kind, outputs, true), Ok(several), "{kind:?}");
        // Not even a literal.
        assert_eq!(written(kind, &Map::new(), false), Ok(json!({})), "{kind:?}");
    }
    let bad = json!({"a": envelope(json!({"deep": ["${x}"]}))});
    let bad = bad.as_object().unwrap();
    for kind in [Kind::MapAll, Kind::MapAllOutputs, Kind::Explicit] {
        assert_eq!(written(kind, bad, false), Err(Aborted), "{kind:?}");
    }
    assert_eq!(written(Kind::None, bad, false), Ok(json!({})));
    let list = json!({"a": envelope(json!(["${x}"]))});
    let list = list.as_object().unwrap();
    assert!(written(Kind::MapAll, list, false).is_ok());
    for (kind, text) in [("bigdecimal", "ten"), ("date", "soon")] {
        assert_eq!(parsed(Some(kind), json!(text)), Err(Aborted));
    }
    assert!(parsed(Some("date"), json!("2019-09-01T00:00:00Z")).is_ok());
}
