//! The typed envelope of variables: `{"type": "integer", "value": "5"}`, the value always a text.
//!
//! Engines write it since 2020, older ones plain values: both are read. What is written is always
//! the envelope, since a plain object that happens to have `type` and `value` would be taken for one.

use bytes::Bytes;
use crosspoint_core::{Json, shorten};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A variable that cannot be read or written; a clause that goes after its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadVariable(pub String);

/// What looks like an envelope: both are there, if only as null.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a RawValue,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The value of a variable as JSON; nothing where it is null. `whole` is the text that `raw` was read
/// from.
pub fn read(whole: &Bytes, raw: &RawValue) -> Result<Option<Json>, BadVariable> {
    let text = raw.get();
    if text == "null" {
        return Ok(None);
    }
    let plain = || {
        let part = Json::part(whole, raw);
        part.map(Some)
            .map_err(|error| BadVariable(error.to_string()))
    };
    if !text.starts_with('{') {
        return plain();
    }
    let Ok(Envelope { kind, value }) = serde_json::from_str(text) else {
        return plain();
    };
    match (serde_json::from_str::<String>(kind.get()), value.get()) {
        // No engine has types that are not texts: this is somebody's data.
        (Err(_), _) => plain(),
        (Ok(_), "null") => Ok(None),
        (Ok(kind), value) => typed(&kind, value).map(Some),
    }
}

/// The value of an envelope. One that is no text counts as its text.
fn typed(kind: &str, value: &str) -> Result<Json, BadVariable> {
    let quoted = value.starts_with('"');
    let text = match quoted {
        true => serde_json::from_str(value).map_err(|_| wrong("a text", kind))?,
        false => value.to_owned(),
    };
    let nested = value.starts_with(['{', '[']);
    match kind {
        "json" | "map" | "list" | "set" => parse(&text, kind),
        "object" => object(&text, kind),
        _ if nested => Err(wrong("a text", kind)),
        "string" | "character" | "date" | "localdate" | "localdatetime" => Ok(Json::string(&text)),
        "integer" | "long" | "short" | "byte" => integer(text.trim()),
        "double" | "float" | "bigdecimal" => number(text.trim(), kind),
        "boolean" => match text.trim() {
            truth @ ("true" | "false") => parse(truth, kind),
            _ => Err(wrong("true or false", kind)),
        },
        // As the engine does: any other type is an object.
        _ => object(&text, kind)
            .map_err(|_| BadVariable(format!("has a type that is not known: '{}'", shorten(kind)))),
    }
}

fn parse(text: &str, kind: &str) -> Result<Json, BadVariable> {
    let parsed = Json::parse(text.as_bytes().to_vec());
    parsed.map_err(|error| BadVariable(format!("is of type {kind} and {error}")))
}

/// `{"object": …}`.
fn object(text: &str, kind: &str) -> Result<Json, BadVariable> {
    #[derive(Deserialize)]
    struct Holder<'a> {
        #[serde(borrow)]
        object: &'a RawValue,
    }
    match serde_json::from_str::<Holder<'_>>(text) {
        Ok(holder) => parse(holder.object.get(), kind),
        Err(_) => Err(wrong("{\"object\": …}", kind)),
    }
}

fn integer(text: &str) -> Result<Json, BadVariable> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    match !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        true => parse(text, "integer"),
        false => Err(wrong("a whole number", "integer")),
    }
}

fn number(text: &str, kind: &str) -> Result<Json, BadVariable> {
    // Java's floating point numbers have these; JSON has not.
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return Ok(Json::string(text));
    }
    match text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        true => parse(text, kind),
        false => Err(wrong("a number", kind)),
    }
}

fn wrong(expected: &str, kind: &str) -> BadVariable {
    BadVariable(format!("is of type {kind} and its value is not {expected}"))
}

