//! Runs the SpiffWorkflow example against a Crosspoint of its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::{Workspace, visibly};
use crate::server::{Server, undisturbed};

/// Starts the proxy, runs the process with `python`, and ends the proxy properly.
pub(crate) fn run(workspace: &Workspace, crosspoint: &Path, python: &Path) -> Result<()> {
    let server = Server::start(crosspoint, &workspace.target.join("xtask/example"))?;
    eprintln!("  crosspoint at {}", server.url);
    let mut command = Command::new(python);
    // No byte code: the repository stays as it was.
    command
        .args(["-B", "run.py"])
        .current_dir(workspace.root.join("examples/spiffworkflow"));
    undisturbed(&mut command).env("CROSSPOINT_URL", &server.url);
    visibly(&mut command).with_context(|| format!("crosspoint's log:\n{}", server.log()))?;
    server.stop()
}
