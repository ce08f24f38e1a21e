//! How calls are treated: the policy of a connector and those of its commands. The comments here
//! are the configuration reference that users read.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::durations::{Delay, Span};
use super::limits::{Rate, Share};

/// The policies of single commands by their names.
pub type Commands = BTreeMap<String, CommandTable>;

/// How the calls of one command are treated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CommandTable {
    /// How the calls of the command are treated. What is set here goes before the policy of its
    /// connector; a `rate`, `concurrency`, `breaker` or `retry_budget` that is set here is the
    /// command's own, and not shared with the others.
    pub policy: Policy,
}

/// How calls are treated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The time of one attempt. When there is none, the deadline alone limits it.
    pub timeout: Option<Span>,

    /// The total time of a call, all attempts together. When there is none, it is that of where
    /// the call came from, such as `spiff.deadline`.
    pub deadline: Option<Span>,

    /// When a call from SpiffArena becomes a long one, if it takes that long: from `0s`, which is
    /// at once, to `24h`, but less than `spiff.deadline`. It is then answered with 202, so that
    /// its task waits in SpiffArena, and the result follows as a callback to the
    /// `spiff__callback_url` that SpiffArena sends with each call (see `spiff.engine_url`). When
    /// there is no such setting, every call is answered while SpiffArena waits. Needs the ledger.
    pub async_after: Option<Delay>,

    /// What tells whether a call from SpiffArena is one that was made before. A repeated call has
    /// no second effect: it gets the answer of the first. When there is no such setting, it is
    /// `header`.
    pub key: Option<KeySource>,

    /// What `crosspoint ledger` shows of the arguments and the result of a call: the parameters of
    /// the service task and its response, as SpiffArena calls them. Secrets are `***` in any case.
    /// When there is no such setting, it is `summary`.
    pub bodies: Option<Bodies>,

    /// How often a call is tried again after a failure that may pass, where trying again does no
    /// harm: the failure had no effect, the command only reads or is idempotent, or the system
    /// behind it knows the call by its key. When there is no such setting, it is 0, since engines
    /// try again by themselves.
    #[schemars(range(min = 0, max = 10))]
    pub retries: Option<u8>,

    /// The pause before the first retry, at most `30s`. It is doubled before each further one, up
    /// to `30s`, and of that a half to the whole is waited. A longer `Retry-After` of the system
    /// wins. No retry begins after the deadline. When there is no such setting, it is `500ms`.
    pub retry_pause: Option<Span>,

    /// How many of the calls of the last 10 seconds may be retries, so that a system that is down
    /// does not get a multiple of its usual load. Three in 10 seconds are always allowed. When
    /// there is no such setting, it is `20%`.
    pub retry_budget: Option<Share>,

    /// How many calls may begin in a time; all of them may come at once. Further ones are answered
    /// with 429 `rate_limited` and `Retry-After`. When there is no such setting, any number.
    pub rate: Option<Rate>,

    /// How many calls may run at once. Further ones wait in a queue. When there is no such
    /// setting, any number.
    #[schemars(range(min = 1, max = 100_000))]
    pub concurrency: Option<u32>,

    /// How many calls may wait for a place of `concurrency`; with 0 none does. Further ones are
    /// answered with 503 `overloaded` and `Retry-After`, one that has waited until its deadline
    /// with 504 `deadline_exceeded`. When there is no such setting, it is ten times
    /// `concurrency`.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub queue: Option<u32>,

    /// The circuit breaker: a system that keeps failing is left alone for a while. When it is open,
    /// calls are answered with 503 `circuit_open` and `Retry-After`. After the pause one call is on
    /// probation: when it succeeds the breaker closes, when it fails the pause begins again, twice
    /// as long, up to `5m`. When there is no such table, there is no breaker; `breaker = {}` is one
    /// with the defaults.
    pub breaker: Option<Breaker>,
}

/// When a system is left alone, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Breaker {
    /// How many calls have to fail for it to open, if they are at least half of all. A call has
    /// failed when the system could not be reached, did not answer in time, or answered 429 or
    /// 500 and above, or when its worker died.
    #[schemars(range(min = 1, max = 10_000))]
    pub failures: u32,

    /// Within which time, from `100ms` to `1h`.
    pub within: Span,

    /// For how long it lets no call through, at most `5m`.
    pub pause: Span,
}

/// What tells whether a call from SpiffArena is one that was made before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// The header `Idempotency-Key`, which SpiffArena itself does not send. Without it every call
    /// is a new one.
    #[default]
    Header,
    /// That header, and where there is none SpiffArena's task id (`spiff__task_id`), which stays
    /// the same when SpiffArena tries a service task again. Needs the ledger.
    Task,
}

/// What the ledger shows of arguments and results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bodies {
    /// Nothing.
    None,
    /// Short arguments that the command declares; of all else the type and the size.
    #[default]
    Summary,
    /// All of them, but for what is very long.
    Full,
}

/// The schema of [`Commands`].
pub fn commands(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$", "format": "command-name" },
        "additionalProperties": generator.subschema_for::<CommandTable>(),
    })
}

// === impl Policy ===

impl Policy {
    /// This one, and what it does not set as in the connector's. A queue goes with its own
    /// concurrency.
    pub fn over(&self, connector: &Policy) -> Policy {
        let places = match self.concurrency {
            Some(_) => self,
            None => connector,
        };
        Policy {
            timeout: self.timeout.or(connector.timeout),
            deadline: self.deadline.or(connector.deadline),
            async_after: self.async_after.or(connector.async_after),
            key: self.key.or(connector.key),
            bodies: self.bodies.or(connector.bodies),
            retries: self.retries.or(connector.retries),
            retry_pause: self.retry_pause.or(connector.retry_pause),
            retry_budget: self.retry_budget.or(connector.retry_budget),
            rate: self.rate.or(connector.rate),
            concurrency: places.concurrency,
            queue: places.queue,
            breaker: self.breaker.clone().or(connector.breaker.clone()),
        }
    }

    /// Whether calls are tried again.
    pub fn retries(&self) -> bool {
        self.retries.is_some_and(|times| times > 0)
    }
}

// === impl Breaker ===

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker {
            failures: 5,
            within: Span::seconds(30),
            pause: Span::seconds(10),
        }
    }
}
