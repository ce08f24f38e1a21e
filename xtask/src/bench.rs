//! `cargo xtask bench`: builds for release, measures, shows.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cargo::Workspace;
use crate::flags::Flags;
use crate::steps::Steps;
use crate::{Verdict, python, table};

/// Measures and prints. A missed target is shown in its row and is no failure: on a busy or odd
/// machine it tells nothing about the change at hand.
/// What is after `--` goes to the bench: `--only amqp` measures one part, which is not written into
/// the README.
pub(crate) fn run(flags: &Flags) -> Result<Verdict> {
    let partly = !flags.rest.is_empty();
    ensure!(
        !(partly && flags.has("--write")),
        "--write is for a whole run: the table has a row for everything"
    );
    let workspace = Workspace::read()?;
    let mut steps = Steps::new();
    let built = steps.run("build for release", || {
        // One after the other: built together, Crosspoint would get the bench's features as well.
        Ok((
            workspace.release("crosspoint")?,
            workspace.release("crosspoint-bench")?,
            workspace.release_example("crosspoint-store", "figures")?,
        ))
    });
    let Some((crosspoint, bench, figures)) = built else {
        return Ok(steps.finish("bench"));
    };
    let python = steps.run("Python environment", || {
        let requirements = [workspace.root.join("bench/python/requirements.txt")];
        python::environment(&workspace.target.join("xtask/bench-python"), &requirements)
    });
    let Some(python) = python else {
        return Ok(steps.finish("bench"));
    };
    let measured = steps.run("measure", || {
        let mut command = Command::new(bench);
        command.arg("run").arg("--crosspoint").arg(crosspoint);
        command.arg("--figures").arg(figures);
        command.arg("--python").arg(python);
        command
            .arg("--python-parts")
            .arg(workspace.root.join("bench/python"));
        if flags.has("--quick") {
            command.arg("--quick");
        }
        command.args(&flags.rest);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .context("running the bench")?;
        ensure!(output.status.success(), "the bench gave up");
        serde_json::from_slice::<Value>(&output.stdout).context("reading the bench's result")
    });
    let Some(report) = measured else {
        return Ok(steps.finish("bench"));
    };
    steps.run("write", || write(&workspace, &report, flags.has("--write")));
    if flags.has("--json") {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("\n{}", table::terminal(&report)?);
    }
    Ok(steps.finish("bench"))
}

fn write(workspace: &Workspace, report: &Value, readme: bool) -> Result<()> {
    let path = workspace.target.join("bench.json");
    let text = serde_json::to_string_pretty(report).context("writing JSON")?;
    fs::write(&path, text + "\n").with_context(|| format!("writing {}", path.display()))?;
    eprintln!("  {}", path.display());
    if !readme {
        return Ok(());
    }
    let path = workspace.root.join("README.md");
    let page = fs::read_to_string(&path).context("reading README.md")?;
    match table::replaced(&page, &table::markdown(report)?) {
        Some(page) => fs::write(&path, page).context("writing README.md")?,
        None => eprintln!("  README.md has no place for the table, and stays as it is"),
    }
    Ok(())
}
