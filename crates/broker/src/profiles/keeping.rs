//! Changing the profiles of the cabinet: checked as a whole before anything is written.

use std::collections::BTreeMap;
use std::time::Duration;

use crosspoint_core::{Fields, MASKED, is_connector_name, is_sensitive_name};
use serde_json::{Map, Value};

use super::fields::{origin, quoted, secret, secret_value, setting};
use super::{Definition, NotADefinition, ProfileId, Source, Written, is_secret_name};
use crate::cabinet::{Cabinet, Drawer, Expected};
use crate::ledger::StoreError;

/// What somebody wants of a profile. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// Begin with an empty profile instead of the one that is there.
    pub anew: bool,
    /// Settings; none takes a field out.
    pub settings: BTreeMap<String, Option<Value>>,
    /// Secrets; none takes a field out.
    pub secrets: BTreeMap<String, Option<Source>>,
    /// Whether calls may use it.
    pub enabled: Option<bool>,
    /// Whether calls that name none use it.
    pub default: Option<bool>,
    /// The auth whose token it gets; none takes it away.
    pub auth: Option<Option<String>>,
    /// How often it is checked; none means never by itself.
    pub check_every: Option<Option<Duration>>,
}

/// What a connector says about its profiles, and what else is known of it.
#[derive(Debug, Clone, Default)]
pub struct About<'a> {
    /// Which fields it knows. None: it is not loaded here, and nobody can tell.
    pub fields: Option<&'a Fields>,
    /// The names of its auths. None: nobody can tell.
    pub auths: Option<Vec<String>>,
    /// The profiles of the configuration file.
    pub file: &'a [Definition],
}

/// A profile that was kept.
#[derive(Debug, PartialEq)]
pub struct Kept {
    /// As it is now.
    pub definition: Definition,
    /// Whether there was none before.
    pub is_new: bool,
    /// Whether it counts: the configuration file has none of that name.
    pub counts: bool,
}

