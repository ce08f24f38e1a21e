//! Measures Crosspoint beside yardsticks in the same run.
//!
//! One program with several roles, each a process of its own: three servers to compare with, two
//! load generators, and `run`, which starts everything on free loopback ports and measures.
//! `cargo xtask bench` builds this and shows what it found.
#![allow(clippy::print_stdout, clippy::print_stderr)] // the roles report on stdout and stderr

mod amqp;
mod connection;
mod flood;
mod ledger;
mod load;
mod mcp;
mod measure;
mod mounts;
mod process;
mod programs;
mod python;
#[path = "../../crates/crosspoint/tests/blackbox/activiti/server.rs"]
#[allow(
    dead_code,
    reason = "the tests need more of their server than is needed here"
)]
mod rabbit;
mod rows;
mod run;
mod servers;
mod stats;
mod tools;

use std::future::Future;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "crosspoint-bench", about)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Serve small JSON answers: at once at `/`, late at `/slow?ms=1000`
    Upstream,
    /// Serve the yardstick: POST {"url": …} gets that URL and answers its bytes
    Forwarder,
    /// Serve the yardstick that answers what it was sent
    Echo,
    /// Call one URL again and again from a fixed number of connections
    Load(load::Plan),
    /// Send many calls at the same moment and wait for all of them
    Flood(flood::Plan),
    /// Publish every message of a queue again: the yardstick of service tasks
    AmqpEcho(amqp::EchoPlan),
    /// Send service tasks through RabbitMQ and count the answers
    AmqpLoad(amqp::Plan),
    /// Measure everything and print the rows as JSON
    Run(Options),
}

#[derive(clap::Args)]
struct Options {
    /// The built Crosspoint
    #[arg(long)]
    crosspoint: PathBuf,
    /// A Python that has what bench/python/requirements.txt names
    #[arg(long)]
    python: PathBuf,
    /// The folder bench/python
    #[arg(long)]
    python_parts: PathBuf,
    /// The example `figures` of the crate store, built
    #[arg(long)]
    figures: PathBuf,
    /// Short rounds: good for seeing that it works, too noisy to quote
    #[arg(long)]
    quick: bool,
    /// Measure these parts alone; may be given more than once
    #[arg(long)]
    only: Vec<run::Part>,
}

fn main() -> Result<()> {
    match Cli::parse().role {
        Role::Upstream => serve(servers::upstream()),
        Role::Forwarder => serve(servers::forwarder()?),
        Role::Echo => serve(servers::echo()),
        Role::Load(plan) => report(load::run(plan)),
        Role::Flood(plan) => report(flood::run(plan)),
        Role::AmqpEcho(plan) => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("starting the runtime")?
            .block_on(amqp::echo(plan)),
        Role::AmqpLoad(plan) => report(amqp::load(plan)),
        Role::Run(options) => report(run::run(options)),
    }
}

/// Servers use every core, as a deployed one would.
fn serve(router: axum::Router) -> Result<()> {
    raise_file_limit()?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(servers::serve(router))
}

/// Load generators and the orchestrator use one thread, to leave the cores to what is measured.
fn report<T: serde::Serialize>(work: impl Future<Output = Result<T>>) -> Result<()> {
    let found = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(work)?;
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}

/// Thousands of connections need thousands of file descriptors. `run` leaves its own limit alone,
/// so that Crosspoint inherits the usual one and has to raise it by itself.
pub(crate) fn raise_file_limit() -> Result<()> {
    rlimit::increase_nofile_limit(u64::MAX).context("raising the limit of open files")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_load_needs_a_url_and_knows_its_defaults() {
        assert!(Cli::try_parse_from(["bench", "load"]).is_err());
        let cli = Cli::try_parse_from(["bench", "load", "--url", "http://127.0.0.1:1/"]).unwrap();
        let Role::Load(plan) = cli.role else {
            panic!("the role is load")
        };
        assert_eq!(plan.connections, 1);
    }
}
