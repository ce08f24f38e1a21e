//! The open burst: many calls sent in the same moment, each on a connection of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connection::{Connection, Target};

/// Connections that are being opened at the same time, below any usual backlog.
const OPENING: usize = 100;

/// When a call counts as lost.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(clap::Args, Clone)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Calls, and connections
    #[arg(long, default_value_t = 5000)]
    pub(crate) calls: usize,
}

/// What a burst saw. Times are seconds since the calls were sent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) answered: usize,
    pub(crate) first: f64,
    pub(crate) last: f64,
    /// Why one of the calls that were not answered was not.
    pub(crate) failure: Option<String>,
}

// === impl Seen ===

impl Seen {
    /// Seconds from the first answer to the last.
    pub(crate) fn spread(&self) -> f64 {
        self.last - self.first
    }
}

// === impl Plan ===

impl Plan {
    /// The same as arguments of the role `flood`.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = self.target.arguments();
        arguments.extend(["--calls".to_owned(), self.calls.to_string()]);
        arguments
    }
}

/// Opens all connections, then sends all calls. Calls that fail are counted, not fatal.
pub(crate) async fn run(plan: Plan) -> Result<Seen> {
    crate::raise_file_limit()?;
    let connections: Vec<Connection> = stream::iter(0..plan.calls)
        .map(|_| Connection::open(&plan.target))
        .buffer_unordered(OPENING)
        .try_collect()
        .await?;
    let barrier = Arc::new(Barrier::new(connections.len()));
    let mut calls = JoinSet::new();
    let sent = Instant::now();
    for mut connection in connections {
        let barrier = Arc::clone(&barrier);
        calls.spawn(async move {
            barrier.wait().await;
            let answer = timeout(PATIENCE, connection.call())
                .await
                .context("waiting too long");
            answer.flatten().map(|()| sent.elapsed().as_secs_f64())
        });
    }
    let mut seen = Seen {
        answered: 0,
        first: f64::INFINITY,
        last: 0.0,
        failure: None,
    };
    while let Some(call) = calls.join_next().await {
        match call.context("running a call")? {
            Ok(at) => {
                seen.answered += 1;
                seen.first = seen.first.min(at);
                seen.last = seen.last.max(at);
            }
            Err(error) => seen.failure = Some(format!("{error:#}")),
        }
    }
    seen.first = seen.first.min(seen.last);
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers;

    #[tokio::test]
    async fn every_call_of_a_burst_is_answered() {
        let upstream = servers::started(servers::upstream()).await;
        let target = Target::get(&format!("{upstream}/slow?ms=30")).unwrap();
        let seen = run(Plan { target, calls: 50 }).await.unwrap();
        assert_eq!((seen.answered, &seen.failure), (50, &None));
        assert!(seen.first > 0.0 && seen.spread() >= 0.0, "{seen:?}");
    }

    #[tokio::test]
    async fn calls_that_fail_are_counted_and_one_reason_is_kept() {
        let upstream = servers::started(servers::upstream()).await;
        let target = Target::get(&format!("{upstream}/nowhere")).unwrap();
        let seen = run(Plan { target, calls: 3 }).await.unwrap();
        assert_eq!((seen.answered, seen.spread()), (0, 0.0));
        assert!(seen.failure.unwrap().contains("404"));
    }
}
