//! The log of a process of tests.

use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};

use crosspoint_core::CallId;
use tracing::Level;

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
pub fn capture(most: Level) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = tracing_subscriber::fmt()
            .with_writer(|| Captured)
            .with_ansi(false);
        log.with_max_level(most).init();
    });
}

/// The lines of the log that hold a word.
pub fn lines(word: &str) -> Vec<String> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&log);
    text.lines()
        .filter(|line| line.contains(word))
        .map(str::to_owned)
        .collect()
}

/// A word that is nowhere else.
pub fn word() -> String {
    format!("word-{}", CallId::generate())
}
