//! What building environments tells people.

use std::io::IsTerminal;

use crosspoint_runtimes::python::environment::Progress;

/// To the log: of a server.
pub struct ToLog;

impl Progress for ToLog {
    fn step(&self, text: &str) {
        tracing::info!("{text}");
    }

    fn output(&self, line: &str) {
        tracing::debug!("{line}");
    }
}

/// To standard error: of a command that somebody waits for. What the tools say themselves is
/// shown on a terminal only, where it tells that something goes on.
pub struct ToTerminal;

impl Progress for ToTerminal {
    fn step(&self, text: &str) {
        eprintln!("{text}");
    }

    fn output(&self, line: &str) {
        if std::io::stderr().is_terminal() {
            eprintln!("  {line}");
        }
    }
}
