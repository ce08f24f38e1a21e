//! JSON text that was checked once and is then carried, not parsed again and not copied.

use std::fmt;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, DeserializeOwned, Deserializer};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How deep lists and objects may be nested. `serde_json` refuses the same depth when it builds
/// values, so what passes here can be read everywhere.
pub const MAX_DEPTH: usize = 127;

/// One JSON value as text: valid, at most [`MAX_DEPTH`] deep, spelled as it came.
///
/// Cloning shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Bytes);

/// Why bytes are not usable as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON at all.
    #[error("not valid JSON at line {line}, column {column}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1; 0 at the end of a line.
        column: usize,
    },
    /// Valid JSON, but not an object where one is needed.
    #[error("a JSON object is needed")]
    NotAnObject,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("lists and objects are nested deeper than {MAX_DEPTH}")]
    TooDeep,
}

// === impl Json ===

impl Json {
    /// Checks that `text` is one JSON value. White space around it is kept.
    pub fn parse(text: impl Into<Bytes>) -> Result<Json, JsonError> {
        let bytes = text.into();
        check_depth(&bytes)?;
        let _: &RawValue = serde_json::from_slice(&bytes).map_err(|e| JsonError::from(&e))?;
        Ok(Json(bytes))
    }

    /// Writes a value as JSON. Fails only for maps whose keys are not text.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Json, serde_json::Error> {
        Ok(Json(serde_json::to_vec(value)?.into()))
    }

    /// `text` as a JSON string.
    pub fn string(text: &str) -> Json {
        serde_json::Value::from(text).into()
    }

    /// `{}`.
    pub fn empty_object() -> Json {
        Json(Bytes::from_static(b"{}"))
    }

    /// The part of `text` that was read from it as `raw`, sharing the bytes: a [`RawValue`] is valid
    /// JSON already, so that its depth alone is checked. A `raw` from elsewhere is copied.
    pub fn part(text: &Bytes, raw: &RawValue) -> Result<Json, JsonError> {
        let part = raw.get().as_bytes();
        check_depth(part)?;
        let (whole, range) = (text.as_ptr_range(), part.as_ptr_range());
        let inside = whole.start <= range.start && range.end <= whole.end;
        Ok(Json(match inside {
            true => text.slice_ref(part),
            false => Bytes::copy_from_slice(part),
        }))
    }

    /// Trusts that `bytes` are a part of JSON text that was checked before.
    pub(crate) fn checked(bytes: Bytes) -> Json {
        Json(bytes)
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, sharing the bytes.
    pub fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// The first character that is not white space, which tells the type.
    pub fn first(&self) -> u8 {
        self.0.trim_ascii_start().first().copied().unwrap_or(b'n')
    }

    /// Whether it is null or empty text, by which engines say that there is nothing.
    pub fn is_blank(&self) -> bool {
        matches!(self.0.trim_ascii(), b"null" | b"\"\"")
    }

    /// Reads the text as a value of a type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.0)
    }

    /// The content when this is a string without lone surrogates, else nothing.
    pub fn as_text(&self) -> Option<String> {
        (self.first() == b'"').then(|| self.read().ok()).flatten()
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Json {
        Json(value.to_string().into())
    }
}

impl From<&serde_json::Error> for JsonError {
    fn from(error: &serde_json::Error) -> JsonError {
        JsonError::Syntax {
            line: error.line(),
            column: error.column(),
        }
    }
}

/// Counts brackets outside of strings. Cheaper than a parse, and it never recurses.
pub(crate) fn check_depth(text: &[u8]) -> Result<(), JsonError> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
    }
    Ok(())
}

/// Shows the size only: arguments and results are other people's data.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_slice(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Json::parse(Box::<str>::from(raw).into_string()).map_err(de::Error::custom)
    }
}

impl JsonSchema for Json {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Any".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_survives() {
        let json = Json::parse(r#" {"a": 1.50, "a": 1e2} "#).unwrap();
        assert_eq!(json.as_bytes(), br#" {"a": 1.50, "a": 1e2} "#);
        assert_eq!(json.first(), b'{');
    }

    #[test]
    fn depth_is_limited_and_brackets_in_strings_do_not_count() {
        let deep = |n| "[".repeat(n) + &"]".repeat(n);
        assert!(Json::parse(deep(MAX_DEPTH)).is_ok());
        assert_eq!(Json::parse(deep(MAX_DEPTH + 1)), Err(JsonError::TooDeep));
        assert_eq!(Json::parse("[".repeat(1_000_000)), Err(JsonError::TooDeep));
        let text = format!("\"{}\\\"{}\"", "[".repeat(500), "{".repeat(500));
        assert!(Json::parse(text).is_ok());
    }

    #[test]
    fn what_passes_can_be_built_as_a_value() {
        let deepest = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        let json = Json::parse(deepest).unwrap();
        assert!(json.read::<serde_json::Value>().is_ok());
    }

    #[test]
    fn a_part_shares_the_bytes_of_the_whole() {
        let text = Bytes::from_static(br#"["x", {"a": 1.0}]"#);
        let parts: Vec<&RawValue> = serde_json::from_slice(&text).unwrap();
        let json = Json::part(&text, parts[1]).unwrap();
        assert_eq!(json.as_bytes(), br#"{"a": 1.0}"#);
        assert!(text.as_ptr_range().contains(&json.as_bytes().as_ptr()));
        let elsewhere = Json::part(&Bytes::from_static(b"[]"), parts[1]).unwrap();
        assert_eq!(elsewhere, json);
    }

    #[test]
    fn a_part_that_is_too_deep_is_refused() {
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        let raw: &RawValue = serde_json::from_str(&deep).unwrap();
        let whole = Bytes::from(deep.clone());
        assert_eq!(Json::part(&whole, raw), Err(JsonError::TooDeep));
    }

    #[test]
    fn a_syntax_error_names_its_place() {
        let error = Json::parse("{\n  oops").unwrap_err();
        assert_eq!(error.to_string(), "not valid JSON at line 2, column 3");
    }
}
