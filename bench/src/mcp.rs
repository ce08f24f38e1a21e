//! The row about MCP servers: the hop over standard input and output beside a raw pipe echo.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::connection::Target;
use crate::measure::{LINE, interleaved, without_upstream};
use crate::programs::Programs;
use crate::python::{Python, served_with};
use crate::rows::{Row, Target as Goal};
use crate::run::Pace;

/// Everything that is measured about MCP servers.
pub(crate) async fn rows(
    programs: &Programs,
    pace: &Pace,
    python: &Python<'_>,
) -> Result<Vec<Row>> {
    Ok(vec![hop(programs, pace, python).await?])
}

/// What the way to a server and back adds to a call.
async fn hop(programs: &Programs, pace: &Pace, python: &Python<'_>) -> Result<Row> {
    let script = python.folder.join("mcp_server.py");
    let command = json!([python.interpreter, script]);
    let table = format!("[connectors.bench]\nmcp = {command}\n");
    let crosspoint = served_with(programs, &table).await?;
    let url = format!("{}/v1/do/bench/Echo", crosspoint.url);
    let echo = Target::post(&url, json!({ "text": LINE }).to_string())?.expecting(LINE);
    let subjects = [echo, without_upstream(&crosspoint)?];
    let seen = interleaved(programs, pace, 1, &subjects, "hop to an MCP server").await?;
    let mut raw = PipeEcho::start(python)?;
    let mut pairs = Vec::new();
    for round in &seen {
        pairs.push((round[0].p50_us - round[1].p50_us, raw.p50(pace).await?));
    }
    let row = Row::new(
        "hop to an MCP server, p50",
        "µs",
        "raw pipe echo, p50",
        &pairs,
    );
    Ok(row
        .how("p50 of a trivial tool less p50 of logging/Write; 1 connection; both ends in Python")
        .target(Goal::RatioAtMost(5.0)))
}

/// A Python process that writes back each line.
struct PipeEcho {
    _child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

// === impl PipeEcho ===

impl PipeEcho {
    fn start(python: &Python<'_>) -> Result<PipeEcho> {
        let mut child = Command::new(python.interpreter)
            .arg(python.folder.join("pipe_echo.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the echo")?;
        let stdin = child.stdin.take().context("writing to the echo")?;
        let stdout = child.stdout.take().context("reading from the echo")?;
        Ok(PipeEcho {
            _child: child,
            stdin,
            stdout: BufReader::new(stdout),
        })
    }

    /// Microseconds of a line of about the size of a call.
    async fn p50(&mut self, pace: &Pace) -> Result<f64> {
        let mut seen = Histogram::<u64>::new(3).context("making a histogram")?;
        let mut line = vec![b'x'; 256];
        line.push(b'\n');
        let mut answer = Vec::new();
        let warm = Instant::now() + Duration::from_millis(pace.warm_up);
        let end = warm + Duration::from_millis(pace.duration);
        while Instant::now() < end {
            let sent = Instant::now();
            self.stdin.write_all(&line).await.context("writing")?;
            answer.clear();
            let read = self.stdout.read_until(b'\n', &mut answer).await;
            read.context("reading")?;
            if sent > warm {
                seen.record(sent.elapsed().as_nanos() as u64)?;
            }
        }
        Ok(seen.value_at_quantile(0.5) as f64 / 1000.0)
    }
}
