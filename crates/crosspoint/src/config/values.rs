//! Tables of values that workers get: environment variables and settings, of which some are
//! secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crosspoint_core::{MASKED, Secret, is_sensitive_name};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Number, Value as Json};

use super::environment::Environment;
use super::problem::Wrong;
use super::reference::Reference;

/// A literal of fewer characters is not taken for a secret, whatever its name, nor is such a
/// password looked for alone: every text that it occurs in by chance would be withheld.
pub const SHORTEST_SECRET: usize = 4;

/// A table of values by name. Those that are secrets are shown as `***`, references as they are.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Values(pub BTreeMap<String, Value>);

/// A value as it was written.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A text, or a reference to one.
    Text(String),
    /// A number.
    Number(Number),
    /// `true` or `false`.
    Bool(bool),
}

/// A text that may be a reference.
pub struct Text;

// === impl Values ===

impl Values {
    /// Each value under its name as it may be shown.
    fn shown(&self) -> Map<String, Json> {
        let entry = |(name, value): (&String, &Value)| (name.clone(), value.shown(name));
        self.0.iter().map(entry).collect()
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.shown()).finish()
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

// === impl Value ===

impl Value {
    /// The value with its reference followed. Fails when the reference leads nowhere, or to a text
    /// that is empty or that no environment can hold; the error names the reference only.
    pub fn resolve(&self, env: &Environment) -> Result<Json, Wrong> {
        let text = match self {
            Value::Text(text) => text,
            Value::Number(number) => return Ok(number.clone().into()),
            Value::Bool(truth) => return Ok((*truth).into()),
        };
        let Some(reference) = Reference::of(text) else {
            return Ok(text.as_str().into());
        };
        let fault = match reference.value(env) {
            Err(fault) => fault,
            Ok(value) if value.is_empty() => "is empty".to_owned(),
            Ok(value) if value.contains('\0') => "holds a zero byte".to_owned(),
            Ok(value) => return Ok(value.into()),
        };
        Err(Wrong {
            why: format!("`{text}` {fault}"),
            help: String::new(),
        })
    }

    /// What must not be shown of the value under a name, given what it resolved to: all that a
    /// reference leads to, a text under a sensitive name, and the password of a URL.
    pub fn secrets(&self, name: &str, resolved: &Json) -> Vec<Secret<String>> {
        let Value::Text(text) = self else {
            return Vec::new();
        };
        let value = resolved.as_str().unwrap_or_default();
        let whole = Reference::of(text).is_some() || is_secret(name, text);
        let password = password(value).filter(|text| text.chars().count() >= SHORTEST_SECRET);
        let texts = whole
            .then_some(value.to_owned())
            .into_iter()
            .chain(password);
        texts.map(Secret::new).collect()
    }

    /// A text that begins with a misspelled `env:`, `file:` or `exec:`.
    pub fn looks_like_a_reference(&self) -> bool {
        let Value::Text(text) = self else {
            return false;
        };
        let Some((scheme, rest)) = text.split_once(':') else {
            return false;
        };
        let mistaken = ["env", "evn", "file", "exec", "secret", "vault"];
        let scheme = scheme.to_ascii_lowercase();
        let known = mistaken.contains(&scheme.as_str());
        Reference::of(text).is_none() && known && !rest.is_empty() && !rest.starts_with("//")
    }

    fn shown(&self, name: &str) -> Json {
        match self {
            Value::Text(text) if Reference::of(text).is_none() && is_secret(name, text) => {
                MASKED.into()
            }
            Value::Text(text) => text.as_str().into(),
            Value::Number(number) => number.clone().into(),
            Value::Bool(truth) => (*truth).into(),
        }
    }
}

// === impl Text ===

impl FromStr for Text {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Text, Wrong> {
        let fault = match Reference::of(text) {
            Some(reference) => match reference.fault() {
                Some(fault) => fault,
                None => return Ok(Text),
            },
            None if text == MASKED => "`***` stands for a value that is not shown",
            None if text.contains('\0') => "a zero byte is in it",
            None => return Ok(Text),
        };
        Err(Wrong {
            why: fault.to_owned(),
            help: "write the value, or a reference such as `env:NAME`, `file:PATH`, \
                   `exec:COMMAND` or `secret:NAME`"
                .to_owned(),
        })
    }
}

/// A text is a secret by the name it has, or by the password in it.
fn is_secret(name: &str, text: &str) -> bool {
    let plain = text.chars().count() < SHORTEST_SECRET || matches!(text, "true" | "false");
    (is_sensitive_name(name) && !plain) || password(text).is_some()
}

/// The password of a URL, as it is spelled there.
fn password(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    url.password().map(str::to_owned)
}

/// The schema of environment variables.
pub fn variables(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^[^=]+$", "format": "variable-name" },
        "additionalProperties": { "type": "string", "format": "value", "writeOnly": true },
    })
}

/// The schema of settings.
pub fn settings(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": {
            "type": ["string", "number", "boolean"],
            "format": "value",
            "writeOnly": true,
        },
    })
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
