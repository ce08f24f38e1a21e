//! What a runtime bundle takes beside the types that are meant.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What is null counts as absent.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Files of older modellers have `"false"` where a boolean is meant.
pub(super) fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(truth) => truth,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    })
}

/// A number or a boolean is taken for its text; null is none.
pub(super) fn some_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        value @ (Value::Bool(_) | Value::Number(_)) => Ok(Some(value.to_string())),
        Value::Array(_) => Err(D::Error::custom("a text is expected, and this is a list")),
        Value::Object(_) => Err(D::Error::custom(
            "a text is expected, and this is an object",
        )),
    }
}

/// The same; without one it is empty.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(some_text(deserializer)?.unwrap_or_default())
}
