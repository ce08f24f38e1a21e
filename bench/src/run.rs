//! Starts everything, measures everything, one part after the other.

use std::thread::available_parallelism;

use anyhow::{Context, Result};

use crate::programs::Programs;
use crate::python::{self, Python};
use crate::rows::Report;
use crate::{Options, amqp, ledger, mcp, measure, mounts};

/// How long and how often. Times are milliseconds.
pub(crate) struct Pace {
    pub(crate) rounds: usize,
    pub(crate) warm_up: u64,
    pub(crate) duration: u64,
    pub(crate) in_flight: usize,
}

// === impl Pace ===

impl Pace {
    fn of(quick: bool) -> Pace {
        let (rounds, warm_up, duration) = if quick {
            (3, 200, 500)
        } else {
            (5, 1000, 3000)
        };
        Pace {
            rounds,
            warm_up,
            duration,
            in_flight: 5000,
        }
    }
}

/// Measures `crosspoint` beside the yardsticks. Progress goes to stderr.
pub(crate) async fn run(options: Options) -> Result<Report> {
    let quick = options.quick;
    let pace = Pace::of(quick);
    let programs = Programs::new(&options.crosspoint)?;
    let mut rows = Vec::new();
    rows.extend(
        measure::calls(&programs, &pace)
            .await
            .context("measuring calls per second")?,
    );
    rows.extend(
        measure::latency(&programs, &pace)
            .await
            .context("measuring latency")?,
    );
    rows.extend(
        measure::burst(&programs, &pace)
            .await
            .context("measuring calls in flight")?,
    );
    rows.extend(
        measure::start(&programs, &pace)
            .await
            .context("measuring the start")?,
    );
    rows.extend(
        ledger::cost(&programs, &pace)
            .await
            .context("measuring what the ledger costs")?,
    );
    rows.extend(
        ledger::figures(&options.figures, quick)
            .await
            .context("measuring the ledger")?,
    );
    rows.extend(
        amqp::rows(&programs, &pace)
            .await
            .context("measuring service tasks over RabbitMQ")?,
    );
    rows.push(
        mounts::remote(&programs, &pace)
            .await
            .context("measuring another proxy")?,
    );
    rows.extend(
        mounts::document(&programs, &pace)
            .await
            .context("measuring a large document")?,
    );
    let python = Python {
        interpreter: &options.python,
        folder: &options.python_parts,
    };
    rows.extend(
        python::rows(&programs, &pace, &python)
            .await
            .context("measuring Python connectors")?,
    );
    rows.extend(
        mcp::rows(&programs, &pace, &python)
            .await
            .context("measuring MCP servers")?,
    );
    Ok(Report {
        cores: available_parallelism().context("counting the cores")?.get(),
        quick,
        rounds: pace.rounds,
        rows,
    })
}
