//! All commands that can be called at a moment. Replaced as a whole when a mount changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{
    Auth, Command, CommandId, Connector, Effect, Failure, Kind, Mask, Mounted, Refusal, Tracing,
    is_connector_name, nearest, shorten,
};
use tokio_util::task::TaskTracker;

use crate::broker::Settings;
use crate::limiters::{Limiters, Limits};
use crate::metrics::{CommandMetrics, Metrics};
use crate::mounts::Naming;
use crate::policy::{Policies, Policy};
use crate::profiles::Held;

/// One command that can be called.
pub struct Entry {
    /// What callers write.
    pub id: CommandId,
    /// What it takes and how it behaves.
    pub command: Arc<Command>,
    /// Who runs it.
    pub connector: Arc<dyn Connector>,
    /// Where it comes from, as messages name it.
    pub mounted_by: Arc<str>,
    /// How calls of it are treated.
    pub policy: Policy,
    pub(crate) limits: Limits,
    /// The profiles of its connector.
    pub(crate) profiles: Arc<Held>,
    pub(crate) metrics: CommandMetrics,
    /// The secrets of the configuration.
    pub(crate) mask: Mask,
    pub(crate) tracing: Tracing,
    /// The calls of the mount that are under way. Closed when the mount has been replaced.
    pub(crate) calls: TaskTracker,
}

/// What one mount offers at a moment.
pub(crate) struct Offer {
    pub(crate) naming: Naming,
    pub(crate) mounted: Mounted,
    pub(crate) calls: TaskTracker,
}

/// All commands, by name.
pub struct Catalogue {
    by_connector: BTreeMap<Arc<str>, HashMap<Arc<str>, usize>>,
    entries: Vec<Arc<Entry>>,
    auths: Vec<(CommandId, Auth)>,
    connectors: BTreeMap<Arc<str>, Arc<dyn Connector>>,
    replaced: Vec<String>,
    /// The mounts that have not brought what they should.
    owing: Vec<Owing>,
}

/// A mount that is loading, or could not be loaded.
struct Owing {
    naming: Naming,
    loads: bool,
}

/// Two connectors want one name, or a name is not one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// Two mounts offer the same connector.
    #[error(
        "connector '{name}' comes from {first} and from {second}: give one of them another name"
    )]
    Twice {
        /// The name both want.
        name: String,
        /// The mount that came first.
        first: String,
        /// The mount that came second.
        second: String,
    },
    /// Not `[A-Za-z0-9_-]+`.
    #[error("'{0}' cannot name a connector: use letters, digits, '_' and '-'")]
    Name(String),
}

/// When a connector that is loading may be there.
const SOON: Duration = Duration::from_secs(1);

// === impl Offer ===

impl Offer {
    /// The mount, while more is to come, or when nothing has come.
    fn owing(&self) -> Option<Owing> {
        let (naming, mounted) = (self.naming.clone(), &self.mounted);
        let has_none = |c: &Arc<dyn Connector>| c.manifest().commands.is_empty();
        let loads = !mounted.settled;
        (loads || mounted.connectors.iter().all(has_none)).then_some(Owing { naming, loads })
    }
}

// === impl Catalogue ===

