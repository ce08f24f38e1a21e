//! The profiles of one connector, as its calls find them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use crosspoint_core::{Call, Failure, Fields, nearest, shorten};

use super::ProfileId;
use super::checked::Checked;
use super::choice::Choice;
use super::connections::Sources;

/// The profiles of one connector. A call looks at them without waiting for anybody.
pub(crate) struct Held {
    pub(super) connector: Arc<str>,
    pub(super) fields: Fields,
    pub(super) sources: Arc<Sources>,
    pub(super) now: ArcSwap<Usable>,
}

/// What there is at a moment.
pub(super) struct Usable {
    pub(super) all: BTreeMap<Arc<str>, Arc<Checked>>,
    /// The one that is used by default, if there is one.
    pub(super) default: Option<Arc<Checked>>,
    /// What the environment and the defaults give, where there is no profile.
    pub(super) bare: Arc<Checked>,
    /// What is odd about all of them together, a sentence without an end each.
    pub(super) oddities: Vec<String>,
    /// The same for calls of variants, by their names.
    pub(super) variants: BTreeMap<Arc<str>, Varied>,
}

/// What there is for the calls of a variant.
pub(super) struct Varied {
    /// The profile that its calls name.
    pub(super) profile: Option<String>,
    pub(super) usable: Usable,
}

/// The profile that a call wants.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted<'c> {
    /// The one that it names.
    pub(crate) named: Option<&'c str>,
    /// The one that it was given when it came in.
    pub(crate) before: Option<&'c str>,
    /// The variant of the connector that it calls.
    pub(crate) variant: Option<&'c str>,
}

// === impl Wanted ===

impl<'c> Wanted<'c> {
    /// What a call says itself.
    pub(crate) fn by(call: &'c Call) -> Wanted<'c> {
        Wanted {
            named: call.profile.as_deref(),
            before: call.given_profile.as_deref(),
            variant: call.variant.as_deref(),
        }
    }

    /// The profile of that name.
    pub(crate) fn named(name: Option<&'c str>) -> Wanted<'c> {
        Wanted {
            named: name,
            ..Wanted::default()
        }
    }
}

// === impl Held ===

impl Held {
    /// The profile with which a call runs: the one it names; else that of its variant; else the one it
    /// was given when it came in; else the default one. `given`: which fields the call itself gives.
    ///
    /// Fails with everything that is wrong with it, before anything is done.
    pub(crate) fn choose(
        &self,
        wanted: Wanted<'_>,
        given: &dyn Fn(&str) -> bool,
    ) -> Result<Choice, Failure> {
        let now = self.now.load();
        let varied = wanted.variant.and_then(|name| now.variants.get(name));
        let own = varied.and_then(|varied| varied.profile.as_deref());
        let (named, now) = (
            wanted.named.or(own),
            varied.map_or(&**now, |varied| &varied.usable),
        );
        if self.fields.is_none() && named.is_none() {
            return Ok(Choice::None);
        }
        let found = match named.or(wanted.before) {
            Some(name) => self.find(now, name)?,
            None => now.default.as_ref().unwrap_or(&now.bare),
        };
        found.usable(given)?;
        if found.is_nothing() {
            return Ok(Choice::None);
        }
        Ok(Choice::of(
            found.clone(),
            named.is_some(),
            self.fields.apart,
            self.sources.clone(),
        ))
    }

    fn find<'n>(&self, now: &'n Usable, asked: &str) -> Result<&'n Arc<Checked>, Failure> {
        let connector = &self.connector;
        let name = match asked.split_once('/') {
            Some((own, name)) if *own == **connector => name,
            Some((other, _)) => {
                let (asked, other) = (shorten(asked), shorten(other));
                let message = format!(
                    "profile {asked} is one of {other}, and the call is one of {connector}"
                );
                return Err(Failure::profile("profile_not_found", message));
            }
            None => asked,
        };
        now.all.get(name).ok_or_else(|| {
            let known = now.all.keys().map(|name| &**name);
            let near = nearest(name, known.clone());
            let (name, known): (_, Vec<_>) = (shorten(name), known.collect());
            let hint = match (&near[..], &known[..]) {
                _ if self.fields.is_none() => format!("{connector} takes no profiles"),
                ([], []) => format!("make it: crosspoint profile set {connector}/NAME …"),
                ([], known) => format!("there is {}", known.join(", ")),
                (near, _) => format!("did you mean {}?", near.join(", ")),
            };
            let message = format!("{connector} has no profile '{name}'; {hint}");
            Failure::profile("profile_not_found", message)
        })
    }

    /// Whether values of a profile have changed since this was asked the last time.
    pub(super) fn has_turned(&self) -> bool {
        let now = self.now.load();
        let variants = now.variants.values().map(|varied| &varied.usable);
        let all = std::iter::once(&**now).chain(variants);
        let all = all.flat_map(|usable| usable.all.values());
        // Every one of them is asked.
        all.filter(|checked| checked.has_turned()).count() > 0
    }

    /// The enabled profiles that are checked now and then, with how often: `often` where they do not say
    /// so themselves. Where there is no profile, that is the connector's, under an empty name.
    pub(super) fn checked_by_itself(&self, often: Option<Duration>) -> Vec<(ProfileId, Duration)> {
        let now = self.now.load();
        let definitions = now.all.values().filter_map(|c| c.definition.as_ref());
        let enabled = definitions.filter(|definition| definition.enabled);
        let profiles = enabled.filter_map(|definition| {
            Some((definition.id.clone(), definition.check_every.or(often)?))
        });
        let bare = often.filter(|_| now.all.is_empty());
        let bare = bare.map(|every| (ProfileId::new(self.connector.clone(), ""), every));
        profiles.chain(bare).collect()
    }

    /// Whether there is a profile of that name; by an empty one, whether there is none at all.
    pub(super) fn has(&self, name: &str) -> bool {
        let now = self.now.load();
        match name.is_empty() {
            true => now.all.is_empty(),
            false => now.all.contains_key(name),
        }
    }

    /// What is wrong with its profiles, a sentence each, for people.
    pub(super) fn problems(&self) -> Vec<String> {
        let now = self.now.load();
        let mut problems = now.oddities.clone();
        for (name, varied) in &now.variants {
            problems.extend(self.problems_of(name, varied));
        }
        for checked in now.all.values() {
            let enabled = checked.definition.as_ref().is_some_and(|d| d.enabled);
            if let Some(failure) = checked.usable(&|_| false).err().filter(|_| enabled) {
                problems.push(failure.message);
            }
            let warnings = checked.warnings.iter();
            problems.extend(warnings.map(|warning| format!("{}: {warning}", checked.title())));
        }
        problems
    }

    /// What is wrong with the profile that the calls of a variant run with.
    fn problems_of(&self, variant: &str, varied: &Varied) -> Vec<String> {
        let usable = &varied.usable;
        let found = match &varied.profile {
            Some(name) => self.find(usable, name),
            None => Ok(usable.default.as_ref().unwrap_or(&usable.bare)),
        };
        match found {
            Err(failure) => vec![format!("{variant}: {}", failure.message)],
            Ok(checked) => {
                let failure = checked.usable(&|_| false).err();
                let warnings = checked.warnings.iter();
                let warnings = warnings.map(|warning| format!("{}: {warning}", checked.title()));
                failure
                    .map(|failure| failure.message)
                    .into_iter()
                    .chain(warnings)
                    .collect()
            }
        }
    }
}
