//! The check that the modelling service makes before it takes a definition: a JSON schema, with its
//! messages. All violations at once, each with its place.

use std::fmt;

use serde_json::{Map, Value};

use super::excerpt;
use super::twice::twice;

/// The longest name of a connector.
const LONGEST_NAME: usize = 26;

/// The rule for names of connectors, as the modelling service writes it.
const PATTERN: &str = "^[a-z]([-a-z0-9]{0,24}[a-z0-9])?$";

/// The same in words.
const RULE: &str = "names of connectors are lower case: 1 to 26 letters, digits and hyphens, \
                    beginning with a letter and ending with a letter or a digit";

/// What to do with a part of a definition.
const PART: &str = "this is an excerpt: put { \"name\": \"…\", before it and } after it; the rest is \
                    checked as if that were done";

/// The same, where lines are left out of it.
const PART_WITH_GAPS: &str = "this is an excerpt: put { \"name\": \"…\", before it and } after it, and what \
                              the lines `...` leave out; the rest is checked as if that were done";

/// What to do where lines are left out of a whole one.
const GAPS: &str = "this is an excerpt: write what the lines `...` leave out; the rest is checked as if they \
                    were not there";

/// One thing that the modelling service would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a JSON pointer after `#`.
    pub path: String,
    /// What, in the words of the modelling service.
    pub problem: String,
    /// What to do, where that is not plain.
    pub help: Option<&'static str>,
}

/// The keys of an object: which there are, of which type, and which must be there.
struct Shape {
    known: &'static [(&'static str, Kind)],
    required: &'static [&'static str],
    /// Whether others may be there.
    open: bool,
}

/// What a value has to be.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// A text with something in it.
    Filled,
    /// The name of a connector.
    Name,
    Boolean,
    Object,
    Any,
    /// A list of objects.
    List(&'static Shape),
    /// An object of objects.
    Map(&'static Shape),
}

const CONNECTOR: Shape = Shape {
    known: &[
        ("id", Kind::Text),
        ("name", Kind::Name),
        ("description", Kind::Text),
        ("template", Kind::Text),
        ("actions", Kind::Map(&FEATURE)),
        ("events", Kind::Map(&FEATURE)),
        ("config", Kind::List(&CONFIG)),
        ("errors", Kind::List(&ERROR)),
    ],
    required: &["name"],
    open: false,
};

const FEATURE: Shape = Shape {
    known: &[
        ("id", Kind::Filled),
        ("name", Kind::Filled),
        ("description", Kind::Text),
        ("inputs", Kind::List(&PARAMETER)),
        ("outputs", Kind::List(&PARAMETER)),
        ("model", Kind::Object),
    ],
    required: &["id", "name"],
    open: false,
};

const PARAMETER: Shape = Shape {
    known: &[
        ("id", Kind::Filled),
        ("name", Kind::Filled),
        ("type", Kind::Text),
        ("description", Kind::Text),
        ("required", Kind::Boolean),
        ("model", Kind::Any),
    ],
    required: &["id", "name", "type"],
    open: true,
};

const CONFIG: Shape = Shape {
    known: &[
        ("name", Kind::Filled),
        ("description", Kind::Text),
        ("value", Kind::Text),
        ("required", Kind::Boolean),
        ("secure", Kind::Boolean),
    ],
    required: &["name"],
    open: false,
};

const ERROR: Shape = Shape {
    known: &[
        ("name", Kind::Filled),
        ("description", Kind::Text),
        ("code", Kind::Text),
    ],
    required: &["name"],
    open: false,
};

/// Everything that the modelling service would refuse.
pub fn check(text: &str) -> Vec<Violation> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    let mut found = Vec::new();
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => {
            for (path, key) in twice(text) {
                let help = "a runtime bundle takes the last one";
                push(
                    &mut found,
                    &path,
                    format!("Duplicate key \"{key}\""),
                    Some(help),
                );
            }
            shape(&object, &CONNECTOR, "", &mut found);
        }
        Ok(other) => wrong_type("", "JSONObject", &other, &mut found),
        Err(error) => part(text, &error, &mut found),
    }
    found
}

