//! `cargo xtask check`: everything that can be said without running the program.

use anyhow::Result;

use crate::Verdict;
use crate::cargo::{Workspace, visibly};
use crate::flags::Flags;
use crate::steps::Steps;
use crate::{arrows, docs};

/// Runs all checks, also after one of them failed: one run shows everything.
pub(crate) fn run(_: &Flags) -> Result<Verdict> {
    let workspace = Workspace::read()?;
    let mut steps = Steps::new();
    steps.run("format", || {
        visibly(&mut workspace.cargo(&["fmt", "--all", "--check"]))
    });
    steps.run("arrows between the crates", || {
        arrows::check(&workspace.metadata)
    });
    steps.run("clippy, warnings denied", || {
        let mut clippy = workspace.cargo(&["clippy", "--workspace", "--all-targets"]);
        visibly(clippy.args(["--", "-D", "warnings"]))
    });
    steps.run("documentation of the code", || {
        let mut doc = workspace.cargo(&["doc", "--workspace", "--no-deps"]);
        visibly(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
    // Builds what `cargo xtask test` is going to need.
    steps.run("generated pages", || {
        docs::check(&workspace, &workspace.build_all("crosspoint")?)
    });
    Ok(steps.finish("check"))
}
