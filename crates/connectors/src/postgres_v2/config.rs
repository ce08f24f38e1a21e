//! Settings of the connector.

use std::time::Duration;

/// Settings of the connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How many connections may be open at once for one connection string. Further calls wait.
    pub max_connections: usize,
    /// How long an idle connection is kept.
    pub idle_time: Duration,
    /// The most rows that a call may answer with; more are an error.
    pub row_limit: usize,
    /// The most that is read from the database for one call, in bytes; more is an error.
    pub max_answer: usize,
    /// How long one statement may run. The call's deadline limits it in any case.
    pub statement_timeout: Option<Duration>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_connections: 8,
            idle_time: Duration::from_secs(60),
            row_limit: 10_000,
            max_answer: 10 * 1024 * 1024,
            statement_timeout: None,
        }
    }
}
