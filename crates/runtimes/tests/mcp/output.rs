//! What servers write, in the log.

use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};

use crosspoint_core::{CallId, Mask, Mount};
use serde_json::json;

use crate::support::*;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Captured;

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// From here on the log of this process is kept. The tests look for words of their own in it.
fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = tracing_subscriber::fmt()
            .with_writer(|| Captured)
            .with_ansi(false);
        log.with_max_level(tracing::Level::INFO).init();
    });
}

/// The lines of the log that hold a word.
fn lines(word: &str) -> Vec<String> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&log);
    text.lines()
        .filter(|line| line.contains(word) && line.contains("crosspoint::connector"))
        .map(str::to_owned)
        .collect()
}

/// A word that is nowhere else.
fn word() -> String {
    format!("word-{}", CallId::generate())
}

#[tokio::test]
async fn records_and_prints_of_a_server_are_lines_without_its_secrets() {
    capture();
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
    capture();
    let mount = Probe::new("Storm").mount().await;
    let connector = connector(&mount);
    for _ in 0..2 {
        call(&connector, "pid", json!({})).await.unwrap();
    }
    mount.close().await;
    let kept: usize = lines(&"x".repeat(100)).iter().map(String::len).sum();
    assert!(kept > 0 && kept < 8 << 20, "{kept} bytes");
}
