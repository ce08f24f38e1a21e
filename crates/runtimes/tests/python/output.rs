//! What connectors write, in the log.

use std::time::Duration;

use crosspoint_core::{Mask, Mount};
use serde_json::json;
use tracing::{Instrument, Level};

use crate::common::log::{capture, lines, word};
use crate::support::*;

#[tokio::test]
async fn what_a_call_prints_is_logged_without_secrets_under_its_id() {
    capture(Level::DEBUG);
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let (word, secret) = (word(), "correct horse");
    let call = new_call(
        "Print",
        &json!({"text": format!("{word} {secret}\nsecond {word}")}).to_string(),
    );
    let id = call.id.to_string();
    let cx = context(&call, Duration::from_secs(120));
    cx.protect(secret);
    let span = tracing::info_span!("call", %id);
    let connector = probe(&mount);
    connector.call(call, &cx).instrument(span).await.unwrap();
    mount.close().await;

    let lines = lines(&word);
    assert_eq!(lines.len(), 4, "{lines:#?}");
    for line in &lines {
        assert!(
            line.contains(&id) && line.contains("connector=\"probe\""),
            "{line}"
        );
        assert!(!line.contains(secret), "{line}");
    }
    assert!(
        lines[0].contains(&format!("{word} ***")) && lines[0].contains("stdout"),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn what_is_written_after_the_call_is_logged_with_its_id() {
    capture(Level::DEBUG);
    let mut zoo = Zoo::new();
    zoo.program.mask = Mask::new(["configured secret"]);
    let mount = zoo.mount().await;
    let word = word();
    let release = zoo.path("release");
    let text = format!("{word} configured secret");
    let call = new_call(
        "PrintAfterwards",
        &json!({"text": text, "until": release}).to_string(),
    );
    let id = call.id.to_string();
    let cx = context(&call, Duration::from_secs(120));
    probe(&mount).call(call, &cx).await.unwrap();
    touch(&release);
    until("the line is in the log", || !lines(&word).is_empty()).await;
    let lines = lines(&word);
    assert!(
        lines[0].contains(&id) && lines[0].contains(&format!("{word} ***")),
        "{lines:#?}"
    );
    mount.close().await;
}

#[tokio::test]
async fn what_c_code_writes_is_logged_and_cannot_forge_a_line() {
    capture(Level::DEBUG);
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let word = word();
    for (fd, source) in [(1, "stdout"), (2, "stderr")] {
        let text = format!("{word} on {source}\x1b[2J\r INFO forged\n");
        call(&probe(&mount), "Write", json!({"text": text, "fd": fd}))
            .await
            .unwrap();
        let wanted = format!("source=\"{source}\"");
        until("the line is in the log", || {
            lines(&word).iter().any(|l| l.contains(&wanted))
        })
        .await;
    }
    for line in lines(&word) {
        assert!(!line.contains('\x1b') && !line.contains('\r'), "{line:?}");
    }
    mount.close().await;
}

#[tokio::test]
async fn a_gigabyte_of_output_neither_stops_the_command_nor_fills_the_log() {
    capture(Level::DEBUG);
    let zoo = Zoo::new();
    let mount = zoo.mount().await;
    let word = word();
    let line = format!("{word} {}\n", "x".repeat(65536 - word.len() - 2));
    let answer = call(
        &probe(&mount),
        "Write",
        json!({"text": line, "times": 16384}),
    )
    .await;
    assert_eq!(body(answer), json!(1 << 30));
    let other = call(&probe(&mount), "Print", json!({"text": "and on it goes"})).await;
    other.unwrap();
    mount.close().await;

    let kept = lines(&word);
    let bytes: usize = kept.iter().map(String::len).sum();
    assert!(
        !kept.is_empty() && bytes < 32 << 20,
        "{} lines, {bytes} bytes",
        kept.len()
    );
    assert!(kept.iter().all(|line| line.len() < 10 * 1024));
    assert!(!lines("came too fast and were dropped").is_empty());
}

#[tokio::test]
async fn a_worker_has_the_environment_that_it_is_given_and_no_other() {
    let mut zoo = Zoo::new();
    zoo.program
        .env
        .push(variable("CRM_URL", "https://crm.example"));
    zoo.program.directory = Some(zoo.folder.path().to_owned());
    zoo.program
        .config
        .insert("CRM_TOKEN".to_owned(), "from the configuration".into());
    let mount = zoo.mount().await;
    let probe = probe(&mount);
    let environment = body(call(&probe, "Environment", json!({})).await);
    assert_eq!(environment["CRM_URL"], "https://crm.example");
    assert!(
        std::env::vars_os().count() > 3,
        "there is nothing to inherit"
    );
    // Python adds LC_CTYPE by itself where no locale is set.
    let names: Vec<_> = environment
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(
        names
            .iter()
            .all(|name| ["PATH", "CRM_URL", "LC_CTYPE"].contains(name)),
        "{names:?}"
    );
    for (name, value) in [
        ("CRM_TOKEN", "from the configuration"),
        ("CRM_URL", "https://crm.example"),
    ] {
        let answer = call(&probe, "Config", json!({"name": name})).await;
        assert_eq!(body(answer), json!(value));
    }
    let directory = zoo.folder.path().canonicalize().unwrap();
    assert_eq!(
        body(call(&probe, "Where", json!({})).await),
        json!(directory)
    );
    mount.close().await;
}
