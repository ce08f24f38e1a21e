//! The limits of all connectors, shared by the calls of this process. They outlive changes of the
//! catalogue, and a reload that does not change their settings.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use crosspoint_core::Refusal;

use crate::layers::breaker::Breaker;
use crate::layers::places::Places;
use crate::layers::rate::Bucket;
use crate::metrics::Metrics;
use crate::policy::{Policies, PolicyTable};

/// Whose limit it is: a connector's, shared by its commands, or a command's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) connector: Arc<str>,
    pub(crate) command: Option<Arc<str>>,
}

/// The limits of a scope, or those that count for a command. A limit that is not configured is not
/// there.
#[derive(Clone, Default)]
pub(crate) struct Limits {
    pub(crate) rate: Option<Arc<Bucket>>,
    pub(crate) places: Option<Arc<Places>>,
    pub(crate) breaker: Option<Arc<Breaker>>,
}

/// All of them, by the connector's published name.
#[derive(Default)]
pub(crate) struct Limiters(BTreeMap<String, OfConnector>);

/// Those of a connector.
#[derive(Default)]
pub(crate) struct OfConnector {
    pub(crate) shared: Limits,
    /// Of commands that have limits of their own.
    pub(crate) own: BTreeMap<String, Limits>,
}

// === impl Scope ===

impl Scope {
    pub(crate) fn new(connector: &str, command: Option<&str>) -> Scope {
        Scope {
            connector: connector.into(),
            command: command.map(Arc::from),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.connector)?;
        match &self.command {
            Some(command) => write!(f, "/{command}"),
            None => Ok(()),
        }
    }
}

// === impl Limits ===

impl Limits {
    /// What a table wants: what there was of it with the same settings, and the rest anew.
    fn new(scope: &Scope, table: &PolicyTable, old: Option<&Limits>, metrics: &Metrics) -> Limits {
        let old = old.cloned().unwrap_or_default();
        let limited = |refusal| metrics.limited(scope, refusal);
        Limits {
            rate: table.rate.map(|limit| {
                let same = old.rate.filter(|old| old.limit == limit);
                same.unwrap_or_else(|| {
                    let refused = limited(Refusal::RateLimited);
                    Arc::new(Bucket::new(limit, scope.clone(), refused))
                })
            }),
            places: table.concurrency.map(|limit| {
                let same = old.places.filter(|old| old.limit == limit);
                same.unwrap_or_else(|| {
                    let refused = limited(Refusal::Overloaded);
                    Arc::new(Places::new(limit, scope.clone(), refused))
                })
            }),
            breaker: table.breaker.map(|settings| {
                let same = old.breaker.filter(|old| old.settings == settings);
                same.unwrap_or_else(|| {
                    let refused = limited(Refusal::CircuitOpen);
                    Arc::new(Breaker::new(settings, scope.clone(), refused))
                })
            }),
        }
    }

    /// These, and where there is none that of `shared`.
    fn or(&self, shared: &Limits) -> Limits {
        let (own, shared) = (self.clone(), shared.clone());
        Limits {
            rate: own.rate.or(shared.rate),
            places: own.places.or(shared.places),
            breaker: own.breaker.or(shared.breaker),
        }
    }

    fn is_empty(&self) -> bool {
        self.rate.is_none() && self.places.is_none() && self.breaker.is_none()
    }
}

// === impl Limiters ===

impl Limiters {
    /// What the policies want. What they want as they did before is that of `old`, with the state
    /// that it is in.
    pub(crate) fn new(
        policies: &HashMap<String, Policies>,
        old: &Limiters,
        metrics: &Metrics,
    ) -> Limiters {
        let of = |(name, policies): (&String, &Policies)| {
            let of = OfConnector::new(name, policies, old.0.get(name), metrics);
            (name.clone(), of)
        };
        Limiters(policies.iter().map(of).collect())
    }

    /// Those that count for a command.
    pub(crate) fn of(&self, connector: &str, command: &str) -> Limits {
        let Some(of) = self.0.get(connector) else {
            return Limits::default();
        };
        match of.own.get(command) {
            Some(own) => own.or(&of.shared),
            None => of.shared.clone(),
        }
    }
}

// === impl OfConnector ===

impl OfConnector {
    fn new(
        name: &str,
        policies: &Policies,
        old: Option<&OfConnector>,
        metrics: &Metrics,
    ) -> OfConnector {
        let shared = old.map(|old| &old.shared);
        let own = |(command, table): (&String, &PolicyTable)| {
            let old = old.and_then(|old| old.own.get(command));
            let limits = Limits::new(&Scope::new(name, Some(command)), table, old, metrics);
            (!limits.is_empty()).then(|| (command.clone(), limits))
        };
        OfConnector {
            shared: Limits::new(
                &Scope::new(name, None),
                &policies.connector,
                shared,
                metrics,
            ),
            own: policies.commands.iter().filter_map(own).collect(),
        }
    }
}
