//! The accounts of all connectors: where profiles come from, and what is followed for them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use crosspoint_core::{Failure, Fields, Profile};
use tokio::time::Instant;

use super::held::{Held, Wanted};
use super::usable::has_changed;
use super::{CheckError, CheckResult, Definition, ProfileId, Secrets, Tokens, Variant, Vault};
use crate::cabinet::{Cabinet, Drawer};
use crate::ledger::StoreError;

/// The accounts of all connectors. By default there are none.
#[derive(Default)]
pub struct Connections {
    cabinet: Option<Arc<dyn Cabinet>>,
    pub(super) sources: Arc<Sources>,
    pub(super) environment: HashMap<String, String>,
    pub(super) variants: Vec<Variant>,
    state: Mutex<State>,
}

/// What values are followed to.
#[derive(Default)]
pub(crate) struct Sources {
    pub(super) secrets: Arc<Secrets>,
    pub(super) tokens: Option<Arc<dyn Tokens>>,
    /// Told of secrets before they are used.
    told: Option<Tell>,
}

/// What is told of secrets.
type Tell = Box<dyn Fn(Vec<String>) + Send + Sync>;

#[derive(Default)]
pub(super) struct State {
    pub(super) file: Vec<Definition>,
    pub(super) store: Vec<Definition>,
    /// What could not be read, a sentence each.
    unreadable: Vec<String>,
    /// By the connector's published name.
    pub(super) held: ByConnector,
    /// How the last check of a profile went, as far as is known here; nothing where it could not be
    /// tried. With the time by this process's own clock.
    pub(super) checks: HashMap<ProfileId, (Instant, Option<CheckResult>)>,
}

pub(super) type ByConnector = HashMap<Arc<str>, Arc<Held>>;

// === impl Connections ===

impl Connections {
    /// The profiles and secrets of a cabinet, the secrets of a vault, and the tokens of OAuth, as far
    /// as there are any. What is in the cabinet counts once [`Connections::refresh`] has read it.
    pub fn new(
        cabinet: Option<Arc<dyn Cabinet>>,
        vault: Option<Arc<dyn Vault>>,
        tokens: Option<Arc<dyn Tokens>>,
    ) -> Connections {
        let secrets = Arc::new(Secrets::new(cabinet.clone(), vault));
        Connections::over(cabinet, secrets, tokens)
    }

    /// The same with secrets that others follow, too.
    pub fn over(
        cabinet: Option<Arc<dyn Cabinet>>,
        secrets: Arc<Secrets>,
        tokens: Option<Arc<dyn Tokens>>,
    ) -> Connections {
        Connections {
            cabinet,
            sources: Arc::new(Sources {
                secrets,
                tokens,
                told: None,
            }),
            ..Connections::default()
        }
    }

    /// The same where somebody is told of every secret of a profile before a connector gets it, so that
    /// it can be hidden everywhere. Whoever calls this has not handed the connections on yet.
    pub fn telling(mut self, tell: impl Fn(Vec<String>) + Send + Sync + 'static) -> Connections {
        if let Some(sources) = Arc::get_mut(&mut self.sources) {
            sources.told = Some(Box::new(tell));
        }
        self
    }

    /// The same with the profiles of the configuration file, which win over those of the cabinet.
    pub fn with_file(self, profiles: Vec<Definition>) -> Connections {
        self.state().file = profiles;
        self
    }

    /// The same with the environment variables that give fields which no profile gives.
    pub fn with_environment(mut self, variables: HashMap<String, String>) -> Connections {
        self.environment = variables;
        self
    }

    /// The same with connectors that are called with parameters of their own.
    pub fn with_variants(mut self, variants: Vec<Variant>) -> Connections {
        self.variants = variants;
        self
    }

    /// What keeps profiles and secrets, if anything does.
    pub fn cabinet(&self) -> Option<&Arc<dyn Cabinet>> {
        self.cabinet.as_ref()
    }

    /// Follows references to secrets.
    pub fn secrets(&self) -> &Secrets {
        &self.sources.secrets
    }

    /// The profiles of a connector, which calls choose from. Follows what changes from here on. They
    /// are the same ones as long as the connector takes the same fields.
    pub(crate) fn of(&self, connector: &Arc<str>, fields: &Fields) -> Arc<Held> {
        let mut state = self.state();
        let known = state.held.get(connector);
        if let Some(known) = known.filter(|known| known.fields == *fields) {
            return known.clone();
        }
        let usable = self.usable(&state, connector, fields, None);
        let held = Arc::new(Held {
            connector: connector.clone(),
            fields: fields.clone(),
            sources: self.sources.clone(),
            now: ArcSwap::from_pointee(usable),
        });
        state.held.insert(connector.clone(), held.clone());
        held
    }

