//! The settings and secrets of one account at the system behind a connector.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Failure;
use crate::parameter::Parameter;

/// What a profile of a connector may hold (Activiti: configuration parameters).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    /// The fields that are known, in the order in which people fill them in.
    pub declared: Vec<Parameter>,
    /// Whether a profile may hold others, too: those of a connector that cannot say which it knows.
    pub open: bool,
    /// Whether the connector itself says what the fields mean in a call. Otherwise one with the name
    /// of a parameter stands in for it in calls that do not give it.
    pub apart: bool,
    /// The field that says which system the others belong to, as an origin: `https://api.example`. A
    /// profile that holds anything holds it, too.
    pub origin: Option<String>,
}

/// The profile with which an attempt runs (Django Automate: ConnectionProfile), every reference
/// followed. Empty where nothing is configured.
#[derive(Clone, Default, PartialEq)]
pub struct Profile {
    /// Its name within the connector; none where all values come from the environment and defaults.
    pub name: Option<Arc<str>>,
    /// Whether the call named it. Otherwise it is the connector's default.
    pub chosen: bool,
    values: Map<String, Value>,
    secret: BTreeSet<String>,
}

// === impl Fields ===

impl Fields {
    /// The field of that name.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.declared.iter().find(|field| field.name == name)
    }

    /// Whether a profile may hold a field of that name.
    pub fn takes(&self, name: &str) -> bool {
        self.open || self.get(name).is_some()
    }

    /// Whether a profile may hold nothing at all.
    pub fn is_none(&self) -> bool {
        self.declared.is_empty() && !self.open
    }
}

// === impl Profile ===

impl Profile {
    /// A profile of that name without values.
    pub fn named(name: Option<Arc<str>>, chosen: bool) -> Profile {
        Profile {
            name,
            chosen,
            ..Profile::default()
        }
    }

    /// Sets a value. What is a secret is masked wherever the call is shown.
    pub fn set(&mut self, field: &str, value: Value, secret: bool) {
        if secret {
            self.secret.insert(field.to_owned());
        }
        self.values.insert(field.to_owned(), value);
    }

    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.values.get(field)
    }

    /// Every value, by the name of its field.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// Whether a field is a secret.
    pub fn is_secret(&self, field: &str) -> bool {
        self.secret.contains(field)
    }

    /// The texts that must never be shown: whole values, and every text and number within them.
    pub fn secrets(&self) -> impl Iterator<Item = String> + '_ {
        let values = self.secret.iter().filter_map(|name| self.values.get(name));
        values.flat_map(|value| {
            let mut texts = Vec::new();
            add_texts(value, &mut texts);
            texts
        })
    }

    /// All values as the type of the connector's own fields. Fields that `T` does not know are left
    /// out of it, as its `serde` attributes say. Fails as a wrong argument does; no value is named.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        T::deserialize(Value::Object(self.values.clone())).map_err(|_| {
            let name = self.name.as_deref().unwrap_or("of the environment");
            Failure::arguments(format!(
                "profile {name}: a value does not have the type of its field"
            ))
        })
    }
}

fn add_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(list) => list.iter().for_each(|value| add_texts(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| add_texts(value, texts)),
        Value::Bool(_) | Value::Null => {}
    }
}

/// Shows no value.
impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.values.keys().collect();
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("chosen", &self.chosen)
            .field("fields", &fields)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_by_type_and_shows_no_value() {
        #[derive(serde::Deserialize)]
        struct Own {
            host: String,
            port: Option<u16>,
        }
        let mut profile = Profile::named(Some("prod".into()), true);
        profile.set("host", "mail.example".into(), false);
        profile.set("port", 25.into(), false);
        profile.set("token", "canary".into(), true);
        let own: Own = profile.read().unwrap();
        assert_eq!((&*own.host, own.port), ("mail.example", Some(25)));
        assert!(!format!("{profile:?}").contains("canary"));
        let headers = serde_json::json!({"x-key": "inner", "x-on": true, "x-more": [7]});
        profile.set("headers", headers, true);
        assert_eq!(
            profile.secrets().collect::<Vec<_>>(),
            ["inner", "7", "canary"]
        );
        profile.set("port", "x".into(), false);
        assert!(profile.read::<Own>().is_err());
    }
}
