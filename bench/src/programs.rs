//! The programs that take part, and how each is started.

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Server;
use crate::{amqp, flood, load};

/// Variables that would change what Crosspoint does, or whom it asks.
const FOREIGN: [&str; 5] = [
    "CROSSPOINT_",
    "CONNECTOR_PROXY_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
];

/// Where the programs are, and a folder for Crosspoint's data and log that goes away in the end.
pub(crate) struct Programs {
    bench: PathBuf,
    crosspoint: PathBuf,
    home: TempDir,
}

// === impl Programs ===

impl Programs {
    /// `crosspoint` is the built binary; the roles are this very program.
    pub(crate) fn new(crosspoint: &Path) -> Result<Programs> {
        Ok(Programs {
            bench: env::current_exe().context("finding this program")?,
            crosspoint: crosspoint
                .canonicalize()
                .with_context(|| format!("finding Crosspoint at {}", crosspoint.display()))?,
            home: tempfile::tempdir().context("making a folder for Crosspoint's data")?,
        })
    }

    /// Starts one of this program's servers.
    pub(crate) async fn server(&self, role: &str) -> Result<Server> {
        let mut command = Command::new(&self.bench);
        command.arg(role);
        Server::start(role, command).await
    }

    /// Starts Crosspoint without a configuration file, as `crosspoint serve` is started first.
    pub(crate) async fn crosspoint(&self) -> Result<Server> {
        self.crosspoint_in(&self.folder()?).await
    }

    /// Starts Crosspoint with a configuration file.
    pub(crate) async fn crosspoint_with(&self, config: &str) -> Result<Server> {
        let folder = self.folder()?;
        std::fs::write(folder.join("crosspoint.toml"), config).context("writing configuration")?;
        self.crosspoint_in(&folder).await
    }

    /// A folder for each server: its data directory is its own, and the one before may still be
    /// ending.
    fn folder(&self) -> Result<PathBuf> {
        let folder = tempfile::tempdir_in(self.home.path()).context("making a folder")?;
        Ok(folder.keep())
    }

    async fn crosspoint_in(&self, folder: &Path) -> Result<Server> {
        let log = folder.join("crosspoint.log");
        let mut command = Command::new(&self.crosspoint);
        for (name, _) in env::vars_os() {
            let upper = name.to_string_lossy().to_uppercase();
            if FOREIGN.iter().any(|prefix| upper.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(folder)
            .stderr(Stdio::from(
                File::create(&log).context("creating Crosspoint's log")?,
            ));
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        Server::start("crosspoint", command)
            .await
            .with_context(said)
    }

    /// Runs a closed loop in a process of its own.
    pub(crate) async fn load(&self, plan: &load::Plan) -> Result<load::Seen> {
        self.report("load", plan.arguments()).await
    }

    /// Starts the bare echo of messages.
    pub(crate) async fn amqp_echo(&self, url: &str) -> Result<Server> {
        let mut command = Command::new(&self.bench);
        command.args(["amqp-echo", "--url", url]);
        Server::start("amqp-echo", command).await
    }

    /// Sends service tasks in a process of its own.
    pub(crate) async fn amqp_load(&self, plan: &amqp::Plan) -> Result<amqp::Seen> {
        self.report("amqp-load", plan.arguments()).await
    }

    /// Runs a burst in a process of its own.
    pub(crate) async fn flood(&self, plan: &flood::Plan) -> Result<flood::Seen> {
        self.report("flood", plan.arguments()).await
    }

    async fn report<T: DeserializeOwned>(&self, role: &str, arguments: Vec<String>) -> Result<T> {
        let output = Command::new(&self.bench)
            .arg(role)
            .args(arguments)
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("running {role}"))?;
        if !output.status.success() {
            bail!(
                "{role} gave up: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("reading what {role} saw"))
    }
}
