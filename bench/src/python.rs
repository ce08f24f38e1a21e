//! The rows about Python connectors: beside a stand-in for the Flask proxy with as many processes,
//! and beside a raw socket echo.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use crate::connection::{Connection, Target};
use crate::flood;
use crate::measure::{LINE, interleaved, without_upstream};
use crate::process::Server;
use crate::programs::Programs;
use crate::rows::{Row, Target as Goal};
use crate::run::Pace;

/// What the stand-in's processes can be kept busy with, and no queue longer than that.
const CONNECTIONS: usize = 16;

/// Calls at once that wait for a second each.
const SLEEPERS: usize = 200;

/// Where the Python parts of the bench are.
pub(crate) struct Python<'a> {
    /// An interpreter that has Flask and gunicorn.
    pub(crate) interpreter: &'a Path,
    /// `bench/python`.
    pub(crate) folder: &'a Path,
}

/// Everything that is measured about Python.
pub(crate) async fn rows(
    programs: &Programs,
    pace: &Pace,
    python: &Python<'_>,
) -> Result<Vec<Row>> {
    let mut rows = vec![throughput(programs, pace, python).await?];
    rows.push(hop(programs, pace, python).await?);
    rows.push(sleepers(programs, pace, python).await?);
    Ok(rows)
}

/// Calls per second of a trivial command, with three processes on either side.
async fn throughput(programs: &Programs, pace: &Pace, python: &Python<'_>) -> Result<Row> {
    let crosspoint = served(programs, python, 3, 32).await?;
    let standin = standin(python).await?;
    let subjects = [echo(&crosspoint)?, echo(&standin)?];
    let seen = interleaved(programs, pace, CONNECTIONS, &subjects, "Python calls").await?;
    let pairs: Vec<_> = seen
        .iter()
        .map(|s| (s[0].per_second, s[1].per_second))
        .collect();
    let what = format!("trivial Python command, {CONNECTIONS} connections");
    let row = Row::new(what, "calls/s", "stand-in for the Flask proxy", &pairs);
    Ok(row
        .how("3 processes on either side; the stand-in does per call what the reference does")
        .target(Goal::RatioAtLeast(25.0)))
}

/// What the way to Python and back adds to a call.
async fn hop(programs: &Programs, pace: &Pace, python: &Python<'_>) -> Result<Row> {
    let crosspoint = served(programs, python, 1, 32).await?;
    let subjects = [echo(&crosspoint)?, without_upstream(&crosspoint)?];
    let seen = interleaved(programs, pace, 1, &subjects, "hop to Python").await?;
    let mut raw = RawEcho::start(python)?;
    let mut pairs = Vec::new();
    for round in &seen {
        pairs.push((round[0].p50_us - round[1].p50_us, raw.p50(pace).await?));
    }
    let row = Row::new("hop to Python, p50", "µs", "raw socket echo, p50", &pairs);
    Ok(row
        .how("p50 of a trivial Python command less p50 of logging/Write; 1 connection, 1 worker")
        .target(Goal::RatioAtMost(5.0)))
}

/// Calls that wait, many at once.
async fn sleepers(programs: &Programs, pace: &Pace, python: &Python<'_>) -> Result<Row> {
    let crosspoint = served(programs, python, 2, 100).await?;
    let url = format!("{}/v1/do/bench/Sleep", crosspoint.url);
    let target = Target::post(&url, json!({ "seconds": 1.0 }).to_string())?;
    let mut pairs = Vec::new();
    for round in 0..pace.rounds {
        eprintln!("  sleeping calls: round {} of {}", round + 1, pace.rounds);
        let plan = flood::Plan {
            target: target.clone(),
            calls: SLEEPERS,
        };
        let seen = programs.flood(&plan).await?;
        if let Some(failure) = seen.failure {
            anyhow::bail!("{} of {SLEEPERS} answered: {failure}", seen.answered);
        }
        pairs.push((seen.last, 1.0));
    }
    let what = format!("{SLEEPERS} Python calls that sleep 1 s: last answer");
    let row = Row::new(what, "s", "one such call by itself", &pairs);
    Ok(row
        .how("sent at once; 2 workers of 100 threads")
        .target(Goal::ValueAtMost(3.0)))
}

pub(crate) fn echo(server: &Server) -> Result<Target> {
    let url = format!("{}/v1/do/bench/Echo", server.url);
    let target = Target::post(&url, json!({ "text": LINE }).to_string())?;
    Ok(target.expecting(LINE))
}

/// Crosspoint with the bench's connector, once that is there.
async fn served(
    programs: &Programs,
    python: &Python<'_>,
    workers: usize,
    threads: usize,
) -> Result<Server> {
    let package = python.folder.join("packages/connector_bench");
    let table = format!(
        "[python]\ninterpreter = {}\n[connectors.bench]\npython = {}\nworkers = {workers}\n\
         threads = {threads}\n",
        json!(python.interpreter),
        json!(package)
    );
    served_with(programs, &table).await
}

/// Crosspoint with that configuration, once its connectors are there.
pub(crate) async fn served_with(programs: &Programs, table: &str) -> Result<Server> {
    let server = programs.crosspoint_with(table).await?;
    let ready = Target::get(&format!("{}/readyz", server.url))?.expecting("\"problems\":[]");
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = match Connection::open(&ready).await {
            Ok(mut connection) => connection.call().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(_) => return Ok(server),
            Err(error) if Instant::now() > patience => {
                return Err(error.context("waiting for the connector"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

pub(crate) async fn standin(python: &Python<'_>) -> Result<Server> {
    let mut command = Command::new(python.interpreter);
    command
        .args(["-m", "gunicorn", "-c", "gunicorn.conf.py", "standin:app"])
        .env("PYTHONPATH", "packages:.")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(python.folder)
        .stderr(Stdio::null());
    Server::start("the stand-in", command).await
}

/// A Python process that sends back what it gets.
struct RawEcho {
    _child: Child,
    stream: UnixStream,
}

// === impl RawEcho ===

impl RawEcho {
    fn start(python: &Python<'_>) -> Result<RawEcho> {
        let (ours, theirs) = UnixStream::pair().context("making a pair of sockets")?;
        let theirs = theirs.into_std().context("handing a socket over")?;
        theirs.set_nonblocking(false)?;
        let child = Command::new(python.interpreter)
            .arg(python.folder.join("echo.py"))
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
            .kill_on_drop(true)
            .spawn()
            .context("starting the echo")?;
        Ok(RawEcho {
            _child: child,
            stream: ours,
        })
    }

    /// Microseconds of a message of about the size of a call.
    async fn p50(&mut self, pace: &Pace) -> Result<f64> {
        let mut seen = Histogram::<u64>::new(3).context("making a histogram")?;
        let body = [b'x'; 256];
        let mut frame = (body.len() as u32).to_be_bytes().to_vec();
        frame.extend(body);
        let mut answer = vec![0; frame.len()];
        let begun = Instant::now();
        let warm = begun + Duration::from_millis(pace.warm_up);
        let end = warm + Duration::from_millis(pace.duration);
        while Instant::now() < end {
            let sent = Instant::now();
            self.stream.write_all(&frame).await.context("writing")?;
            self.stream
                .read_exact(&mut answer)
                .await
                .context("reading")?;
            if sent > warm {
                seen.record(sent.elapsed().as_nanos() as u64)?;
            }
        }
        Ok(seen.value_at_quantile(0.5) as f64 / 1000.0)
    }
}