/// A text that is not JSON. Documentation shows parts of definitions: what is wrong within such a part is
/// told as well.
fn part(text: &str, error: &serde_json::Error, found: &mut Vec<Violation>) {
    let help = match (text.starts_with('"'), excerpt::has_left_out(text)) {
        (true, false) => PART,
        (true, true) => PART_WITH_GAPS,
        (false, _) => GAPS,
    };
    let whole = excerpt::whole(text).map(|whole| serde_json::from_str(&whole));
    match whole {
        Some(Ok(Value::Object(object))) => {
            let problem = match text.starts_with('"') {
                true => "A JSONObject text must begin with '{'".to_owned(),
                false => format!("not JSON: {error}"),
            };
            push(found, "", problem, Some(help));
            shape(&object, &CONNECTOR, "", found);
        }
        _ => push(found, "", format!("not JSON: {error}"), None),
    }
}

fn shape(object: &Map<String, Value>, shape: &Shape, path: &str, found: &mut Vec<Violation>) {
    for key in shape
        .required
        .iter()
        .filter(|key| !object.contains_key(**key))
    {
        let help = (*key == "name" && path.is_empty()).then_some(RULE);
        push(found, path, format!("required key [{key}] not found"), help);
    }
    for (key, value) in object {
        let known = shape.known.iter().find(|(known, _)| known == key);
        match known {
            Some((_, kind)) => check_value(value, *kind, &join(path, key), found),
            None if shape.open => {}
            None => {
                let problem = format!("extraneous key [{key}] is not permitted");
                push(found, path, problem, None);
            }
        }
    }
}

fn check_value(value: &Value, kind: Kind, path: &str, found: &mut Vec<Violation>) {
    match (kind, value) {
        (Kind::Text, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Object, Value::Object(_))
        | (Kind::Any, _) => {}
        (Kind::Filled, Value::String(text)) => {
            if text.is_empty() {
                push(
                    found,
                    path,
                    "expected minLength: 1, actual: 0".to_owned(),
                    None,
                );
            }
        }
        (Kind::Name, Value::String(name)) => check_name(name, path, found),
        (Kind::List(inner), Value::Array(list)) => {
            for (at, value) in list.iter().enumerate() {
                element(value, inner, &join(path, &at.to_string()), found);
            }
        }
        (Kind::Map(inner), Value::Object(map)) => {
            for (key, value) in map {
                element(value, inner, &join(path, key), found);
            }
        }
        (kind, value) => wrong_type(path, kind.name(), value, found),
    }
}

fn element(value: &Value, inner: &Shape, path: &str, found: &mut Vec<Violation>) {
    match value {
        Value::Object(object) => shape(object, inner, path, found),
        other => wrong_type(path, "JSONObject", other, found),
    }
}

fn check_name(name: &str, path: &str, found: &mut Vec<Violation>) {
    let length = name.chars().count();
    if length == 0 {
        push(
            found,
            path,
            "expected minLength: 1, actual: 0".to_owned(),
            None,
        );
    }
    if length > LONGEST_NAME {
        let problem = format!("expected maxLength: {LONGEST_NAME}, actual: {length}");
        push(found, path, problem, None);
    }
    if !follows_the_rule(name) {
        let problem = format!("string [{name}] does not match pattern {PATTERN}");
        push(found, path, problem, Some(RULE));
    }
}

/// Whether the modelling service takes a name for a connector.
fn follows_the_rule(name: &str) -> bool {
    let bytes = name.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    match bytes {
        [] => false,
        [first, rest @ ..] => {
            first.is_ascii_lowercase()
                && rest.iter().all(inner)
                && rest.last() != Some(&b'-')
                && bytes.len() <= LONGEST_NAME
        }
    }
}

fn wrong_type(path: &str, expected: &str, value: &Value, found: &mut Vec<Violation>) {
    let is = match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "BigDecimal",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    };
    push(
        found,
        path,
        format!("expected type: {expected}, found: {is}"),
        None,
    );
}

fn push(found: &mut Vec<Violation>, path: &str, problem: String, help: Option<&'static str>) {
    found.push(Violation {
        path: format!("#{path}"),
        problem,
        help,
    });
}

pub(super) fn join(path: &str, key: &str) -> String {
    let key = key.replace('~', "~0").replace('/', "~1");
    format!("{path}/{key}")
}

// === impl Kind ===

impl Kind {
    /// As the modelling service calls it.
    fn name(self) -> &'static str {
        match self {
            Kind::Text | Kind::Filled | Kind::Name => "String",
            Kind::Boolean => "Boolean",
            Kind::List(_) => "JSONArray",
            Kind::Object | Kind::Map(_) | Kind::Any => "JSONObject",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)?;
        match self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}
