//! The outputs of a service task: which parts of an outcome become which variables.

use crosspoint_core::{Body, Outcome, shorten};
use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::written::Written;
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
    /// In a field of the body of that name. `result` and `status` are the body itself and its status
    /// whatever is in it: exported definitions promise that.
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

/// The variables of an outcome.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Variables {
    /// All of them, in their envelopes.
    pub(crate) all: Map<String, Value>,
    /// Those that are not of the type that the definition gives them, a clause each, for people.
    pub(crate) misfits: Vec<String>,
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
/// status, and each of its other fields. Fails with the names of those that no engine would take.
pub(crate) fn outputs(
    outcome: &Outcome,
    declared: &[Output],
    expressions: Expressions,
) -> std::result::Result<Variables, String> {
    let result = Result::of(outcome);
    let mut variables = Variables::default();
    let mut refused = Vec::new();
    let mut add = |name: &str, raw: &RawValue, kind: Option<&str>| {
        let Some(mut written) = Written::of(raw, kind) else {
            return;
        };
        if written.has_expression() {
            let escaped = match expressions {
                Expressions::Refuse => None,
                Expressions::Escape => written.escaped(),
            };
            match escaped {
                Some(escaped) => written = escaped,
                None => return refused.push(format!("'{name}'")),
            }
        }
        if let Some(kind) = kind.filter(|kind| !written.fits(kind)) {
            let (kind, is) = (shorten(kind), written.kind);
            variables
                .misfits
                .push(format!("'{name}' is declared {kind}, and is {is}"));
        }
        variables.all.insert(name.to_owned(), written.envelope());
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
        for (name, raw) in self.fields.iter().flatten() {
            all.entry(name.clone()).or_insert_with(|| raw.clone());
        }
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
            Source::Own => match &*output.name {
                "result" => Some(self.body.clone()),
                "status" => Some(self.status()),
                name => self.fields.as_ref()?.get(name).cloned(),
            },
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
