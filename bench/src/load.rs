//! The closed loop: a fixed number of connections, each sending its next call when it has the
//! answer to the one before.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::connection::{Connection, Target};

/// Latencies are kept in nanoseconds, up to one minute, with three digits.
const LONGEST: u64 = 60_000_000_000;

#[derive(clap::Args, Clone)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Keep-alive connections
    #[arg(long, default_value_t = 1)]
    pub(crate) connections: usize,
    /// Milliseconds of calls that are not counted
    #[arg(long, default_value_t = 1000)]
    pub(crate) warm_up: u64,
    /// Milliseconds of calls that are counted
    #[arg(long, default_value_t = 3000)]
    pub(crate) duration: u64,
}

/// What a closed loop saw.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) calls: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

// === impl Plan ===

impl Plan {
    /// The same as arguments of the role `load`.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = self.target.arguments();
        for (name, value) in [
            ("--connections", self.connections as u64),
            ("--warm-up", self.warm_up),
            ("--duration", self.duration),
        ] {
            arguments.extend([name.to_owned(), value.to_string()]);
        }
        arguments
    }
}

/// Runs the plan. The first wrong answer ends it with an error.
pub(crate) async fn run(plan: Plan) -> Result<Seen> {
    crate::raise_file_limit()?;
    let begin = Instant::now() + Duration::from_millis(plan.warm_up);
    let end = begin + Duration::from_millis(plan.duration);
    let mut loops = JoinSet::new();
    for _ in 0..plan.connections {
        loops.spawn(repeat(plan.target.clone(), begin, end));
    }
    let mut all = histogram()?;
    while let Some(seen) = loops.join_next().await {
        all.add(seen.context("running a loop")??)
            .context("adding up")?;
    }
    ensure!(
        !all.is_empty(),
        "no call ended within {} ms: use a longer duration",
        plan.duration
    );
    Ok(Seen {
        calls: all.len(),
        per_second: all.len() as f64 * 1000.0 / plan.duration as f64,
        p50_us: all.value_at_quantile(0.5) as f64 / 1000.0,
        p99_us: all.value_at_quantile(0.99) as f64 / 1000.0,
    })
}

async fn repeat(target: Target, begin: Instant, end: Instant) -> Result<Histogram<u64>> {
    let mut connection = Connection::open(&target).await?;
    let mut seen = histogram()?;
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(seen);
        }
        connection.call().await?;
        let answered = Instant::now();
        if sent >= begin && answered <= end {
            seen.saturating_record((answered - sent).as_nanos() as u64);
        }
    }
}

fn histogram() -> Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST, 3).context("making a histogram")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers;

    fn plan(target: Target) -> Plan {
        Plan {
            target,
            connections: 4,
            warm_up: 20,
            duration: 200,
        }
    }

    #[tokio::test]
    async fn calls_through_the_forwarder_are_counted() {
        let upstream = servers::started(servers::upstream()).await;
        let forwarder = servers::started(servers::forwarder().unwrap()).await;
        let body = format!(r#"{{"url":"{upstream}/"}}"#);
        let target = Target::post(&forwarder, body)
            .unwrap()
            .expecting(servers::MARK);
        let seen = run(plan(target)).await.unwrap();
        assert!(
            seen.calls > 0 && seen.p50_us > 0.0 && seen.p50_us <= seen.p99_us,
            "{seen:?}"
        );
    }

    #[tokio::test]
    async fn the_upstream_answers_a_post_as_it_answers_a_get() {
        let upstream = servers::started(servers::upstream()).await;
        let target = Target::post(&format!("{upstream}/"), "{}").unwrap();
        let seen = run(plan(target.expecting(servers::MARK))).await.unwrap();
        assert!(seen.calls > 0, "{seen:?}");
    }

    #[tokio::test]
    async fn a_wrong_answer_ends_the_load() {
        let echo = servers::started(servers::echo()).await;
        let target = Target::post(&echo, "{}").unwrap().expecting(servers::MARK);
        let error = run(plan(target)).await.unwrap_err().to_string();
        assert!(error.contains("an answer without"), "{error}");
    }
}
