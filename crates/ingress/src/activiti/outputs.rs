//! The outputs of a service task: which parts of an outcome become which variables.

use crosspoint_core::{Body, Outcome};
use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::variable;
use crate::answer;

/// What is done with outputs in which an engine would find an expression (`${…}`): it does not take
/// such a result, and the process would wait for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expressions {
    /// The task gets a technical error that says so.
    #[default]
    Refuse,
    /// A space goes between `$` and `{`.
    Escape,
}

/// One output that a definition declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The name of the variable.
    pub name: String,
    /// Its type, as the definition has it.
    pub kind: Option<String>,
    /// Where its value is.
    pub source: Source,
}

/// Where the value of an output is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a field of the body of that name; of the names `result` and `status` otherwise the body
    /// itself and its status.
    Own,
    /// In a field, through objects and lists.
    Field(Vec<String>),
    /// The body itself.
    Body,
    /// The status in the sense of HTTP.
    Status,
    /// The headers, as an object.
    Headers,
}

/// What is looked at for outputs.
struct Result<'o> {
    outcome: &'o Outcome,
    body: Box<RawValue>,
    fields: Option<IndexMap<String, Box<RawValue>>>,
}

// === impl Source ===

impl Source {
    /// From the configuration: `@body`, `@status`, `@headers`, or a path such as `data.items.0.id`.
    pub fn read(text: &str) -> Option<Source> {
        match text {
            "@body" => Some(Source::Body),
            "@status" => Some(Source::Status),
            "@headers" => Some(Source::Headers),
            _ if text.starts_with('@') => None,
            _ => {
                let path: Vec<_> = text.split('.').map(str::to_owned).collect();
                let whole = path.iter().all(|part| !part.is_empty());
                whole.then_some(Source::Field(path))
            }
        }
    }
}

/// The variables of an outcome: those that are `declared`; where nothing is, the body as a whole, its
/// status, and each of its fields. Fails with the names of those that no engine would take.
pub(crate) fn outputs(
    outcome: &Outcome,
    declared: &[Output],
    expressions: Expressions,
) -> std::result::Result<Map<String, Value>, String> {
    let result = Result::of(outcome);
    let mut variables = Map::new();
    let mut refused = Vec::new();
    let mut add = |name: &str, raw: &RawValue, kind: Option<&str>| {
        let neutral;
        let mut raw = raw;
        // Engines do not look into a list that is of type json, which all of ours are.
        let list = raw.get().starts_with('[') && kind != Some("string");
        if !list && variable::has_expression(raw) {
            if expressions == Expressions::Refuse {
                return refused.push(format!("'{name}'"));
            }
            let value = serde_json::from_str(raw.get()).map(variable::neutral);
            neutral = value.and_then(|value| RawValue::from_string(value.to_string()));
            match &neutral {
                Ok(neutral) => raw = neutral,
                Err(_) => return refused.push(format!("'{name}'")),
            }
        }
        if let Some(envelope) = variable::write(raw, kind) {
            variables.insert(name.to_owned(), envelope);
        }
    };
    if declared.is_empty() {
        for (name, raw) in result.everything() {
            add(&name, &raw, None);
        }
    }
    for output in declared {
        if let Some(raw) = result.find(output) {
            add(&output.name, &raw, output.kind.as_deref());
        }
    }
    match refused.is_empty() {
        true => Ok(variables),
        false => Err(refused.join(", ")),
    }
}

// === impl Result ===

impl Result<'_> {
    fn of(outcome: &Outcome) -> Result<'_> {
        let body = match &outcome.body {
            Body::Json(json) => json.bytes(),
            other => answer::body_json(other.clone()).0,
        };
        let body = raw(&body);
        let object = body.get().starts_with('{');
        Result {
            outcome,
            fields: object.then(|| serde_json::from_str(body.get()).unwrap_or_default()),
            body,
        }
    }

    fn everything(&self) -> IndexMap<String, Box<RawValue>> {
        let mut all = IndexMap::new();
        all.insert("result".to_owned(), self.body.clone());
        all.insert("status".to_owned(), self.status());
        all.extend(
            self.fields
                .iter()
                .flatten()
                .map(|(name, raw)| (name.clone(), raw.clone())),
        );
        all
    }

    fn find(&self, output: &Output) -> Option<Box<RawValue>> {
        match &output.source {
            Source::Body => Some(self.body.clone()),
            Source::Status => Some(self.status()),
            // Most commands bring none back.
            Source::Headers if self.outcome.headers.is_empty() => None,
            Source::Headers => {
                let headers = answer::headers_json(self.outcome.headers.clone());
                RawValue::from_string(headers.to_string()).ok()
            }
            Source::Field(path) => find(&self.body, path),
            Source::Own => {
                let field = self
                    .fields
                    .as_ref()
                    .and_then(|fields| fields.get(&output.name));
                match (field, &*output.name) {
                    (Some(field), _) => Some(field.clone()),
                    (None, "result") => Some(self.body.clone()),
                    (None, "status") => Some(self.status()),
                    (None, _) => None,
                }
            }
        }
    }

    fn status(&self) -> Box<RawValue> {
        raw(self.outcome.status.to_string().as_bytes())
    }
}

/// What is at the end of a path, spelled as it is.
fn find(raw: &RawValue, path: &[String]) -> Option<Box<RawValue>> {
    let Some((first, rest)) = path.split_first() else {
        return Some(raw.to_owned());
    };
    match raw.get().as_bytes()[0] {
        b'{' => {
            let fields: IndexMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
            find(fields.get(first)?, rest)
        }
        b'[' => {
            let list: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
            find(list.get(first.parse::<usize>().ok()?)?, rest)
        }
        _ => None,
    }
}

/// JSON without white space around it.
fn raw(text: &[u8]) -> Box<RawValue> {
    // It was checked before; what is written here is JSON.
    serde_json::from_slice(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

impl Output {
    /// An output whose value is found by its name.
    pub fn named(name: &str, kind: Option<&str>) -> Output {
        Output {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            source: Source::Own,
        }
    }
}

#[cfg(test)]
#[path = "outputs_tests.rs"]
mod tests;