    /// What a call of the connector would run with that names no profile, with every value followed.
    pub async fn default_profile(
        &self,
        connector: &str,
        fields: &Fields,
    ) -> Result<Arc<Profile>, Failure> {
        let held = self.of(&connector.into(), fields);
        let choice = held.choose(Wanted::named(None), &|_| false)?;
        Ok(choice.resolve(None).await?.profile)
    }

    /// The same where somebody may follow them already.
    pub(crate) fn known(&self, connector: &Arc<str>, fields: &Fields) -> Arc<Held> {
        let known = self.state().held.get(connector).cloned();
        known.unwrap_or_else(|| self.of(connector, fields))
    }

    /// Reads the profiles of the cabinet, and has every secret read again. Answers with the connectors
    /// of which values changed that were in use.
    pub async fn refresh(&self) -> Result<Vec<Arc<str>>, StoreError> {
        let Some(cabinet) = &self.cabinet else {
            return Ok(Vec::new());
        };
        let items = cabinet.list(Drawer::Profile).await?;
        let (mut store, mut unreadable) = (Vec::new(), Vec::new());
        for item in items {
            let Ok(id) = item.id.parse::<ProfileId>() else {
                continue;
            };
            match Definition::from_kept(id, &item.body) {
                Ok(definition) => store.push(definition),
                Err(error) => unreadable.push(error.to_string()),
            }
        }
        self.sources.secrets.forget();
        let (mut held, mut before) = (Vec::new(), Vec::new());
        {
            let mut state = self.state();
            state.store = store;
            state.unreadable = unreadable;
            for (connector, one) in &state.held {
                let old = one.now.load_full();
                let usable = self.usable(&state, connector, &one.fields, Some(&old));
                one.now.store(Arc::new(usable));
                held.push(one.clone());
                before.push(old);
            }
        }
        let mut changed = Vec::new();
        for (held, before) in held.into_iter().zip(before) {
            if has_changed(&before, &held).await {
                changed.push(held.connector.clone());
            }
        }
        Ok(changed)
    }

    /// The connectors of which values turned out to be others since this was asked the last time: those
    /// of a vault change without a word.
    pub(crate) fn turned(&self) -> Vec<Arc<str>> {
        let held: Vec<_> = self.state().held.values().cloned().collect();
        let turned = held.into_iter().filter(|held| held.has_turned());
        turned.map(|held| held.connector.clone()).collect()
    }

    /// What is wrong with profiles, a sentence each, for people. Nothing else stops for it.
    pub(crate) fn problems(&self) -> Vec<String> {
        let state = self.state();
        let mut problems = state.unreadable.clone();
        problems.extend(state.held.values().flat_map(|held| held.problems()));
        for (id, (_, result)) in &state.checks {
            let there = state
                .held
                .get(&id.connector)
                .is_some_and(|held| held.has(&id.name));
            let error = result.as_ref().and_then(|result| result.error.as_ref());
            if let Some(error) = error.filter(|_| there) {
                let CheckError { code, message } = error;
                problems.push(format!(
                    "profile {id} failed its last check: {code}: {message}"
                ));
            }
        }
        let all = state.file.iter().chain(&state.store);
        let orphans = all.filter(|d| !state.held.contains_key(&d.id.connector));
        problems.extend(orphans.map(|definition| {
            let id = &definition.id;
            format!(
                "profile {id} is of no use: there is no connector {}",
                id.connector
            )
        }));
        problems.sort();
        problems.dedup();
        problems
    }

    /// What is in the file, what is in the cabinet, and what calls choose from.
    pub(super) fn snapshot(&self) -> (Vec<Definition>, Vec<Definition>, ByConnector) {
        let state = self.state();
        (state.file.clone(), state.store.clone(), state.held.clone())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Sources ===

impl Sources {
    pub(super) fn tell(&self, profile: &Profile) {
        if let Some(told) = &self.told {
            told(profile.secrets().collect());
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let ids =
            |list: &[Definition]| -> Vec<_> { list.iter().map(|d| d.id.to_string()).collect() };
        f.debug_struct("Connections")
            .field("file", &ids(&state.file))
            .field("store", &ids(&state.store))
            .finish_non_exhaustive()
    }
}
