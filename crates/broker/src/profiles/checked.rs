//! A profile as far as it is known without asking anybody: checked against what its connector
//! declares, and filled up from the environment and the defaults.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crosspoint_core::{Failure, Parameter, Profile};
use serde_json::Value;

use super::connections::Sources;
use super::fields::quoted;
use super::ground::Ground;
use super::{Definition, Source, Written};

/// A profile that was checked.
pub(super) struct Checked {
    /// None: what the environment and the defaults give, where there is no profile.
    pub(super) definition: Option<Definition>,
    pub(super) values: Vec<Known>,
    pub(super) follows: Vec<Follow>,
    /// Which field the token of its auth fills.
    pub(super) token: Option<String>,
    /// What it lacks: required fields, each with the variable that would give it.
    pub(super) missing: Vec<(String, String)>,
    /// What is wrong with it, a sentence without an end each.
    pub(super) mistakes: Vec<String>,
    /// What works but is probably not meant.
    pub(super) warnings: Vec<String>,
    pub(super) connector: Arc<str>,
    variant: Option<Arc<str>>,
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
            variant: ground.variant.map(|variant| variant.name.clone()),
            settled: Default::default(),
            last: Mutex::default(),
            turned: AtomicBool::new(false),
            definition: None,
        };
        checked.take(definition.as_ref(), &ground);
        checked.definition = definition;
        checked
    }

    pub(super) fn knows(&mut self, name: &str, value: Value, secret: bool) {
        self.values.push(Known {
            field: name.to_owned(),
            value,
            secret,
        });
    }

    pub(super) fn mistake(&mut self, name: &str, clause: &str) {
        self.mistakes.push(format!("{} {clause}", quoted(name)));
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
        let title = match &self.definition {
            Some(definition) => format!("profile {}", definition.id),
            None => format!("{} has no profile that is used by default", self.connector),
        };
        match &self.variant {
            Some(variant) => format!("{variant}: {title}"),
            None => title,
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
