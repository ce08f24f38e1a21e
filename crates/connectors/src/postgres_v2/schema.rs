//! The parameter `schema` of each command, as the original package documents it.

use crosspoint_core::{Failure, Json};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};

use super::fault;

/// Of `CreateTableV2`.
#[derive(Deserialize)]
pub(super) struct Create {
    pub column_definitions: Vec<ColumnDefinition>,
}

#[derive(Deserialize)]
pub(super) struct ColumnDefinition {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
}

/// Of `InsertValuesV2`.
#[derive(Deserialize)]
pub(super) struct Insert {
    pub columns: Vec<String>,
    pub values: Vec<Vec<Json>>,
}

/// Of `SelectValuesV2`.
#[derive(Deserialize)]
pub(super) struct Select {
    pub columns: Vec<String>,
    #[serde(default)]
    pub r#where: Vec<Condition>,
}

/// Of `UpdateValuesV2`.
#[derive(Deserialize)]
pub(super) struct Update {
    pub set: Assignments,
    #[serde(default)]
    pub r#where: Vec<Condition>,
}

/// Of `DeleteValuesV2`.
#[derive(Deserialize)]
pub(super) struct Delete {
    #[serde(default)]
    pub r#where: Vec<Condition>,
}

/// Of `DoSQL`.
#[derive(Deserialize)]
pub(super) struct Free {
    pub sql: String,
    #[serde(default)]
    pub values: Values,
    #[serde(default)]
    pub fetch_results: bool,
}

/// Column, operator and value.
#[derive(Deserialize)]
pub(super) struct Condition(pub String, pub String, pub Json);

/// Values for placeholders.
pub(super) enum Values {
    /// For `%s`, in order.
    List(Vec<Json>),
    /// For `%(name)s`.
    Named(Assignments),
}

/// Names with values in the order they were written.
pub(super) struct Assignments(pub Vec<(String, Json)>);

// === impl Values ===

impl Default for Values {
    fn default() -> Values {
        Values::List(Vec::new())
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
        let json = Json::deserialize(deserializer)?;
        let values = match json.first() {
            b'n' => Ok(Values::default()),
            b'{' => json.read().map(Values::Named),
            _ => json.read().map(Values::List),
        };
        values.map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Assignments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Assignments, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Assignments;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Assignments, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Assignments(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Reads the parameter. Keys that a command does not know are passed over, as in the package.
pub(super) fn read<T: DeserializeOwned>(schema: &Json, keys: &[&str]) -> Result<T, Failure> {
    if schema.first() != b'{' {
        return Err(fault::argument("TypeError", "'schema' is not an object"));
    }
    let text = std::str::from_utf8(schema.as_bytes()).unwrap_or_default();
    let given: Assignments = serde_json::from_str(text).map_err(|_| misshapen(""))?;
    for key in keys {
        if !given.0.iter().any(|(name, _)| name == key) {
            return Err(fault::argument(
                "KeyError",
                format!("'schema' needs the key '{key}'"),
            ));
        }
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| misshapen(&format!(": see '{}'", error.path())))
}

fn misshapen(place: &str) -> Failure {
    fault::argument(
        "TypeError",
        format!("'schema' does not have the shape that this command needs{place}"),
    )
}
