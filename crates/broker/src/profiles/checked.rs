//! A profile as far as it is known without asking anybody: checked against what its connector
//! declares, and filled up from the environment and the defaults.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crosspoint_core::{Failure, Fields, Parameter, Profile};
use serde_json::Value;

use super::connections::Sources;
use super::fields::{from_text, quoted, secret, secret_value, setting, variable};
use super::{Definition, Source, Written};

/// What a profile is checked against.
pub(super) struct Ground<'g> {
    pub(super) connector: &'g str,
    pub(super) fields: &'g Fields,
    pub(super) environment: &'g HashMap<String, String>,
    /// Which field the token of its auth fills, if it has one.
    pub(super) token: Option<String>,
}

/// A profile that was checked.
pub(super) struct Checked {
    /// None: what the environment and the defaults give, where there is no profile.
    pub(super) definition: Option<Definition>,
    pub(super) values: Vec<Known>,
    pub(super) follows: Vec<Follow>,
    /// Which field the token of its auth fills.
    pub(super) token: Option<String>,
    /// What it lacks: required fields, each with the variable that would give it.
    missing: Vec<(String, String)>,
    /// What is wrong with it, a sentence without an end each.
    mistakes: Vec<String>,
    /// What works but is probably not meant.
    pub(super) warnings: Vec<String>,
    connector: Arc<str>,
    /// What it comes to, where nothing can change: by default, and by name.
    pub(super) settled: [OnceLock<Arc<Profile>>; 2],
    /// What it came to last, without the token.
    last: Mutex<Option<Arc<Profile>>>,
    /// Whether that was something else than the time before, and nobody was told.
    turned: AtomicBool,
}

/// A field whose value is known.
#[derive(PartialEq)]
pub(super) struct Known {
    pub(super) field: String,
    pub(super) value: Value,
    pub(super) secret: bool,
}

/// A field whose value is elsewhere.
pub(super) struct Follow {
    pub(super) field: String,
    pub(super) source: Source,
    /// How it is declared, if it is.
    pub(super) declared: Option<Parameter>,
}

// === impl Checked ===

impl Checked {
    pub(super) fn new(definition: Option<Definition>, ground: Ground<'_>) -> Checked {
        let mut checked = Checked {
            values: Vec::new(),
            follows: Vec::new(),
            token: ground.token.clone(),
            missing: Vec::new(),
            mistakes: Vec::new(),
            warnings: Vec::new(),
            connector: ground.connector.into(),
            settled: Default::default(),
            last: Mutex::default(),
            turned: AtomicBool::new(false),
            definition: None,
        };
        if let Some(definition) = &definition {
            checked.take_settings(definition, ground.fields);
            checked.take_secrets(definition, ground.fields);
        }
        if let Some(token) = ground
            .token
            .as_ref()
            .filter(|name| !ground.fields.takes(name))
        {
            let clause =
                "is not known, and the token of its auth fills it: set token_field of the auth";
            checked.mistake(token, clause);
        }
        checked.fill_up(definition.as_ref(), &ground);
        checked.definition = definition;
        checked
    }

    fn take_settings(&mut self, definition: &Definition, fields: &Fields) {
        for (name, value) in &definition.settings {
            if definition.secrets.contains_key(name) {
                self.mistake(name, "is set twice: as a setting and as a secret");
                continue;
            }
            match setting(fields, name, value) {
                Ok(Some((value, secret))) => self.knows(name, value, secret),
                Ok(None) => {}
                Err(clause) => self.mistake(name, &clause),
            }
            self.look_at(name, fields);
        }
    }

    fn take_secrets(&mut self, definition: &Definition, fields: &Fields) {
        for (name, source) in &definition.secrets {
            let declared = match secret(fields, name) {
                Ok(declared) => declared,
                Err(clause) => {
                    self.mistake(name, &clause);
                    continue;
                }
            };
            self.look_at(name, fields);
            match source {
                Source::Value(text) => match secret_value(declared, text.expose()) {
                    Ok(value) => self.knows(name, value, true),
                    Err(clause) => self.mistake(name, &clause),
                },
                elsewhere => self.follows.push(Follow {
                    field: name.clone(),
                    source: elsewhere.clone(),
                    declared: declared.cloned(),
                }),
            }
        }
    }

