//! Holds the Compose files and the Kubernetes manifests of the examples against the schemas of the
//! Compose specification and of Kubernetes, which the tools bring with them: nothing is downloaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::cargo::{Workspace, visibly};

/// What Compose reads.
const COMPOSE: [&str; 2] = [
    "examples/cluster/compose.yml",
    "examples/spiffarena/compose.override.yml",
];

/// Where what Kubernetes reads is.
const MANIFESTS: &str = "examples/cluster/kubernetes";

/// The oldest and the newest Kubernetes that the manifests are for.
const KUBERNETES: [&str; 2] = ["1.28.0", "1.37.0"];

/// Runs the tools of the environment that `python` belongs to.
pub(crate) fn check(workspace: &Workspace, python: &Path) -> Result<()> {
    let bin = python.parent().context("finding the tools")?;
    let compose = || {
        let mut tool = Command::new(bin.join("check-jsonschema"));
        tool.args(["--builtin-schema", "vendor.compose-spec"]);
        tool
    };
    let kubernetes = |version| {
        let mut tool = Command::new(bin.join("kubernetes-validate"));
        tool.args(["--strict", "--quiet", "-k", version]);
        tool
    };
    let files = COMPOSE.map(|file| workspace.root.join(file));
    visibly(compose().args(&files))?;
    let manifests = manifests(&workspace.root.join(MANIFESTS))?;
    for version in KUBERNETES {
        visibly(kubernetes(version).args(&manifests))?;
    }
    // A tool that finds no fault with anything would have said the same.
    let folder = workspace.target.join("xtask/schemas");
    refuses(compose(), &files[0], ("services:\n", "servces:\n"), &folder)?;
    let deployment = workspace.root.join(MANIFESTS).join("deployment.yaml");
    let misspelt = ("replicas: 3", "replica: 3");
    refuses(kubernetes(KUBERNETES[1]), &deployment, misspelt, &folder)
}

fn manifests(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    ensure!(!files.is_empty(), "{} is empty", folder.display());
    Ok(files)
}

/// Fails unless a tool finds a mistake that is made in a copy of a file.
fn refuses(mut tool: Command, file: &Path, mistake: (&str, &str), folder: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let wrong = text.replacen(mistake.0, mistake.1, 1);
    ensure!(
        wrong != text,
        "{:?} is not in {}",
        mistake.0,
        file.display()
    );
    fs::create_dir_all(folder)?;
    let copy = folder.join("wrong.yaml");
    fs::write(&copy, wrong)?;
    let status = tool
        .arg(&copy)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(
        status.code() == Some(1),
        "{} finds no fault with {:?} in {}",
        tool.get_program().to_string_lossy(),
        mistake.1,
        file.display()
    );
    Ok(())
}
