//! A server in a process of its own.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::connection::{Connection, Target};

/// What every server prints when it listens, followed by its address.
const ANNOUNCEMENT: &str = "listening on http://";

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server. Dropping it ends the process.
pub(crate) struct Server {
    child: Child,
    spawned: Instant,
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub(crate) url: String,
}

// === impl Server ===

impl Server {
    /// Starts `command` and waits until it says where it listens.
    pub(crate) async fn start(name: &str, mut command: Command) -> Result<Server> {
        let spawned = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let url = timeout(PATIENCE, announced(&mut lines))
            .await
            .with_context(|| format!("waiting for {name} to listen"))?
            .with_context(|| format!("starting {name}"))?;
        // A full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Server {
            child,
            spawned,
            url,
        })
    }

    /// Time from the start of the process to its first whole answer to a GET of `path`.
    pub(crate) async fn first_answer(&self, path: &str) -> Result<Duration> {
        let target = Target::get(&format!("{}{path}", self.url))?;
        Connection::open(&target).await?.call().await?;
        Ok(self.spawned.elapsed())
    }

    /// Resident memory now, in MiB.
    pub(crate) fn resident(&self) -> Result<f64> {
        self.memory("VmRSS")
    }

    /// The most memory that was ever resident, in MiB.
    pub(crate) fn peak(&self) -> Result<f64> {
        self.memory("VmHWM")
    }

    fn memory(&self, field: &str) -> Result<f64> {
        let id = self.child.id().context("the server has ended")?;
        let path = format!("/proc/{id}/status");
        let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        kibibytes(&status, field).map(|kib| kib / 1024.0)
    }
}

async fn announced(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<String> {
    while let Some(line) = lines.next_line().await.context("reading its output")? {
        if let Some((_, rest)) = line.split_once(ANNOUNCEMENT) {
            let address: String = rest
                .chars()
                .take_while(|c| !c.is_whitespace() && *c != '/')
                .collect();
            ensure!(!address.is_empty(), "it names no address: {line}");
            return Ok(format!("http://{address}"));
        }
    }
    bail!("it ended without saying `{ANNOUNCEMENT}…`")
}

fn kibibytes(status: &str, field: &str) -> Result<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .with_context(|| format!("the status has no {field}"))?;
    let number = line.trim().trim_end_matches("kB").trim();
    number
        .parse()
        .with_context(|| format!("reading {field} `{number}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn memory_is_found_by_its_field() {
        let status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(kibibytes(status, "VmRSS").unwrap(), 1024.0);
        assert!(kibibytes(status, "VmSwap").is_err());
    }

    #[tokio::test]
    async fn the_address_is_read_from_the_announcement() {
        // It stops itself, so that nothing of it changes between two looks at its memory.
        let script = "echo starting; echo 'x listening on http://127.0.0.1:7/ now'; kill -STOP $$";
        let server = Server::start("a script", shell(script)).await.unwrap();
        assert_eq!(server.url, "http://127.0.0.1:7");
        let resident = server.resident().unwrap();
        assert!(server.peak().unwrap() >= resident);
    }

    #[tokio::test]
    async fn a_server_that_ends_at_once_is_named() {
        let error = Server::start("a script", shell("exit 3"))
            .await
            .err()
            .unwrap();
        assert!(
            format!("{error:#}").contains("starting a script: it ended"),
            "{error:#}"
        );
    }
}
