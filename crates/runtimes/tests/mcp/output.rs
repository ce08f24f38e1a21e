//! What servers write, in the log.

use crosspoint_core::{Mask, Mount};
use serde_json::json;
use tracing::Level;

use crate::common::log::{self, capture, word};
use crate::support::*;

/// The lines of the log that a connector wrote with a word in them.
fn lines(word: &str) -> Vec<String> {
    let mut lines = log::lines(word);
    lines.retain(|line| line.contains("crosspoint::connector"));
    lines
}

#[tokio::test]
async fn records_and_prints_of_a_server_are_lines_without_its_secrets() {
    capture(Level::INFO);
    let mut probe = Probe::new("good");
    probe.server.mask = Mask::new(["configured secret"]);
    let mount = probe.mount().await;
    let connector = connector(&mount);
    let word = word();
    let text = format!("{word} configured secret\x1b[2J");
    let record = json!({"level": "warning", "text": text});
    call(&connector, "log", record).await.unwrap();
    call(&connector, "print", json!({ "text": text }))
        .await
        .unwrap();
    until("all three are there", || lines(&word).len() == 3).await;
    mount.close().await;
    let all = lines(&word);
    for (source, level) in [("parts", "WARN"), ("stdout", "WARN"), ("stderr", "INFO")] {
        let wanted = format!("source=\"{source}\"");
        let found = all.iter().find(|line| line.contains(&wanted)).unwrap();
        assert!(
            found.contains(level) && found.contains("connector=\"probe\""),
            "{found}"
        );
    }
    for line in &all {
        assert!(
            line.contains(&format!("{word} ***")) && !line.contains('\x1b'),
            "{line:?}"
        );
    }
}

#[tokio::test]
async fn a_flood_of_records_does_not_fill_the_log() {
    capture(Level::INFO);
    let mount = Probe::new("Storm").mount().await;
    let connector = connector(&mount);
    for _ in 0..2 {
        call(&connector, "pid", json!({})).await.unwrap();
    }
    mount.close().await;
    let kept: usize = lines(&"x".repeat(100)).iter().map(String::len).sum();
    assert!(kept > 0 && kept < 8 << 20, "{kept} bytes");
}
