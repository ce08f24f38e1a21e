//! `crosspoint check` on MCP servers.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::support::*;
use crate::harness::{self, Setup};

#[tokio::test]
async fn a_server_is_judged_by_its_command_line_and_by_one_of_its_commands() {
    let python = python3();
    let script = own("server.py");
    let line = [&*python, "-B", "-u", &script, "good"];
    let arguments = [
        &["check", "--json", "--only", "echo", "text=hi", "--"][..],
        &line,
    ]
    .concat();
    let ended = Setup::new().run(&arguments).await;
    assert_eq!(
        ended.code,
        Some(2),
        "a command line and a sample: {ended:?}"
    );
    let arguments = [&["check", "--json", "--only", "echo", "--"][..], &line].concat();
    let ended = Setup::new().run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = harness::json(&ended.stdout);
    assert_eq!(report["commands"], 1);
}

#[tokio::test]
async fn an_address_is_recognised_by_its_answer_to_the_greeting() {
    for kind in ["json", "events"] {
        let mut process = Command::new(python3())
            .args([
                "-B",
                &own("remote.py"),
                "good",
                kind,
                "token=canary-token",
                "no-get",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let url = format!("http://127.0.0.1:{port}/mcp");
        let arguments = [
            "check",
            &url,
            "--only",
            "echo",
            "--api-key-env",
            "MCP_TOKEN",
            "--json",
        ];
        let setup = Setup::new().env("MCP_TOKEN", "canary-token");
        let ended = setup.run(&arguments).await;
        let without = Setup::new().run(&["check", &url, "--as", "mcp"]).await;
        let _ = process.kill();
        let _ = process.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(harness::json(&ended.stdout)["commands"], 1);
        assert_eq!(without.code, Some(2), "{without:?}");
        assert!(without.stderr.contains("it answers 401"), "{without:?}");
    }
}

#[tokio::test]
async fn a_proxy_is_still_a_proxy() {
    let proxy = Setup::new().serve().await;
    let url = proxy.url("");
    let ended = Setup::new()
        .run(&["check", &url, "--only", "logging", "--json"])
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = harness::json(&ended.stdout);
    let passed = named(&report, "ok");
    assert!(
        passed.iter().any(|name| name.contains("liveness")),
        "{passed:?}"
    );
}

#[tokio::test]
async fn a_server_that_cannot_be_judged_is_told() {
    let ended = Setup::new().run(&["check", "--", "no-such-program"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("there is no such program in PATH"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn why_a_server_did_not_start_is_told_in_its_own_last_words() {
    let (python, script) = (python3(), own("server.py"));
    let line = [&*python, "-B", "-u", &script, "gone"];
    let config = format!("[connectors.gone]\nmcp = {line:?}\n");
    let check = [&["check", "--"][..], &line].concat();
    for arguments in [
        &check[..],
        &["check", "gone"],
        &["call", "gone/Any"],
        &["commands"],
    ] {
        let ended = Setup::new().config(&config).run(arguments).await;
        assert!(
            ended
                .stderr
                .contains("ended with exit status 7\n  | I cannot start\n"),
            "{arguments:?}: {ended:?}"
        );
    }
}
