//! The arguments of a call: a JSON object whose values stay slices of the request's own bytes.

use bytes::Bytes;
use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::{DeserializeOwned, MapAccess, Visitor, value::MapDeserializer};
use serde_json::value::RawValue;

use crate::json::{Json, JsonError, check_depth};
use crate::{Failure, decode};

/// Parameter names with their values, in the order they were sent. A name that occurs twice keeps
/// its last value, as Python's reader does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments(IndexMap<String, Json>);

// === impl Arguments ===

impl Arguments {
    /// Reads a JSON object without copying its values: they share `text`'s memory.
    pub fn parse(text: Bytes) -> Result<Arguments, JsonError> {
        check_depth(&text)?;
        if text.trim_ascii_start().first() != Some(&b'{') {
            Json::parse(text)?;
            return Err(JsonError::NotAnObject);
        }
        let fields: Fields<'_> = serde_json::from_slice(&text).map_err(|e| JsonError::from(&e))?;
        let fields = fields.0.into_iter();
        Ok(Arguments(
            fields
                .map(|(name, raw)| (name, Json::checked(text.slice_ref(raw.get().as_bytes()))))
                .collect(),
        ))
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// Sets a parameter, keeping its place when it was there.
    pub fn insert(&mut self, name: impl Into<String>, value: Json) {
        self.0.insert(name.into(), value);
    }

    /// Takes a parameter out, keeping the order of the others.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        self.0.shift_remove(name)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Keeps the parameters for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Json) -> bool) {
        self.0.retain(|name, value| keep(name, value));
    }

    /// Moves the parameters for which `take` holds into a set of their own.
    pub fn split(&mut self, take: impl Fn(&str) -> bool) -> Arguments {
        // Nearly every request has some to take out; the common order is preserved either way.
        let (taken, kept) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(n, _)| take(n));
        self.0 = kept;
        Arguments(taken)
    }

    /// Reads the arguments as a struct whose fields are the parameters.
    ///
    /// The failure names the place but not the value that was there: it may be a secret.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let fields = self
            .0
            .iter()
            .map(|(name, json)| (name.as_str(), decode::Text(json)));
        serde_path_to_error::deserialize(MapDeserializer::new(fields)).map_err(|error| {
            let place = error.path().to_string();
            Failure::arguments(format!(
                "parameter '{place}' does not have the shape it needs"
            ))
        })
    }
}

impl FromIterator<(String, Json)> for Arguments {
    fn from_iter<I: IntoIterator<Item = (String, Json)>>(fields: I) -> Arguments {
        Arguments(fields.into_iter().collect())
    }
}

/// The fields of a JSON object, borrowed from its text.
struct Fields<'a>(IndexMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = IndexMap<String, &'de RawValue>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = IndexMap::with_capacity(8);
                while let Some((name, value)) = map.next_entry()? {
                    fields.insert(name, value);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object).map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Result<Arguments, JsonError> {
        Arguments::parse(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn values_share_the_memory_of_the_request() {
        let text = Bytes::from_static(br#"{"a": {"b": 1.0}, "c": "x"}"#);
        let arguments = Arguments::parse(text.clone()).unwrap();
        let value = arguments.get("a").unwrap();
        assert_eq!(value.as_bytes(), br#"{"b": 1.0}"#);
        assert!(text.as_ptr_range().contains(&value.as_bytes().as_ptr()));
    }

    #[test]
    fn the_last_of_two_equal_names_wins() {
        let arguments = parse(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
        assert_eq!(arguments.get("a").unwrap().as_bytes(), b"3");
    }

    #[test]
    fn what_is_not_an_object_is_told_from_what_is_not_json() {
        assert_eq!(parse("[1]"), Err(JsonError::NotAnObject));
        assert!(matches!(parse("nope"), Err(JsonError::Syntax { .. })));
        assert!(matches!(parse(r#"{"a": }"#), Err(JsonError::Syntax { .. })));
    }

    #[test]
    fn context_is_split_off() {
        let mut arguments = parse(r#"{"url": 1, "spiff__task_id": 2, "x": 3}"#).unwrap();
        let context = arguments.split(|name| name.starts_with("spiff__"));
        assert_eq!(
            arguments.iter().map(|(n, _)| n).collect::<Vec<_>>(),
            ["url", "x"]
        );
        assert!(context.get("spiff__task_id").is_some());
    }

    #[test]
    fn reading_a_struct_never_repeats_the_value_in_its_error() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code)]
        struct Wants {
            port: u16,
        }
        let failure = parse(r#"{"port": "hunter2"}"#)
            .unwrap()
            .read::<Wants>()
            .unwrap_err();
        assert!(failure.message.contains("'port'"), "{failure}");
        assert!(!format!("{failure:?}").contains("hunter2"));
    }
}
