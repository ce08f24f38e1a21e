//! How the workers of one Python connector run: its own table over `[python]`, references
//! resolved.

use std::collections::BTreeMap;
use std::time::Duration;

use crosspoint_core::Secret;
use serde_json::Value;

use super::load::Loaded;
use super::mounted::{Entry, Idempotent, PythonSettings};
use super::python::Recycle;

/// The values of a table, references resolved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resolved {
    /// Environment variables.
    pub env: BTreeMap<String, Secret<String>>,
    /// Settings: texts, numbers and booleans.
    pub config: BTreeMap<String, Secret<Value>>,
    /// The key of another proxy.
    pub api_key: Option<Secret<String>>,
}

/// How the workers of one Python connector run.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    /// How many processes, from 1 to 64.
    pub workers: usize,
    /// How many calls at a time in each, from 1 to 1000.
    pub threads: usize,
    /// Which commands are safe to repeat.
    pub idempotent: Idempotent,
    /// The largest answer, in bytes.
    pub max_answer: u64,
    /// How long a start may take.
    pub start_timeout: Duration,
    /// How long a ping may go without answer.
    pub unresponsive_after: Duration,
    /// When a worker is replaced.
    pub recycle: Recycle,
    /// Environment variables, and settings that `config[…]` finds.
    pub values: Resolved,
}

/// How an adapter of Django Automate is hosted.
#[derive(Debug, Clone, PartialEq)]
pub struct Hosting {
    /// Actions that are commands of their own.
    pub actions: Vec<String>,
    /// Whether payloads may hold credentials.
    pub raw_credentials: bool,
    /// How often `connect()` is called as a health check.
    pub check_every: Option<Duration>,
}

// === impl Loaded ===

impl Loaded {
    /// How the connector of that name runs, whether or not there is a table of its own. One that
    /// its table brings gets the environment variables of that table alone, any other those of
    /// `[python]` under them.
    pub fn worker(&self, name: &str) -> Worker {
        self.worker_with(name, &self.python_env)
    }

    /// The same for an adapter of Django Automate, with the variables of `[automate]`; and how it is
    /// hosted.
    pub fn adapter(&self, name: &str) -> (Worker, Hosting) {
        let automate = &self.config.automate;
        let entry = self.config.connectors.mounted.get(name);
        let own = entry.and_then(Entry::adapter).cloned().unwrap_or_default();
        let every = own.check_every.unwrap_or(automate.check_every).0;
        let hosting = Hosting {
            actions: own.actions,
            raw_credentials: own.raw_credentials.unwrap_or(automate.raw_credentials),
            check_every: (!every.is_zero()).then_some(every),
        };
        (self.worker_with(name, &self.automate_env), hosting)
    }

    fn worker_with(&self, name: &str, shared: &BTreeMap<String, Secret<String>>) -> Worker {
        let python = &self.config.python;
        let entry = self.config.connectors.mounted.get(name);
        let plain = PythonSettings::default();
        let own = entry.and_then(Entry::python).unwrap_or(&plain);
        let mut values = self.mounted.get(name).cloned().unwrap_or_default();
        if !matches!(entry, Some(Entry::Python(_) | Entry::Automate(_))) {
            for (variable, value) in shared {
                let variable = values.env.entry(variable.clone());
                variable.or_insert_with(|| value.clone());
            }
        }
        Worker {
            workers: own.workers.unwrap_or(python.workers).into(),
            threads: own.threads.unwrap_or(python.threads).into(),
            idempotent: own.idempotent.clone(),
            max_answer: own.max_answer.0,
            start_timeout: own.start_timeout.0,
            unresponsive_after: own.unresponsive_after.0,
            recycle: own.recycle.or(&python.recycle),
            values,
        }
    }
}
