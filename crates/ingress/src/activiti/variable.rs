//! The typed envelope of variables, as it is read: `{"type": "integer", "value": "5"}`, the value always
//! a text. Engines write it since 2020, older ones plain values: both are taken.

use bytes::Bytes;
use crosspoint_core::{Json, shorten};
use serde::Deserialize;
use serde_json::value::RawValue;

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

pub(super) fn parse(text: &str, kind: &str) -> Result<Json, BadVariable> {
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

pub(super) fn integer(text: &str) -> Result<Json, BadVariable> {
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

#[cfg(test)]
#[path = "variable_tests.rs"]
mod tests;
