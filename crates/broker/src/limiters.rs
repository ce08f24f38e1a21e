//! The limits of all connectors, shared by the calls of this process. They outlive changes of the
//! catalogue, and a reload that does not change their settings.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::Refusal;

use crate::connectors::LimitsState;
use crate::layers::breaker::Breaker;
use crate::layers::places::Places;
use crate::layers::rate::Bucket;
use crate::layers::retry::Budget;
use crate::metrics::Metrics;
use crate::policy::{Policies, PolicyTable, RETRY_BUDGET};

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
    /// There where calls may be tried again.
    pub(crate) retries: Option<Arc<Budget>>,
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
    fn new(
        scope: &Scope,
        table: &PolicyTable,
        budget: Option<u8>,
        old: Option<&Limits>,
        metrics: &Metrics,
    ) -> Limits {
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
            retries: budget.map(|percent| {
                let same = old.retries.filter(|old| old.percent == percent);
                same.unwrap_or_else(|| Arc::new(Budget::new(percent, metrics.retries(scope))))
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
            retries: own.retries.or(shared.retries),
        }
    }

    /// For how long an open breaker lets nothing through.
    pub(crate) fn breaker_left(&self) -> Duration {
        let left = self.breaker.as_ref().map(|breaker| breaker.left());
        left.unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        let Limits {
            rate,
            places,
            breaker,
            retries,
        } = self;
        rate.is_none() && places.is_none() && breaker.is_none() && retries.is_none()
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

    /// Those of a connector that has a policy.
    pub(crate) fn connector(&self, name: &str) -> Option<&OfConnector> {
        self.0.get(name)
    }

    /// All of them as they are, each with whose it is.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Scope, LimitsState)> {
        self.0.iter().flat_map(|(name, of)| {
            let own = of
                .own
                .iter()
                .map(move |(command, limits)| (Scope::new(name, Some(command)), limits.state()));
            let shared = (Scope::new(name, None), of.shared.state());
            std::iter::once(shared).chain(own)
        })
    }

    /// Those that count for a command. `retries`: its calls may be tried again.
    pub(crate) fn of(&self, connector: &str, command: &str, retries: bool) -> Limits {
        let Some(of) = self.0.get(connector) else {
            return Limits::default();
        };
        let mut limits = match of.own.get(command) {
            Some(own) => own.or(&of.shared),
            None => of.shared.clone(),
        };
        limits.retries = limits.retries.filter(|_| retries);
        limits
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
        let own = |(command, table): (&String, &PolicyTable)| {
            let scope = Scope::new(name, Some(command));
            let retries = policies.of(command).retries > 0;
            let budget = table.retry_budget.filter(|_| retries);
            let old = old.and_then(|old| old.own.get(command));
            let limits = Limits::new(&scope, table, budget, old, metrics);
            (!limits.is_empty()).then(|| (command.clone(), limits))
        };
        let (scope, table) = (Scope::new(name, None), &policies.connector);
        let budget = policies.shares_a_budget();
        let budget = budget.then(|| table.retry_budget.unwrap_or(RETRY_BUDGET));
        OfConnector {
            shared: Limits::new(&scope, table, budget, old.map(|old| &old.shared), metrics),
            own: policies.commands.iter().filter_map(own).collect(),
        }
    }
}
