//! What becomes of the answers of an operation before they are results.

use std::collections::HashMap;

use crosspoint_core::{Json, shorten};
use regex::{Regex, RegexBuilder};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::document::Document;
use crate::object::Object;

/// The key by which an operation of a document says it.
pub(super) const RESULT: &str = "x-crosspoint-result";

/// So large an expression may be when it is compiled, in bytes.
const LARGEST_EXPRESSION: usize = 256 * 1024;

/// So long may a text be on which an expression is tried, in bytes. The time that it takes grows with both.
const LONGEST_TEXT: usize = 16 * 1024;

/// How an answer is shaped.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// Members of the answer, each with the expression whose named groups become members beside it.
    matches: Vec<(String, Regex)>,
    /// The member of a new object that the answer becomes.
    within: Option<String>,
    /// What stands beside it.
    with: Vec<(String, Json)>,
}

// === impl Shape ===

impl Shape {
    /// Reads what an operation says, if it says anything. Fails with a clause about it.
    pub(super) fn read(document: &Document, operation: &Value) -> Result<Option<Shape>, String> {
        let Some(value) = operation.get(RESULT) else {
            return Ok(None);
        };
        let members = value.as_object().ok_or("it is no object")?;
        let known = ["match", "within", "with"];
        if let Some(key) = members.keys().find(|key| !known.contains(&&***key)) {
            let key = shorten(key);
            return Err(format!("it has `{key}`, not `match`, `within` or `with`"));
        }
        let object = |key: &str| match members.get(key) {
            None => Ok(Map::new()),
            Some(Value::Object(members)) => Ok(members.clone()),
            Some(_) => Err(format!("`{key}` is no object")),
        };
        let mut matches = Vec::new();
        for (name, text) in object("match")? {
            matches.push((name, expression(document, &text)?));
        }
        let within = match members.get("within") {
            None => None,
            Some(Value::String(name)) => Some(name.clone()),
            Some(_) => return Err("`within` is no text".to_owned()),
        };
        let with = object("with")?;
        if within.as_ref().is_some_and(|name| with.contains_key(name)) {
            return Err("`with` has the name that `within` gives".to_owned());
        }
        let with = with.into_iter().map(|(name, value)| (name, value.into()));
        Ok(Some(Shape {
            matches,
            within,
            with: with.collect(),
        }))
    }

    /// The result that an answer becomes. What the answer has stays as it is spelled, and nothing takes
    /// the place of a member that it has. One that would be nested too deep stays as it is.
    pub(super) fn apply(&self, answer: Json) -> Json {
        let answer = self.beside(&answer).unwrap_or(answer);
        let Some(name) = &self.within else {
            return answer;
        };
        let mut object = Object::with_capacity(answer.as_bytes().len() + 256);
        object.add(name, answer.as_bytes());
        for (name, value) in &self.with {
            object.add(name, value.as_bytes());
        }
        Json::parse(object.end()).unwrap_or(answer)
    }

    /// An object with what comes to stand beside its members. Nothing: it is none, or has all of it.
    fn beside(&self, answer: &Json) -> Option<Json> {
        let with = match self.within {
            None => &self.with[..],
            Some(_) => &[],
        };
        let idle = self.matches.is_empty() && with.is_empty();
        if idle || answer.first() != b'{' {
            return None;
        }
        let members: HashMap<String, &RawValue> = answer_members(answer)?;
        let mut more: Vec<(&str, Json)> = Vec::new();
        let mut add = |name, value| {
            if !members.contains_key(name) && !more.iter().any(|(known, _)| *known == name) {
                more.push((name, value));
            }
        };
        for (name, expression) in &self.matches {
            let text = members.get(name).and_then(|raw| text(raw));
            let Some(found) = text.as_deref().and_then(|text| expression.captures(text)) else {
                continue;
            };
            for group in expression.capture_names().flatten() {
                if let Some(part) = found.name(group) {
                    add(group, Json::string(part.as_str()));
                }
            }
        }
        with.iter()
            .for_each(|(name, value)| add(name, value.clone()));
        let mut object = Object::with_members_of(answer);
        for (name, value) in &more {
            object.add(name, value.as_bytes());
        }
        (!more.is_empty()).then(|| Json::parse(object.end()).ok())?
    }
}

/// The members of an object. Nothing: it has a name that is no text, as half a character of two.
fn answer_members(answer: &Json) -> Option<HashMap<String, &RawValue>> {
    serde_json::from_slice(answer.as_bytes()).ok()
}

/// The text that a member is, if it is one on which an expression is tried.
fn text(raw: &RawValue) -> Option<String> {
    let short = raw.get().len() <= LONGEST_TEXT;
    short.then(|| serde_json::from_str(raw.get()).ok())?
}

fn expression(document: &Document, value: &Value) -> Result<Regex, String> {
    let text = value.as_str().ok_or("`match` has what is no text")?;
    let left = document.expressions.get().checked_sub(1);
    let left = left.ok_or("the document has more expressions than count")?;
    document.expressions.set(left);
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(LARGEST_EXPRESSION);
    builder.dfa_size_limit(LARGEST_EXPRESSION);
    let expression = builder.build().map_err(|error| {
        let error = error.to_string();
        // What is wrong stands in the last line, below the expression.
        let why = error.lines().last().unwrap_or_default();
        let why = shorten(why.trim_start_matches("error: "));
        format!("`match` has no valid expression: {why}")
    })?;
    match expression.capture_names().flatten().next() {
        Some(_) => Ok(expression),
        None => {
            Err("`match` has an expression without named groups, such as (?<name>…)".to_owned())
        }
    }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
