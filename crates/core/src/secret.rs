//! Values that must never be shown.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

/// A value that is kept out of logs, errors, metrics and debug output by its type: it has no
/// `Display`, no `Serialize`, and its `Debug` is `***`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

// === impl Secret ===

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Secret<T> {
        Secret(value)
    }

    /// The value, at the one place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The schema of the value with `writeOnly` added, by which forms, catalogues and the mask
/// recognise a secret parameter.
impl<T: JsonSchema> JsonSchema for Secret<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Secret_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("writeOnly".into(), true.into());
        schema
    }
}

/// Words that mark a header, a query parameter or a field as one that carries a secret.
const SENSITIVE: [&str; 12] = [
    "authorization",
    "cookie",
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "signature",
];

/// Whether a name says that its value is a secret: `Authorization`, `X-Api-Key`, `access_token`,
/// `key` …
pub fn is_sensitive_name(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    matches!(
        plain.as_str(),
        "key" | "auth" | "sig" | "jwt" | "code" | "session"
    ) || SENSITIVE.iter().any(|word| plain.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }

    #[test]
    fn its_schema_says_write_only() {
        let schema = schemars::schema_for!(Secret<String>);
        assert_eq!(schema.get("writeOnly"), Some(&true.into()));
        assert_eq!(schema.get("type"), Some(&"string".into()));
    }

    #[test]
    fn names_that_carry_secrets_are_recognised_in_any_spelling() {
        for name in [
            "Authorization",
            "X-Api-Key",
            "access_token",
            "clientSecret",
            "key",
            "Cookie",
        ] {
            assert!(is_sensitive_name(name), "{name}");
        }
        for name in ["accept", "content-type", "monkey", "keyboard", "author"] {
            assert!(!is_sensitive_name(name), "{name}");
        }
    }
}
