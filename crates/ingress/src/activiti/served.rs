//! Which service tasks are served at a moment: those of definitions, and commands by pattern.

use std::collections::BTreeMap;
use std::sync::Arc;

use crosspoint_broker::Catalogue;

use super::definition::action_id;
use super::names::Naming;
use super::settings::{Bound, Settings};
use super::stand_in::Parameters;
use crate::pattern::matches;

/// A service task that is served, with the queue that its requests come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) bound: Bound,
    pub(crate) exchange: String,
    pub(crate) queue: String,
}

/// What is served, by queue, and what is configured for commands that are not there, for people.
pub(crate) struct Service {
    pub(crate) served: BTreeMap<String, Arc<Served>>,
    pub(crate) unmatched: Vec<String>,
}

// === impl Service ===

impl Service {
    /// Definitions go before patterns: who binds an action means it.
    pub(crate) fn of(settings: &Settings, catalogue: &Catalogue) -> Service {
        let mut served = BTreeMap::new();
        let mut add = |bound: Bound| {
            let exchange = settings.naming.exchange(&bound.implementation);
            let queue = Naming::queue(&exchange, &settings.group);
            let one = Served {
                bound,
                exchange,
                queue: queue.clone(),
            };
            served.entry(queue).or_insert_with(|| Arc::new(one));
        };
        settings.bound.iter().cloned().for_each(&mut add);
        let gone = settings
            .bound
            .iter()
            .filter(|bound| catalogue.find(&bound.command).is_err());
        let gone = gone.map(|bound| {
            let (implementation, command) = (&bound.implementation, &bound.command);
            format!("activiti.definitions: {implementation} runs {command}, which is not there")
        });
        let gone: Vec<_> = gone.collect();
        let mut used = vec![false; settings.serve.len()];
        for entry in catalogue.entries() {
            let (connector, command) = (&*entry.id.connector, &*entry.id.command);
            let names = [
                action_id(connector, command),
                format!("{connector}.{command}"),
            ];
            let mut fits = false;
            for (pattern, used) in settings.serve.iter().zip(&mut used) {
                if names.iter().any(|name| matches(pattern, name)) {
                    (fits, *used) = (true, true);
                }
            }
            if fits {
                let [implementation, _] = names;
                add(Bound {
                    implementation,
                    command: entry.id.clone(),
                    inputs: Vec::new(),
                    outputs: Vec::new(),
                    stand_in: None,
                    variant: None,
                    parameters: Parameters::default(),
                });
            }
        }
        let patterns = settings.serve.iter().zip(used);
        let unmatched = patterns.filter(|(_, used)| !used);
        let unmatched =
            unmatched.map(|(pattern, _)| format!("activiti.serve: no command fits `{pattern}`"));
        Service {
            unmatched: gone.into_iter().chain(unmatched).collect(),
            served,
        }
    }
}