/// The envelope of a value; nothing for null, which is left out. `kind` is the type that a
/// definition gives it: in this the value is written where it can be.
pub fn write(raw: &RawValue, kind: Option<&str>) -> Option<Value> {
    let text = raw.get();
    let (kind, value) = match (text.as_bytes()[0], kind) {
        (b'n', _) => return None,
        (b'"', kind) => {
            let content: String = serde_json::from_str(text).unwrap_or_default();
            content_of(text, content, kind)
        }
        (b'{' | b'[', Some("string")) | (b't' | b'f', Some("string")) => {
            ("string", text.to_owned())
        }
        (b't' | b'f', _) => ("boolean", text.to_owned()),
        (b'[', Some("array")) if !has_expression(raw) => ("list", text.to_owned()),
        // A list of type json is the one kind of value in which engines do not look for `${`.
        (b'{' | b'[', _) => ("json", text.to_owned()),
        (_, Some("string")) => ("string", text.to_owned()),
        (_, kind) => (number_kind(text, kind), whole(text, kind)),
    };
    Some(json!({"type": kind, "value": value}))
}

/// A text, which may stand for something else that the definition asks for.
fn content_of(text: &str, content: String, kind: Option<&str>) -> (&'static str, String) {
    let number = || content.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    match kind {
        Some("date" | "datetime") => match instant(&content) {
            Some(instant) => ("date", instant),
            None => ("string", content),
        },
        Some("boolean") if matches!(&*content, "true" | "false") => ("boolean", content),
        Some("integer") if integer(&content).is_ok() => (number_kind(&content, kind), content),
        Some("bigdecimal") if number() && parse(&content, "bigdecimal").is_ok() => {
            ("bigdecimal", content)
        }
        Some("json") => ("json", text.to_owned()),
        _ => ("string", content),
    }
}

/// As precise as it has to be, and no more: a variable that is declared an integer is one of 32 bits.
fn number_kind(text: &str, kind: Option<&str>) -> &'static str {
    if kind == Some("bigdecimal") {
        return "bigdecimal";
    }
    let text = whole(text, kind);
    if text.parse::<i32>().is_ok() {
        "integer"
    } else if text.parse::<i64>().is_ok() {
        "long"
    } else if integer(&text).is_err() && text.parse::<f64>().is_ok_and(f64::is_finite) {
        "double"
    } else {
        "bigdecimal"
    }
}

/// A whole number that is written with a fraction, where an integer is asked for.
fn whole(text: &str, kind: Option<&str>) -> String {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    let zero = !fraction.is_empty() && fraction.bytes().all(|b| b == b'0');
    match kind == Some("integer") && zero {
        true => digits.to_owned(),
        false => text.to_owned(),
    }
}

/// The instant that a text stands for, with its offset; a day alone is its midnight in UTC. Engines
/// take no less.
fn instant(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let shape = |from: usize, pattern: &str| {
        let part = bytes.get(from..from + pattern.len());
        part.is_some_and(|part| {
            part.iter().zip(pattern.bytes()).all(|(b, p)| match p {
                b'0' => b.is_ascii_digit(),
                p => *b == p,
            })
        })
    };
    if !shape(0, "0000-00-00") {
        return None;
    }
    if bytes.len() == 10 {
        return Some(format!("{text}T00:00:00Z"));
    }
    if !shape(10, "T00:00:00") {
        return None;
    }
    let rest = &text[19..];
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let at = text.len() - offset.len();
    let numeric = shape(at, "+00:00") || shape(at, "-00:00");
    (offset == "Z" || numeric && offset.len() == 6).then(|| text.to_owned())
}

/// Whether an engine finds an expression in a text: `${…}`.
pub fn is_expression(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        rest = &rest[at + 2..];
        if rest.contains('}') {
            return true;
        }
    }
    false
}

/// Whether there is an expression in any text of a value.
pub fn has_expression(raw: &RawValue) -> bool {
    // Most values have none, and need not be parsed. JSON may spell the two characters otherwise.
    let text = raw.get();
    if !text.contains("${") && !text.contains("\\u") {
        return false;
    }
    serde_json::from_str(text).is_ok_and(|value| any_expression(&value))
}

fn any_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => is_expression(text),
        Value::Array(list) => list.iter().any(any_expression),
        Value::Object(map) => map.values().any(any_expression),
        _ => false,
    }
}

/// The value with a space in each `${`, so that no engine finds an expression.
pub fn neutral(value: Value) -> Value {
    match value {
        Value::String(text) if is_expression(&text) => text.replace("${", "$ {").into(),
        Value::Array(list) => list.into_iter().map(neutral).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, neutral(value)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
#[path = "variable_tests.rs"]
mod tests;
