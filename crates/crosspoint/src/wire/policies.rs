//! Policies as the broker wants them.

use std::collections::HashMap;

use crosspoint_broker::{CircuitBreaker, Concurrency, Policies, PolicyTable, RateLimit};

use super::ledger;
use crate::config::Loaded;
use crate::config::policy::{KeySource, Policy};

/// How many calls may wait for each place when nothing is configured.
const QUEUE: usize = 10;

/// Those of every connector that the configuration names.
pub fn all(loaded: &Loaded) -> HashMap<String, Policies> {
    let config = &loaded.config;
    let connectors = &config.connectors;
    let names = config.builtin.iter().chain(connectors.mounted.keys());
    let policies = |name: &String| {
        let commands = connectors.commands(name).into_iter();
        let policies = Policies {
            connector: table(&connectors.common(name).1),
            commands: commands
                .map(|(command, own)| (command, table(&own.policy)))
                .collect(),
        };
        (name.clone(), policies)
    };
    names.map(policies).collect()
}

fn table(policy: &Policy) -> PolicyTable {
    PolicyTable {
        timeout: policy.timeout.map(|timeout| timeout.0),
        deadline: policy.deadline.map(|deadline| deadline.0),
        async_after: policy.async_after.map(|after| after.0),
        key_from_task: policy.key.map(|key| key == KeySource::Task),
        bodies: policy.bodies.map(ledger::bodies),
        retries: policy.retries.map(u32::from),
        retry_pause: policy.retry_pause.map(|pause| pause.0),
        retry_budget: policy.retry_budget.map(|share| share.0),
        rate: policy.rate.map(|rate| RateLimit {
            calls: rate.calls,
            per: rate.per(),
        }),
        concurrency: policy.concurrency.map(|calls| {
            let calls = calls as usize;
            let queue = policy.queue.map(|queue| queue as usize);
            Concurrency {
                calls,
                queue: queue.unwrap_or(calls * QUEUE),
            }
        }),
        breaker: policy.breaker.as_ref().map(|breaker| CircuitBreaker {
            failures: breaker.failures,
            within: breaker.within.0,
            pause: breaker.pause.0,
        }),
    }
}