/// Why a profile is not changed; nothing is then.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// Every mistake, a sentence without an end each.
    #[error("profile {}: {}; nothing was changed", .0, .1.join("; "))]
    Mistakes(ProfileId, Vec<String>),
    /// It is in the file.
    #[error("{0} is in the configuration file: take it out there, and run crosspoint reload")]
    InFile(ProfileId),
    /// There is none.
    #[error(
        "there is no profile {0} in the store: `crosspoint profile list` shows those there are"
    )]
    Missing(ProfileId),
    /// Somebody else changed it at the same moment.
    #[error("profile {0} was changed at the same moment: look at it, and try again")]
    Changed(ProfileId),
    /// Another version wrote what is there.
    #[error(transparent)]
    Unreadable(#[from] NotADefinition),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes a profile, or makes it.
pub async fn keep(
    cabinet: &dyn Cabinet,
    about: &About<'_>,
    id: &ProfileId,
    change: Change,
) -> Result<Kept, NotChanged> {
    let item = cabinet.get(Drawer::Profile, &id.to_string()).await?;
    let before = match &item {
        Some(item) if !change.anew => Some(Definition::from_kept(id.clone(), &item.body)?),
        _ => None,
    };
    let before = before.unwrap_or_else(|| Definition::new(id.clone(), Written::Store));
    let mut mistakes = change.contradictions();
    let definition = change.made_of(before);
    mistakes.extend(self::mistakes(&definition, about));
    if definition.default {
        mistakes.extend(other_default(cabinet, about, id).await?);
    }
    if !mistakes.is_empty() {
        return Err(NotChanged::Mistakes(id.clone(), mistakes));
    }
    let (body, key) = (definition.to_kept().to_string().into(), id.to_string());
    let expected = match &item {
        Some(item) => Expected::Revision(item.revision),
        None => Expected::Absent,
    };
    let put = cabinet.put(Drawer::Profile, &key, body, None, expected);
    match put.await? {
        Some(_) => Ok(Kept {
            definition,
            is_new: item.is_none(),
            counts: !about.file.iter().any(|definition| definition.id == *id),
        }),
        None => Err(NotChanged::Changed(id.clone())),
    }
}

/// Removes a profile from the cabinet.
pub async fn remove(
    cabinet: &dyn Cabinet,
    file: &[Definition],
    id: &ProfileId,
) -> Result<(), NotChanged> {
    let removed = cabinet.remove(Drawer::Profile, &id.to_string()).await?;
    match removed {
        true => Ok(()),
        false if file.iter().any(|definition| definition.id == *id) => {
            Err(NotChanged::InFile(id.clone()))
        }
        false => Err(NotChanged::Missing(id.clone())),
    }
}

/// Every profile of the cabinet, ordered by its id; and what is there and cannot be read.
pub async fn all(
    cabinet: &dyn Cabinet,
) -> Result<(Vec<Definition>, Vec<NotADefinition>), StoreError> {
    let (mut definitions, mut unreadable) = (Vec::new(), Vec::new());
    for item in cabinet.list(Drawer::Profile).await? {
        // Nothing else is put there.
        let Ok(id) = item.id.parse::<ProfileId>() else {
            continue;
        };
        match Definition::from_kept(id, &item.body) {
            Ok(definition) => definitions.push(definition),
            Err(error) => unreadable.push(error),
        }
    }
    Ok((definitions, unreadable))
}

/// What the rules of fields, references and names say against it.
fn mistakes(definition: &Definition, about: &About<'_>) -> Vec<String> {
    let any = Fields {
        open: true,
        ..Fields::default()
    };
    let fields = about.fields.unwrap_or(&any);
    let mut mistakes = Vec::new();
    for (name, value) in &definition.settings {
        if value == "" {
            mistakes.push(format!("{} is empty", quoted(name)));
        } else if let Err(clause) = setting(fields, name, value) {
            mistakes.push(format!("{} {clause}", quoted(name)));
        }
    }
    for (name, source) in &definition.secrets {
        let fault = match (secret(fields, name), source) {
            (Err(clause), _) => Some(clause),
            (Ok(field), Source::Value(value)) => secret_value(field, value.expose()).err(),
            (Ok(_), Source::Kept(kept)) if !is_secret_name(kept) => {
                Some("refers to what is no name of a secret".to_owned())
            }
            (Ok(_), Source::Vault { path, field }) if path.is_empty() || field.is_empty() => {
                Some("is no reference: write vault:PATH#FIELD".to_owned())
            }
            (Ok(_), _) => None,
        };
        mistakes.extend(fault.map(|clause| format!("{} {clause}", quoted(name))));
    }
    if let Some((name, clause)) = origin(fields, definition) {
        mistakes.push(format!("{} {clause}", quoted(name)));
    }
    if let (Some(auth), Some(known)) = (&definition.auth, &about.auths)
        && !known.contains(auth)
    {
        let auth = crosspoint_core::shorten(auth);
        mistakes.push(match known.is_empty() {
            true => format!("there is no auth '{auth}': the connector has none"),
            false => format!("there is no auth '{auth}'; there is {}", known.join(", ")),
        });
    } else if definition
        .auth
        .as_deref()
        .is_some_and(|auth| !is_connector_name(auth))
    {
        mistakes.push("the name of an auth holds letters, digits, '_' and '-' only".to_owned());
    }
    mistakes
}

/// Another profile of the connector that is the default one already.
async fn other_default(
    cabinet: &dyn Cabinet,
    about: &About<'_>,
    id: &ProfileId,
) -> Result<Option<String>, StoreError> {
    let (kept, _) = all(cabinet).await?;
    let mut all = about.file.iter().chain(&kept);
    let other = all.find(|other| {
        other.default && other.id.connector == id.connector && other.id.name != id.name
    });
    Ok(other.map(|other| {
        let remedy = match other.from {
            Written::Store => format!("crosspoint profile set {} --no-default", other.id),
            Written::File => "take `default` out of the configuration file".to_owned(),
        };
        let (connector, other) = (&id.connector, &other.id);
        format!("the default profile of {connector} is {other} already; first: {remedy}")
    }))
}

// === impl Change ===

impl Change {
    /// Fields that are to be a setting and a secret at once.
    fn contradictions(&self) -> Vec<String> {
        let set = self.settings.iter().filter(|(_, value)| value.is_some());
        let twice = set.filter(|(name, _)| matches!(self.secrets.get(*name), Some(Some(_))));
        twice
            .map(|(name, _)| {
                format!(
                    "{} is set twice: as a setting and as a secret",
                    quoted(name)
                )
            })
            .collect()
    }

    fn made_of(self, mut definition: Definition) -> Definition {
        for (name, value) in self.settings {
            match value {
                // A field is a setting or a secret.
                Some(value) => {
                    definition.secrets.remove(&name);
                    definition.settings.insert(name, value)
                }
                None => definition.settings.shift_remove(&name),
            };
        }
        for (name, source) in self.secrets {
            match source {
                Some(source) => {
                    definition.settings.shift_remove(&name);
                    definition.secrets.insert(name, source)
                }
                None => definition.secrets.remove(&name),
            };
        }
        definition.enabled = self.enabled.unwrap_or(definition.enabled);
        definition.default = self.default.unwrap_or(definition.default);
        definition.auth = self.auth.unwrap_or(definition.auth);
        definition.check_every = self.check_every.unwrap_or(definition.check_every);
        definition
    }
}

impl Definition {
    /// As people and programs may read it: of a secret only where it is.
    pub fn shown(&self) -> Map<String, Value> {
        let secrets = self.secrets.iter().map(|(field, source)| {
            let shown = source.reference();
            let shown = shown.unwrap_or_else(|| MASKED.to_owned());
            (field.clone(), Value::from(shown))
        });
        // A setting that is called like a secret probably is one.
        let settings = self.settings.iter().map(|(name, value)| {
            let hidden = is_sensitive_name(name) && value.is_string();
            let shown = if hidden { MASKED.into() } else { value.clone() };
            (name.clone(), shown)
        });
        let mut shown = Map::new();
        shown.insert("connector".into(), (&*self.id.connector).into());
        shown.insert("name".into(), (&*self.id.name).into());
        shown.insert("from".into(), self.from.name().into());
        shown.insert("enabled".into(), self.enabled.into());
        shown.insert("default".into(), self.default.into());
        shown.insert("settings".into(), Value::Object(settings.collect()));
        shown.insert("secrets".into(), Value::Object(secrets.collect()));
        shown.insert("auth".into(), self.auth.clone().into());
        let every = self.check_every.map(|every| every.as_secs());
        shown.insert("check_seconds".into(), every.into());
        shown
    }
}

impl Written {
    /// The name used in listings.
    pub const fn name(self) -> &'static str {
        match self {
            Written::File => "file",
            Written::Store => "store",
        }
    }
}

#[cfg(test)]
#[path = "keeping_tests.rs"]
mod tests;