impl Catalogue {
    /// Puts together what the mounts offer. A mounted connector replaces the built-in of its name
    /// as a whole; of any other clash the first one stays, and the error names both.
    pub(crate) fn build(
        offers: &[Offer],
        settings: &Settings,
        limiters: &Limiters,
        metrics: &Metrics,
    ) -> (Catalogue, Vec<Clash>) {
        let mut clashes = Vec::new();
        let mut chosen: BTreeMap<String, (&Offer, &Arc<dyn Connector>)> = BTreeMap::new();
        let mut replaced = Vec::new();
        let offered = offers
            .iter()
            .flat_map(|offer| offer.mounted.connectors.iter().map(move |c| (offer, c)));
        for (offer, connector) in offered {
            let naming = &offer.naming;
            let name = naming.name(&connector.manifest().name);
            if !is_connector_name(&name) {
                clashes.push(Clash::Name(name));
                continue;
            }
            match chosen.get(&name) {
                Some((first, _)) if replaces(naming, &first.naming) => {
                    replaced.push(name.clone());
                }
                Some((first, _)) if !replaces(&first.naming, naming) => {
                    let (first, second) = (first.naming.describe(), naming.describe());
                    clashes.push(Clash::Twice {
                        name,
                        first,
                        second,
                    });
                    continue;
                }
                Some(_) => continue,
                None => {}
            }
            chosen.insert(name, (offer, connector));
        }
        let catalogue = Catalogue {
            replaced,
            owing: offers.iter().filter_map(Offer::owing).collect(),
            ..Catalogue::of(chosen, settings, limiters, metrics)
        };
        (catalogue, clashes)
    }

    fn of(
        chosen: BTreeMap<String, (&Offer, &Arc<dyn Connector>)>,
        settings: &Settings,
        limiters: &Limiters,
        metrics: &Metrics,
    ) -> Catalogue {
        let mut catalogue = Catalogue {
            by_connector: BTreeMap::new(),
            entries: Vec::new(),
            auths: Vec::new(),
            connectors: BTreeMap::new(),
            replaced: Vec::new(),
            owing: Vec::new(),
        };
        for (name, (offer, connector)) in chosen {
            let settings_of: Arc<str> = offer.naming.settings_of(&name).into();
            let policies = settings.policies.get(&*settings_of);
            let mounted_by: Arc<str> = offer.naming.describe().into();
            let name: Arc<str> = name.into();
            for auth in &connector.manifest().auths {
                let id = CommandId::new(name.clone(), auth.name.as_str());
                catalogue.auths.push((id, auth.clone()));
            }
            let profiles = settings
                .connections
                .of(&settings_of, &connector.manifest().fields);
            catalogue.connectors.insert(name.clone(), connector.clone());
            let mut commands: Vec<_> = connector.manifest().commands.iter().collect();
            commands.sort_by(|a, b| a.name.cmp(&b.name));
            let by_name = catalogue.by_connector.entry(name.clone()).or_default();
            for command in commands {
                let id = CommandId::new(name.clone(), command.name.as_str());
                let policy = policies.map_or_else(Policy::default, |p| p.of(&command.name));
                by_name.insert(id.command.clone(), catalogue.entries.len());
                catalogue.entries.push(Arc::new(Entry {
                    metrics: metrics.command(&id),
                    id,
                    command: command.clone(),
                    connector: connector.clone(),
                    mounted_by: mounted_by.clone(),
                    policy,
                    limits: limiters.of(&settings_of, &command.name, policy.retries > 0),
                    profiles: profiles.clone(),
                    mask: settings.mask.clone(),
                    tracing: settings.tracing.clone(),
                    calls: offer.calls.clone(),
                }));
            }
        }
        catalogue
    }

    /// Every command, ordered by connector and name.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// The ways to authorise against the systems behind the connectors, ordered by connector.
    pub fn auths(&self) -> &[(CommandId, Auth)] {
        &self.auths
    }

    /// The connector of that name, also one without commands.
    pub fn connector(&self, name: &str) -> Option<&Arc<dyn Connector>> {
        self.connectors.get(name)
    }

    /// The built-in connectors in whose place mounted ones are called, by name.
    pub fn replaced(&self) -> &[String] {
        &self.replaced
    }

    /// The policies of commands that are not there though their connector is, a sentence each.
    pub(crate) fn misplaced(&self, policies: &HashMap<String, Policies>) -> Vec<String> {
        let mut misplaced = Vec::new();
        for (connector, policies) in policies {
            let Some(there) = self.by_connector.get(&**connector) else {
                continue;
            };
            let unknown = policies
                .commands
                .keys()
                .filter(|c| !there.contains_key(&***c));
            misplaced.extend(unknown.map(|command| {
                let hint = hint(&nearest(command, there.keys().map(|name| &**name)));
                format!(
                    "[connectors.{connector}.commands.{command}] has no effect, since {connector} \
                     has no such command{hint}"
                )
            }));
        }
        misplaced.sort();
        misplaced
    }

