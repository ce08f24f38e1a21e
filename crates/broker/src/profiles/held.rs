//! The profiles of one connector, as its calls find them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use crosspoint_core::{Failure, Fields, nearest, shorten};

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
}

// === impl Held ===

impl Held {
    /// The profile with which a call runs: the one it names; else the one it was given when it came in
    /// (`before`); else the default one. `given`: which fields the call itself gives.
    ///
    /// Fails with everything that is wrong with it, before anything is done.
    pub(crate) fn choose(
        &self,
        named: Option<&str>,
        before: Option<&str>,
        given: &dyn Fn(&str) -> bool,
    ) -> Result<Choice, Failure> {
        if self.fields.is_none() && named.is_none() {
            return Ok(Choice::None);
        }
        let now = self.now.load();
        let found = match named.or(before) {
            Some(name) => self.find(&now, name)?,
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
        // Every one of them is asked.
        now.all
            .values()
            .filter(|checked| checked.has_turned())
            .count()
            > 0
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
}
