//! The typed envelope of variables, as it is written: always one, since a plain object that happens to
//! have `type` and `value` would be taken for one.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::expressions::{escaped, escaped_json, is_expression, json_has_expression};
use super::instant::instant;
use super::variable::{integer, parse};

/// A value in its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The type.
    pub kind: &'static str,
    /// The value, as engines parse it.
    pub value: String,
}

// === impl Written ===

impl Written {
    /// A value in the type that a definition gives it (`kind`), where it can be written in that, else as what it
    /// is. Nothing for null, which is left out.
    pub fn of(raw: &RawValue, kind: Option<&str>) -> Option<Written> {
        let text = raw.get();
        let as_it_is = text.to_owned();
        let (kind, value) = match (text.as_bytes()[0], kind) {
            (b'n', _) => return None,
            (_, Some("json")) => ("json", as_it_is),
            (b'"', kind) => {
                let content: String = serde_json::from_str(text).unwrap_or_default();
                content_of(content, kind)
            }
            (_, Some("string")) => ("string", as_it_is),
            (b't' | b'f', _) => ("boolean", as_it_is),
            // Engines look for `${` in such a list, and not in one of type json.
            (b'[', Some("array")) if !json_has_expression(&format!("{{\"\":{text}}}")) => {
                ("list", as_it_is)
            }
            (b'{' | b'[', _) => ("json", as_it_is),
            (_, kind) => number_of(text, kind),
        };
        Some(Written { kind, value })
    }

    /// Whether it is of the type that the definition gives it. Of one that engines do not know any is.
    pub fn fits(&self, declared: &str) -> bool {
        match declared {
            "string" | "integer" | "boolean" | "bigdecimal" | "json" => self.kind == declared,
            "date" | "datetime" => self.kind == "date",
            "array" => self.kind == "list" || self.kind == "json" && self.value.starts_with('['),
            "file" | "folder" | "content" => self.kind == "json" && self.value.starts_with('{'),
            _ => true,
        }
    }

    /// Whether an engine finds an expression in it.
    pub fn has_expression(&self) -> bool {
        match self.kind {
            "string" => is_expression(&self.value),
            "json" => json_has_expression(&self.value),
            _ => false,
        }
    }

    /// The same with a space in each `${`; None where that cannot be made.
    pub fn escaped(self) -> Option<Written> {
        let value = match self.kind {
            "json" => escaped_json(&self.value)?,
            _ => escaped(&self.value),
        };
        Some(Written { value, ..self })
    }

    /// As messages have it.
    pub fn envelope(self) -> Value {
        json!({"type": self.kind, "value": self.value})
    }
}

/// A text, which may stand for something else that the definition asks for.
fn content_of(content: String, kind: Option<&str>) -> (&'static str, String) {
    let number = || content.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    match kind {
        Some("date" | "datetime") => match instant(&content) {
            Some(instant) => ("date", instant),
            None => ("string", content),
        },
        Some("boolean") if matches!(&*content, "true" | "false") => ("boolean", content),
        Some("integer") if integer(&content).is_ok() => number_of(&content, kind),
        Some("bigdecimal") if number() && parse(&content, "bigdecimal").is_ok() => {
            number_of(&content, kind)
        }
        _ => ("string", content),
    }
}

/// As precise as it has to be, and no more: a variable that is declared an integer is one of 32 bits.
fn number_of(text: &str, kind: Option<&str>) -> (&'static str, String) {
    let text = whole(text, kind);
    let kind = if kind == Some("bigdecimal") {
        "bigdecimal"
    } else if text.parse::<i32>().is_ok() {
        "integer"
    } else if text.parse::<i64>().is_ok() {
        "long"
    } else if integer(&text).is_err() && text.parse::<f64>().is_ok_and(f64::is_finite) {
        "double"
    } else {
        "bigdecimal"
    };
    match kind == "bigdecimal" && !has_scale(&text) {
        true => ("string", text),
        false => (kind, text),
    }
}

/// Whether a decimal has an exponent and a scale of 32 bits each: engines can read no other.
fn has_scale(text: &str) -> bool {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let fraction = digits.split_once('.').map_or("", |(_, fraction)| fraction);
    let exponent = exponent.parse::<i32>().ok().map(i64::from);
    let scale = exponent.and_then(|exponent| {
        let fraction = i64::try_from(fraction.len()).ok()?;
        i32::try_from(fraction - exponent).ok()
    });
    scale.is_some()
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

#[cfg(test)]
#[path = "written_tests.rs"]
mod tests;