    /// Which of these connectors are not there, a sentence each.
    pub(crate) fn missing(&self, expected: &[String]) -> Vec<String> {
        let missing = expected
            .iter()
            .filter(|name| self.connector(name).is_none());
        let sentence = |name: &String| {
            let hint = hint(&nearest(name, self.connectors.keys().map(|known| &**known)));
            format!(
                "[connectors.{name}] has no effect, since there is no connector of that name{hint}"
            )
        };
        missing.map(sentence).collect()
    }

    /// Finds a command, or fails with the nearest names.
    pub fn find(&self, id: &CommandId) -> Result<Arc<Entry>, Failure> {
        let found = self
            .by_connector
            .get(&id.connector)
            .and_then(|c| c.get(&id.command));
        match found {
            Some(index) => Ok(self.entries[*index].clone()),
            None => Err(self.not_yet(id).unwrap_or_else(|| self.not_found(id))),
        }
    }

    /// What may be there in a while is not to be taken for a wrong name, which is final for an engine.
    fn not_yet(&self, id: &CommandId) -> Option<Failure> {
        if self
            .by_connector
            .get(&id.connector)
            .is_some_and(|c| !c.is_empty())
        {
            return None;
        }
        let name = shorten(&id.connector);
        let loading = self.owing.iter().filter(|mount| mount.loads);
        let mut loading = loading.map(|mount| mount.naming.may_publish(&id.connector));
        if loading.any(|may| may != Some(false)) {
            let message =
                format!("connector '{name}' is not ready: GET /readyz says what is loading");
            let mut failure = Failure::refused(Refusal::NotReady, message);
            failure.retry_after = Some(SOON);
            return Some(failure);
        }
        let mut failed = self.owing.iter().filter(|mount| !mount.loads);
        failed
            .any(|mount| mount.naming.may_publish(&id.connector) == Some(true))
            .then(|| {
                let message =
                    format!("connector '{name}' could not be loaded: GET /readyz says why");
                let mut failure = Failure::new(Kind::Crashed, "worker_unavailable", message);
                failure.effect = Effect::None;
                failure
            })
    }

    fn not_found(&self, id: &CommandId) -> Failure {
        let wanted = shorten(&id.to_string());
        let connectors = self.by_connector.keys().map(|name| &**name);
        let message = match self.by_connector.get(&id.connector) {
            None => {
                let near = nearest(&id.connector, connectors.clone());
                let known = if near.is_empty() {
                    connectors.collect()
                } else {
                    near
                };
                let name = shorten(&id.connector);
                format!(
                    "no connector '{name}' ({wanted}); {}",
                    one_of("there is", &known)
                )
            }
            Some(commands) => {
                let names: Vec<String> = self
                    .entries
                    .iter()
                    .filter(|e| e.id.connector == id.connector && commands.len() < 1000)
                    .map(|e| e.id.to_string())
                    .collect();
                let near = nearest(&id.to_string(), names.iter().map(String::as_str));
                format!("no command '{wanted}'; {}", one_of("did you mean", &near))
            }
        };
        Failure::unknown_command(message)
    }
}

/// A mounted connector replaces the built-in one of its name.
fn replaces(second: &Naming, first: &Naming) -> bool {
    *first == Naming::BuiltIn && *second != Naming::BuiltIn
}

/// The nearest names, to be appended to what is misplaced.
fn hint(near: &[&str]) -> String {
    match near {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(", ")),
    }
}

fn one_of(lead: &str, names: &[&str]) -> String {
    match names {
        [] => "see GET /v1/commands or `crosspoint commands`".to_owned(),
        names => format!("{lead} {}", names.join(", ")),
    }
}
