//! Starts everything, measures everything, one part after the other.

use std::thread::available_parallelism;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::programs::Programs;
use crate::python::{self, Python};
use crate::rows::Report;
use crate::{Options, amqp, ledger, mcp, measure, mounts, tools};

/// What is measured together, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Calls,
    Latency,
    Burst,
    Start,
    LedgerCost,
    Ledger,
    Amqp,
    Python,
    Mcp,
    Tools,
    Remote,
    Document,
}

/// How long and how often. Times are milliseconds.
pub(crate) struct Pace {
    pub(crate) rounds: usize,
    pub(crate) warm_up: u64,
    pub(crate) duration: u64,
    pub(crate) in_flight: usize,
}

// === impl Part ===

impl Part {
    fn what(self) -> &'static str {
        match self {
            Part::Calls => "calls per second",
            Part::Latency => "latency",
            Part::Burst => "calls in flight",
            Part::Start => "the start",
            Part::LedgerCost => "what the ledger costs",
            Part::Ledger => "the ledger",
            Part::Amqp => "service tasks over RabbitMQ",
            Part::Python => "Python connectors",
            Part::Mcp => "MCP servers",
            Part::Tools => "the list of tools",
            Part::Remote => "another proxy",
            Part::Document => "a large document",
        }
    }
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
    let python = Python {
        interpreter: &options.python,
        folder: &options.python_parts,
    };
    let mut rows = Vec::new();
    for part in Part::value_variants() {
        if !options.only.is_empty() && !options.only.contains(part) {
            continue;
        }
        let measured = match part {
            Part::Calls => measure::calls(&programs, &pace).await,
            Part::Latency => measure::latency(&programs, &pace).await,
            Part::Burst => measure::burst(&programs, &pace).await,
            Part::Start => measure::start(&programs, &pace).await,
            Part::LedgerCost => ledger::cost(&programs, &pace).await,
            Part::Ledger => ledger::figures(&options.figures, quick).await,
            Part::Amqp => amqp::rows(&programs, &pace).await,
            Part::Python => python::rows(&programs, &pace, &python).await,
            Part::Mcp => mcp::rows(&programs, &pace, &python).await,
            Part::Tools => tools::rows(&programs, &pace, &python).await,
            Part::Remote => mounts::remote(&programs, &pace, &python).await,
            Part::Document => mounts::document(&programs, &pace).await,
        };
        rows.extend(measured.with_context(|| format!("measuring {}", part.what()))?);
    }
    Ok(Report {
        cores: available_parallelism().context("counting the cores")?.get(),
        quick,
        rounds: pace.rounds,
        rows,
    })
}
