//! Lines of processes in the log.

use std::sync::Arc;

use crosspoint_core::Mask;
use serde::Deserialize;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

/// Where lines come from, and what must not be in them.
#[derive(Clone)]
pub(crate) struct Origin {
    /// The connector's name.
    pub connector: Arc<str>,
    /// The process.
    pub worker: u32,
    /// The secrets that the process was given.
    pub mask: Mask,
}

// === impl Origin ===

impl Origin {
    /// Writes a line. `source` is `stdout`, `stderr` or the name of a logger, `call` the call
    /// where the span around does not tell it.
    pub(crate) fn write(&self, level: Level, source: &str, call: Option<&str>, text: &str) {
        let (connector, worker) = (&*self.connector, self.worker);
        let text = one_line(&self.mask.apply(text));
        let source = one_line(source);
        macro_rules! line {
            ($level:ident) => {
                tracing::event!(
                    target: "crosspoint::connector",
                    tracing::Level::$level,
                    connector, worker, source, call,
                    "{text}"
                )
            };
        }
        match level {
            Level::Debug => line!(DEBUG),
            Level::Info => line!(INFO),
            Level::Warning => line!(WARN),
            Level::Error => line!(ERROR),
        }
    }
}

/// The text without anything that would begin a line of its own or move a terminal's cursor, so
/// that no connector forges lines of the log.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => line.push(c),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                line.extend(c.escape_default());
            }
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(
            one_line("a\tb\r\nINFO forged\x1b[2J"),
            "a\tb\\r\\nINFO forged\\u{1b}[2J"
        );
    }
}
