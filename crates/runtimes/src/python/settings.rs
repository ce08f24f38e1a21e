//! How the workers of a connector are run.

use std::time::Duration;

use crate::Idempotent;

/// How the workers of one connector are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many processes. Default 1.
    pub workers: usize,
    /// How many calls a process runs at a time. Default 32; 1 is the way of the reference proxy, for
    /// packages that are not safe for threads.
    pub threads: usize,
    /// How many calls may wait for a free place before further ones are refused as `overloaded`.
    /// Default 1024.
    pub queue: usize,
    /// How long a process may take to load the connector. Default 60 s.
    pub start_timeout: Duration,
    /// How often a process is asked whether it is well. Default 5 s.
    pub ping_every: Duration,
    /// How long it may take to answer that before it is killed. Default 30 s.
    pub unresponsive_after: Duration,
    /// How long after its deadline a call may still run before its process counts as stuck and is
    /// replaced. Default 5 s.
    pub overdue_after: Duration,
    /// When a process is replaced though nothing is wrong with it.
    pub recycle: Recycle,
    /// The largest answer in bytes. Default 10 MiB.
    pub max_answer: usize,
    /// How long a process may take to leave once it was told to, before it is killed. Default 30 s.
    pub patience: Duration,
    /// Which commands may safely be repeated. Default none.
    pub idempotent: Idempotent,
}

/// When a process is replaced though nothing is wrong with it: whichever comes first. Never while
/// threads that the connector started keep it alive. Default: never.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recycle {
    /// After that many calls.
    pub calls: Option<u64>,
    /// After that time.
    pub age: Option<Duration>,
    /// When it holds more than that many bytes of memory.
    pub memory: Option<u64>,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            workers: 1,
            threads: 32,
            queue: 1024,
            start_timeout: Duration::from_secs(60),
            ping_every: Duration::from_secs(5),
            unresponsive_after: Duration::from_secs(30),
            overdue_after: Duration::from_secs(5),
            recycle: Recycle::default(),
            max_answer: 10 * 1024 * 1024,
            patience: Duration::from_secs(30),
            idempotent: Idempotent::None,
        }
    }
}
