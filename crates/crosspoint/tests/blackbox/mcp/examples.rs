//! The examples of `examples/mcp`: each is built as its page says, judged, and called.

use std::process::Command;

use serde_json::json;

use super::support::*;
use crate::harness::{self, Setup};

/// Runs a program in a folder, to its end.
async fn build(program: &str, arguments: &[&str], folder: &std::path::Path) {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    let output = harness::output(command).await;
    assert!(output.status.success(), "{program}: {output:?}");
}

/// Judges it with its samples: everything passes, and what can be found out by them is.
async fn is_good(folder: &str, command: &[&str]) {
    let samples = example(folder).join("samples.json").display().to_string();
    let mut arguments = vec!["check", "--json", "--samples", &samples, "--"];
    arguments.extend(command);
    let ended = Setup::new().run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = harness::json(&ended.stdout);
    assert_eq!(named(&report, "failed"), Vec::<String>::new(), "{report:#}");
    assert_eq!(
        named(&report, "warning"),
        Vec::<String>::new(),
        "{report:#}"
    );
    let passed = named(&report, "ok");
    assert!(passed.len() >= 30, "{passed:?}");
    assert!(
        passed.iter().any(|name| name.contains("each sample ends")),
        "{passed:?}"
    );
}

#[tokio::test]
async fn the_one_in_java_is_good() {
    let classes = tempfile::tempdir().unwrap();
    let into = classes.path().display().to_string();
    let source = example("java/Server.java").display().to_string();
    build(
        "javac",
        &["-d", &into, "-cp", "/usr/share/java/*", &source],
        classes.path(),
    )
    .await;
    let jars = ["gson", "commons-validator", "commons-logging"];
    let jars = jars
        .map(|jar| format!("/usr/share/java/{jar}.jar"))
        .join(":");
    is_good(
        "java",
        &["java", "-cp", &format!("{into}:{jars}"), "Server"],
    )
    .await;
}

#[tokio::test]
async fn the_one_in_c_is_good() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["server.c", "Makefile"] {
        std::fs::copy(example("c").join(file), folder.path().join(file)).unwrap();
    }
    build("make", &[], folder.path()).await;
    let program = folder.path().join("server").display().to_string();
    is_good("c", &[&program]).await;
    let proxy = serve(&server("checksums", &[&program])).await;
    let answer = proxy
        .call("checksums/Checksum", json!({"text": "hello"}))
        .await;
    assert_eq!(answer.success(), json!({"checksum": 907060870}));
}

#[tokio::test]
async fn the_one_in_shell_is_good() {
    is_good(
        "shell",
        &[&example("shell/server.sh").display().to_string()],
    )
    .await;
}

#[tokio::test]
async fn the_one_in_typescript_is_good() {
    let script = node("typescript/dist/server.js");
    is_good("typescript", &["node", &script]).await;
    let proxy = serve(&server("workdays", &["node", &script])).await;
    let dates = json!({"from": "2027-01-03", "to": "2026-12-21"});
    let answer = proxy.call("workdays/Count", dates).await;
    assert_eq!(answer.failure(), (200, 400, "WrongDates".to_owned()));
}

#[tokio::test]
async fn the_one_in_python_is_good() {
    let script = example("python/server.py").display().to_string();
    is_good("python", &[&test_python(), "-B", &script]).await;
}
