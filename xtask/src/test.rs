//! `cargo xtask test`: from a fresh clone to a verdict.

use std::process::Command;

use anyhow::Result;

use crate::cargo::{Workspace, visibly};
use crate::flags::Flags;
use crate::node::{self, Package};
use crate::steps::Steps;
use crate::{Verdict, example, needs, python, schemas, watched};

/// Tells tests that need a Python where one is. It has all of [`REQUIREMENTS`].
const PYTHON: &str = "CROSSPOINT_TEST_PYTHON";

/// Tells the tests of `crosspoint_automate` which program to start.
const BINARY: &str = "CROSSPOINT_TEST_BINARY";

/// The Python packages with tests of their own, and what is on the path of these.
const PACKAGES: [(&str, &str); 3] = [
    ("python/worker", ""),
    ("python/automate-connectors", "python/automate-connectors"),
    (
        "python/crosspoint-automate",
        "python/automate-connectors:python/crosspoint-automate",
    ),
];

/// What the example and the tests need from the package index.
const REQUIREMENTS: [&str; 8] = [
    "examples/cluster/requirements.txt",
    "examples/mcp/python/requirements.txt",
    "examples/spiffworkflow/requirements.txt",
    "crates/connectors/tests/requirements.txt",
    "crates/crosspoint/tests/requirements.txt",
    "python/automate-connectors/tests/requirements.txt",
    "python/crosspoint-automate/tests/requirements.txt",
    "python/worker/tests/requirements.txt",
];

/// Tells tests that need Node packages where they are, a folder for each of [`NODE_PACKAGES`].
const NODE: &str = "CROSSPOINT_TEST_NODE";

const NODE_PACKAGES: [Package; 3] = [
    Package {
        files: &["package.json"],
        folder: "crates/crosspoint/tests/judges",
        name: "judges",
        builds: false,
    },
    Package {
        files: &["package.json"],
        folder: "crates/crosspoint/tests/node",
        name: "others",
        builds: false,
    },
    Package {
        files: &["package.json", "tsconfig.json", "server.ts"],
        folder: "examples/mcp/typescript",
        name: "typescript",
        builds: true,
    },
];

/// Sets up, builds, tests. Without the set-up or the build nothing else is tried.
pub(crate) fn run(flags: &Flags) -> Result<Verdict> {
    let workspace = Workspace::read()?;
    let mut steps = Steps::new();
    match steps.run("what the tests need from the system", needs::provide) {
        Some(None) => {}
        Some(Some(command)) => {
            eprintln!("\nWhat is missing must be installed first, and this user may not.");
            eprintln!("On Debian or Ubuntu:\n\n    {command}\n");
            return Ok(Verdict::NotReady);
        }
        None => return Ok(steps.finish("test")),
    }
    let prepared = steps.run("Python environment", || {
        let requirements = REQUIREMENTS.map(|file| workspace.root.join(file));
        python::environment(&workspace.target.join("xtask/python"), &requirements)
    });
    let packages = steps.run("Node packages", || {
        node::packages(
            &workspace.root,
            &workspace.target.join("xtask/node"),
            &NODE_PACKAGES,
        )
    });
    let built = steps.run("build", || workspace.build_all("crosspoint"));
    let (Some(python), Some(packages), Some(crosspoint)) = (prepared, packages, built) else {
        return Ok(steps.finish("test"));
    };
    steps.run("example: a SpiffWorkflow process", || {
        example::run(&workspace, &crosspoint, &python)
    });
    steps.run("example: several replicas, by their schemas", || {
        schemas::check(&workspace, &python)
    });
    for (package, path) in PACKAGES {
        steps.run(&format!("tests of {package}"), || {
            let tests = format!("{package}/tests");
            let mut test = Command::new(&python);
            // No byte code: the repository stays as it was.
            test.args(["-B", "-m", "unittest", "discover", "-s", &tests])
                .current_dir(&workspace.root)
                .env("PYTHONPATH", path)
                .env(BINARY, &crosspoint);
            visibly(&mut test)
        });
    }
    // Last, so that what cargo says in the end stands right above the summary.
    steps.run("cargo test", || {
        let mut test = workspace.cargo(&["test", "--workspace", "--no-fail-fast"]);
        test.args(&flags.rest)
            .env(PYTHON, &python)
            .env(NODE, &packages);
        watched::run(&mut test, watched::PATIENCE)
    });
    Ok(steps.finish("test"))
}
