//! How calls are treated beyond what the ingress says: as it is configured, and as it counts for a
//! command.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::ledger::Bodies;

/// How many of the calls may be retries where nothing else is said, in percent.
pub(crate) const RETRY_BUDGET: u8 = 20;

/// The policies of one connector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// What counts for all its commands. Its limits are shared by them.
    pub connector: PolicyTable,
    /// What counts for single commands, by name, and goes before that. A rate, a concurrency, a
    /// breaker or a retry budget that stands here is a limit of the command's own.
    pub commands: BTreeMap<String, PolicyTable>,
}

/// As much of a policy as one table of the configuration says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyTable {
    /// See [`Policy::timeout`].
    pub timeout: Option<Duration>,
    /// See [`Policy::deadline`].
    pub deadline: Option<Duration>,
    /// See [`Policy::async_after`].
    pub async_after: Option<Duration>,
    /// See [`Policy::key_from_task`].
    pub key_from_task: Option<bool>,
    /// See [`Policy::bodies`].
    pub bodies: Option<Bodies>,
    /// See [`Policy::retries`].
    pub retries: Option<u32>,
    /// See [`Policy::retry_pause`].
    pub retry_pause: Option<Duration>,
    /// How many of the calls of the last 10 s may be retries, in percent; 3 always may.
    pub retry_budget: Option<u8>,
    /// How many calls may begin in a time.
    pub rate: Option<RateLimit>,
    /// How many calls may run at once.
    pub concurrency: Option<Concurrency>,
    /// When a system is left alone.
    pub breaker: Option<CircuitBreaker>,
}

/// How calls of a command are treated. Its limits are with its catalogue entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The longest one attempt may take. None: as long as the deadline allows.
    pub timeout: Option<Duration>,
    /// The longest a call may take in all. None: as the ingress says.
    pub deadline: Option<Duration>,
    /// After how long a call is promised its result by callback, where it has one; zero: at once.
    /// None: never.
    pub async_after: Option<Duration>,
    /// Whether the engine's task is the key of a call that brings none.
    pub key_from_task: bool,
    /// What people may read in the ledger.
    pub bodies: Bodies,
    /// How often a call is tried again that has failed in a way that may pass.
    pub retries: u32,
    /// The pause before the first of them; it doubles.
    pub retry_pause: Duration,
}

/// So many calls in a time, which may all come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many; at least 1.
    pub calls: u32,
    /// In which time.
    pub per: Duration,
}

/// So many calls at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// How many; at least 1.
    pub calls: usize,
    /// How many others may wait for a place.
    pub queue: usize,
}

/// When a system is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitBreaker {
    /// After so many failures, if they are at least half of all calls.
    pub failures: u32,
    /// Within which time.
    pub within: Duration,
    /// For how long at first; doubled each time that the call on probation fails.
    pub pause: Duration,
}

// === impl RateLimit ===

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.per.as_secs() {
            1 => write!(f, "{} calls a second", self.calls),
            60 => write!(f, "{} calls a minute", self.calls),
            3600 => write!(f, "{} calls an hour", self.calls),
            _ => write!(f, "{} calls in {:?}", self.calls, self.per),
        }
    }
}

// === impl Policies ===

impl Policies {
    /// What counts for a command.
    pub(crate) fn of(&self, command: &str) -> Policy {
        let shared = Policy::default().with(&self.connector);
        match self.commands.get(command) {
            Some(own) => shared.with(own),
            None => shared,
        }
    }

    /// Whether calls may be tried again that have no budget of their command's own.
    pub(crate) fn shares_a_budget(&self) -> bool {
        let retries = |table: &PolicyTable| table.retries.is_some_and(|times| times > 0);
        let shares = |table: &PolicyTable| table.retry_budget.is_none() && retries(table);
        retries(&self.connector) || self.commands.values().any(shares)
    }
}

// === impl Policy ===

impl Policy {
    /// What a table says goes before what was there.
    fn with(self, table: &PolicyTable) -> Policy {
        Policy {
            timeout: table.timeout.or(self.timeout),
            deadline: table.deadline.or(self.deadline),
            async_after: table.async_after.or(self.async_after),
            key_from_task: table.key_from_task.unwrap_or(self.key_from_task),
            bodies: table.bodies.unwrap_or(self.bodies),
            retries: table.retries.unwrap_or(self.retries),
            retry_pause: table.retry_pause.unwrap_or(self.retry_pause),
        }
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            timeout: None,
            deadline: None,
            async_after: None,
            key_from_task: false,
            bodies: Bodies::default(),
            retries: 0,
            retry_pause: Duration::from_millis(500),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_own_keys_go_before_those_of_its_connector() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let connector = PolicyTable {
            timeout: seconds(20),
            retries: Some(2),
            key_from_task: Some(true),
            ..PolicyTable::default()
        };
        let own = PolicyTable {
            timeout: seconds(5),
            retries: Some(0),
            ..PolicyTable::default()
        };
        let policies = Policies {
            connector,
            commands: BTreeMap::from([("Quick".to_owned(), own)]),
        };
        let (quick, other) = (policies.of("Quick"), policies.of("Other"));
        assert_eq!((quick.timeout, quick.retries), (seconds(5), 0));
        assert_eq!((other.timeout, other.retries), (seconds(20), 2));
        assert!(quick.key_from_task && other.key_from_task && policies.shares_a_budget());
        assert_eq!(quick.retry_pause, Duration::from_millis(500));
    }
}