    /// What the profile does not give, the environment or the default may.
    fn fill_up(&mut self, definition: Option<&Definition>, ground: &Ground<'_>) {
        let written = |name: &str| {
            definition.is_some_and(|definition| {
                let blank = |value: &Value| value.is_null() || value == "";
                let set = definition.settings.get(name);
                set.is_some_and(|value| !blank(value)) || definition.secrets.contains_key(name)
            })
        };
        for field in &ground.fields.declared {
            let name = &field.name;
            if written(name) || ground.token.as_ref() == Some(name) {
                continue;
            }
            let variable = variable(ground.connector, name);
            let text = ground.environment.get(&variable).map(String::as_str);
            match from_text(field, text.unwrap_or_default()) {
                Ok(Some(value)) => self.knows(name, value, field.secret),
                Ok(None) => match field.default() {
                    Some(default) => self.knows(name, default.clone(), field.secret),
                    None if field.required => self.missing.push((name.clone(), variable)),
                    None => {}
                },
                Err(clause) => {
                    let mistake = format!("the environment variable {variable} {clause}");
                    self.mistakes.push(mistake);
                }
            }
        }
    }

    fn knows(&mut self, name: &str, value: Value, secret: bool) {
        self.values.push(Known {
            field: name.to_owned(),
            value,
            secret,
        });
    }

    fn mistake(&mut self, name: &str, clause: &str) {
        self.mistakes.push(format!("{} {clause}", quoted(name)));
    }

    /// A connector that declares fields and takes others, too, was probably not asked about this one.
    fn look_at(&mut self, name: &str, fields: &Fields) {
        if !fields.declared.is_empty() && fields.get(name).is_none() {
            let warning = format!("{} is not declared by {}", quoted(name), self.connector);
            self.warnings.push(warning);
        }
    }

    /// Whether it is no profile, and there is no value either.
    pub(super) fn is_nothing(&self) -> bool {
        self.definition.is_none() && self.values.is_empty()
    }

    /// Whether it has a value for a field, or will have one.
    pub(super) fn supplies(&self, name: &str) -> bool {
        self.values.iter().any(|known| known.field == name)
            || self.follows.iter().any(|follow| follow.field == name)
            || self.token.as_deref() == Some(name)
    }

    /// Fails with everything that is wrong with it. `given`: what the call itself gives.
    pub(super) fn usable(&self, given: &dyn Fn(&str) -> bool) -> Result<(), Failure> {
        if self.definition.as_ref().is_some_and(|d| !d.enabled) {
            let message = format!(
                "{} is switched off; {}",
                self.title(),
                self.remedy("--enabled")
            );
            return Err(Failure::profile("profile_disabled", message));
        }
        let missing = self.missing.iter().filter(|(field, _)| !given(field));
        let lacks = missing.map(|(field, variable)| {
            format!(
                "{} has no value (nor has the variable {variable})",
                quoted(field)
            )
        });
        let code = match self.mistakes.is_empty() {
            true => "profile_incomplete",
            false => "profile_invalid",
        };
        let all: Vec<_> = self.mistakes.iter().cloned().chain(lacks).collect();
        if all.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{}: {}; {}",
            self.title(),
            all.join("; "),
            self.remedy("FIELD=… --secret FIELD")
        );
        Err(Failure::profile(code, message))
    }

    /// The profile's own name, if it is one.
    pub(super) fn name(&self) -> Option<Arc<str>> {
        self.definition
            .as_ref()
            .map(|definition| definition.id.name.clone())
    }

    /// How messages name it.
    pub(super) fn title(&self) -> String {
        match &self.definition {
            Some(definition) => format!("profile {}", definition.id),
            None => format!("{} has no profile that is used by default", self.connector),
        }
    }

    fn remedy(&self, change: &str) -> String {
        match &self.definition {
            Some(Definition { id, from, .. }) => match from {
                Written::Store => format!("correct it: crosspoint profile set {id} {change}"),
                Written::File => format!(
                    "correct [connectors.{}.profiles.{}] in the configuration file",
                    id.connector, id.name
                ),
            },
            None => format!(
                "make one: crosspoint profile set {}/NAME {change}",
                self.connector
            ),
        }
    }

    /// What it came to last, for which a connector may keep something open.
    pub(super) fn last(&self) -> Option<Arc<Profile>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    /// Remembers what it comes to, and tells the secrets in it; hands out what is remembered where that
    /// is the same.
    pub(super) fn remember(&self, profile: Profile, sources: &Sources) -> Arc<Profile> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(known) if **known == profile => known.clone(),
            other => {
                self.turned.fetch_or(other.is_some(), Ordering::Relaxed);
                sources.tell(&profile);
                last.insert(Arc::new(profile)).clone()
            }
        }
    }

    /// Whether what it comes to has changed since this was asked the last time.
    pub(super) fn has_turned(&self) -> bool {
        self.turned.swap(false, Ordering::Relaxed)
    }
}
