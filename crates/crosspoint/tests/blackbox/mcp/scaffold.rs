//! `crosspoint new mcp`: what it writes runs and is good.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::support::*;
use crate::harness::{self, Setup};

async fn written(lang: &str) -> Setup {
    let setup = Setup::new();
    let ended = setup
        .clone()
        .run(&["new", "mcp", "greeter", "--lang", lang])
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let page = std::fs::read_to_string(setup.path().join("greeter/README.md")).unwrap();
    assert!(!page.contains("{{") && page.contains("mcp = ["), "{page}");
    setup
}

async fn is_good(setup: Setup, command: &[&str]) {
    let arguments = [&["check", "--json", "--"][..], command].concat();
    let ended = setup.run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = harness::json(&ended.stdout);
    assert_eq!(report["commands"], 1);
    let warnings = named(&report, "warning");
    assert!(warnings.is_empty(), "{warnings:?}");
}

async fn run(program: &str, arguments: &[&str], folder: &Path, target: Option<&Path>) {
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).current_dir(folder);
    if let Some(target) = target {
        command.env("CARGO_TARGET_DIR", target);
    }
    let output = harness::output(command).await;
    assert!(output.status.success(), "{program}: {output:?}");
}

#[tokio::test]
async fn a_server_in_python_runs_as_it_is_written() {
    let setup = written("python").await;
    is_good(setup, &[&test_python(), "-B", "greeter/server.py"]).await;
}

#[tokio::test]
async fn a_server_in_typescript_runs_as_it_is_written() {
    let setup = written("typescript").await;
    let folder = setup.path().join("greeter");
    // The same packages as the example's.
    symlink(node("typescript/node_modules"), folder.join("node_modules")).unwrap();
    run("npm", &["run", "build"], &folder, None).await;
    is_good(setup, &["node", "greeter/dist/server.js"]).await;
}

#[tokio::test]
async fn a_server_in_rust_runs_as_it_is_written() {
    let setup = written("rust").await;
    // Kept for the next time: most of it is libraries.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-mcp");
    run(
        "cargo",
        &["build"],
        &setup.path().join("greeter"),
        Some(&target),
    )
    .await;
    let program = target.join("debug/greeter").display().to_string();
    is_good(setup, &[&program]).await;
}

#[tokio::test]
async fn what_is_there_is_left_alone_and_a_name_must_be_one() {
    let setup = written("python").await;
    let again = setup
        .clone()
        .run(&["new", "mcp", "greeter", "--lang", "rust"])
        .await;
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("is there already"), "{again:?}");
    let wrong = setup.run(&["new", "mcp", "a b", "--lang", "rust"]).await;
    assert!(
        wrong.stderr.contains("cannot name a connector"),
        "{wrong:?}"
    );
}
