//! A profile as it was written down: settings, and where its secrets are.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Secret, is_connector_name};
use serde_json::{Map, Value, json};

/// `connector/name`: a profile of a connector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId {
    /// The connector's name.
    pub connector: Arc<str>,
    /// The profile's name within the connector, most often that of an environment: `prod`.
    pub name: Arc<str>,
}

/// Where a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Here.
    Value(Secret<String>),
    /// Among the secrets that Crosspoint keeps, by its name: `secret:NAME`.
    Kept(String),
    /// In HashiCorp Vault: `vault:PATH#FIELD`.
    Vault {
        /// The secret's path within the mount.
        path: String,
        /// Which of its values.
        field: String,
    },
}

/// Where a profile was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// In the configuration file.
    File,
    /// In the store, by the command line or the API.
    Store,
}

/// A profile as it was written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Its connector and name.
    pub id: ProfileId,
    /// Where it was written.
    pub from: Written,
    /// Whether calls may use it. Default: yes.
    pub enabled: bool,
    /// Whether calls that name none use it. The only profile of a connector is used in any case.
    pub default: bool,
    /// What may be read.
    pub settings: Map<String, Value>,
    /// What may not, by field.
    pub secrets: BTreeMap<String, Source>,
    /// The auth whose token it gets.
    pub auth: Option<String>,
    /// How often it is checked. Default: never by itself.
    pub check_every: Option<Duration>,
}

/// What is not the id of a profile.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a profile: write connector/name, for example crm/prod")]
pub struct NotAProfile(String);

/// What was kept is not a definition.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kept profile {0} cannot be read: it was written by another version")]
pub struct NotADefinition(pub ProfileId);

// === impl ProfileId ===

impl ProfileId {
    /// From the two parts.
    pub fn new(connector: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> ProfileId {
        ProfileId {
            connector: connector.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.connector, self.name)
    }
}

impl FromStr for ProfileId {
    type Err = NotAProfile;

    /// Both parts are `[A-Za-z0-9_-]+`.
    fn from_str(text: &str) -> Result<ProfileId, NotAProfile> {
        match text.split_once('/') {
            Some((connector, name)) if is_connector_name(connector) && is_connector_name(name) => {
                Ok(ProfileId::new(connector, name))
            }
            _ => Err(NotAProfile(text.to_owned())),
        }
    }
}

// === impl Source ===

impl Source {
    /// What people may read: the reference, never a value.
    pub fn reference(&self) -> Option<String> {
        match self {
            Source::Value(_) => None,
            Source::Kept(name) => Some(format!("secret:{name}")),
            Source::Vault { path, field } => Some(format!("vault:{path}#{field}")),
        }
    }

    /// The reference that a text is, if it is one of these.
    pub fn of_reference(text: &str) -> Option<Source> {
        if let Some(name) = text.strip_prefix("secret:") {
            return Some(Source::Kept(name.trim().to_owned()));
        }
        let rest = text.strip_prefix("vault:")?;
        let (path, field) = rest.rsplit_once('#')?;
        Some(Source::Vault {
            path: path.trim().to_owned(),
            field: field.trim().to_owned(),
        })
    }
}

// === impl Definition ===

impl Definition {
    /// A profile without any value.
    pub fn new(id: ProfileId, from: Written) -> Definition {
        Definition {
            id,
            from,
            enabled: true,
            default: false,
            settings: Map::new(),
            secrets: BTreeMap::new(),
            auth: None,
            check_every: None,
        }
    }

    /// As it is kept, to be sealed: values of secrets are in it.
    pub fn to_kept(&self) -> Value {
        let secrets: Map<String, Value> = self
            .secrets
            .iter()
            .map(|(field, source)| {
                let written = match source {
                    Source::Value(value) => json!({"value": value.expose()}),
                    reference => json!({"at": reference.reference()}),
                };
                (field.clone(), written)
            })
            .collect();
        json!({
            "enabled": self.enabled,
            "default": self.default,
            "settings": self.settings,
            "secrets": secrets,
            "auth": self.auth,
            "check_ms": self.check_every.map(|every| every.as_millis() as u64),
        })
    }

    /// What was kept under an id.
    pub fn from_kept(id: ProfileId, kept: &[u8]) -> Result<Definition, NotADefinition> {
        read(&id, kept).ok_or(NotADefinition(id))
    }

    /// The references of its secrets and its auth, for the ledger: no value is in them.
    pub fn uses(&self) -> Vec<String> {
        let secrets = self.secrets.iter();
        let named = secrets.map(|(field, source)| match source.reference() {
            Some(reference) => reference,
            None => format!("profile:{}#{field}", self.id),
        });
        let auth = self.auth.iter().map(|auth| format!("auth:{auth}"));
        named.chain(auth).collect()
    }
}

fn read(id: &ProfileId, kept: &[u8]) -> Option<Definition> {
    let kept: Value = serde_json::from_slice(kept).ok()?;
    let mut definition = Definition::new(id.clone(), Written::Store);
    definition.enabled = kept.get("enabled")?.as_bool()?;
    definition.default = kept.get("default")?.as_bool()?;
    definition.settings = kept.get("settings")?.as_object()?.clone();
    for (field, written) in kept.get("secrets")?.as_object()? {
        let source = match (written.get("value"), written.get("at")) {
            (Some(value), _) => Source::Value(Secret::new(value.as_str()?.to_owned())),
            (None, at) => Source::of_reference(at?.as_str()?)?,
        };
        definition.secrets.insert(field.clone(), source);
    }
    definition.auth = kept.get("auth").and_then(Value::as_str).map(str::to_owned);
    let every = kept.get("check_ms").and_then(Value::as_u64);
    definition.check_every = every.map(Duration::from_millis);
    Some(definition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_shows_no_secret() {
        let id: ProfileId = "crm/prod".parse().unwrap();
        let mut definition = Definition::new(id.clone(), Written::Store);
        definition.settings.insert("url".into(), "https://h".into());
        let sources = [
            ("token", Source::Value(Secret::new("canary".into()))),
            ("kept", Source::of_reference("secret:crm").unwrap()),
            ("far", Source::of_reference("vault:apps/crm#token").unwrap()),
        ];
        definition.secrets = sources.map(|(f, s)| (f.to_owned(), s)).into();
        definition.auth = Some("main".into());
        definition.check_every = Some(Duration::from_secs(60));
        let kept = definition.to_kept().to_string();
        let read = Definition::from_kept(id.clone(), kept.as_bytes()).unwrap();
        assert_eq!(read, definition);
        assert!(!format!("{read:?}").contains("canary"));
        let uses = "vault:apps/crm#token secret:crm profile:crm/prod#token auth:main";
        assert_eq!(read.uses().join(" "), uses);
        for foreign in ["", "{}", "[]", r#"{"enabled": 1}"#] {
            let read = Definition::from_kept(id.clone(), foreign.as_bytes());
            assert_eq!(read, Err(NotADefinition(id.clone())));
        }
    }

    #[test]
    fn a_profile_id_has_a_connector_and_a_name() {
        for text in ["crm", "crm/", "/prod", "a/b/c", "a b/c", ""] {
            assert!(text.parse::<ProfileId>().is_err(), "{text}");
        }
    }
}
