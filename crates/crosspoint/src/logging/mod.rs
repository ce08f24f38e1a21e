//! The log: one line an event on standard error, without the secrets of the configuration.

mod json;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use crosspoint_core::Mask;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::types::LogFormat;
use crate::config::values::SHORTEST_SECRET;
use crate::show;

/// Starts logging and sends panics there too, so that one in a connector is found by the id in
/// the answer.
///
/// `filter` was checked when the configuration was read.
pub fn start(filter: &str, format: LogFormat, mask: Mask) -> LogMask {
    let mask = LogMask::new(mask);
    let filter =
        EnvFilter::try_new(with_quiet_libraries(filter)).unwrap_or_else(|_| EnvFilter::new("info"));
    match format {
        LogFormat::Text => tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .with_target(false)
            .with_writer(Masked(mask.clone()))
            .init(),
        LogFormat::Json => tracing_subscriber::registry()
            .with(filter)
            .with(json::Lines::new(mask.clone()))
            .init(),
    }
    panic::set_hook(Box::new(|panic| {
        show::end_when_nobody_reads(panic);
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, reason = message, "Something panicked.");
    }));
    mask
}

/// Libraries whose lines hold what servers say, or call an error what is the answer to a question.
const QUIET: [&str; 2] = ["rmcp", "lapin::channel"];

/// The filter, by which such libraries are silent unless it names them.
fn with_quiet_libraries(filter: &str) -> String {
    let named = |library: &&str| filter.contains(library.split("::").next().unwrap_or(library));
    let quiet = QUIET.iter().filter(|library| !named(library));
    let quiet = quiet.map(|library| format!("{library}=off,"));
    quiet.collect::<String>() + filter
}

/// The secrets that the log hides. A reload may find new ones, and calls may.
#[derive(Clone)]
pub struct LogMask(Arc<Hidden>);

struct Hidden {
    configured: ArcSwap<Mask>,
    /// Those that were followed to while the process ran, and what masks them.
    learned: Mutex<BTreeSet<String>>,
    also: ArcSwap<Mask>,
}

// === impl LogMask ===

impl LogMask {
    fn new(mask: Mask) -> LogMask {
        LogMask(Arc::new(Hidden {
            configured: ArcSwap::from_pointee(mask),
            learned: Mutex::default(),
            also: ArcSwap::from_pointee(Mask::default()),
        }))
    }

    /// Hides these from now on, and what was learned.
    pub fn replace(&self, mask: Mask) {
        self.0.configured.store(Arc::new(mask));
    }

    /// Hides these, too. Very short ones are left to the calls that they belong to: they are in any
    /// line.
    pub fn learn(&self, secrets: Vec<String>) {
        let mut learned = self
            .0
            .learned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = learned.len();
        let long = |secret: &String| secret.chars().count() >= SHORTEST_SECRET;
        learned.extend(secrets.into_iter().filter(long));
        if learned.len() > before {
            self.0.also.store(Arc::new(Mask::new(learned.iter())));
        }
    }

    /// A text without what is hidden.
    pub fn apply(&self, text: &str) -> String {
        let text = self.0.configured.load().apply(text).into_owned();
        match self.0.also.load().apply(&text) {
            Cow::Owned(masked) => masked,
            Cow::Borrowed(_) => text,
        }
    }

    fn is_empty(&self) -> bool {
        self.0.configured.load().is_empty() && self.0.also.load().is_empty()
    }
}

/// Masks each event as a whole. The formatter writes an event with one call.
#[derive(Clone)]
struct Masked(LogMask);

impl<'a> MakeWriter<'a> for Masked {
    type Writer = Masked;

    fn make_writer(&'a self) -> Masked {
        self.clone()
    }
}

impl Write for Masked {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            io::stderr().lock().write_all(event)?;
        } else {
            let text = String::from_utf8_lossy(event);
            let mut masked = self.0.apply(&text);
            // A text that is withheld loses the end of its line, too.
            if !masked.ends_with('\n') {
                masked.push('\n');
            }
            io::stderr().lock().write_all(masked.as_bytes())?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_writes_what_servers_say_is_silent_unless_it_is_named() {
        assert_eq!(with_quiet_libraries("info"), "rmcp=off,info");
        assert_eq!(with_quiet_libraries("info,rmcp=debug"), "info,rmcp=debug");
    }

    #[test]
    fn what_is_learned_is_hidden_beside_what_is_configured_unless_it_is_very_short() {
        let mask = LogMask::new(Mask::new(["configured"]));
        mask.learn(vec!["learned".to_owned(), "abc".to_owned(), String::new()]);
        assert_eq!(mask.apply("configured learned abc"), "*** *** abc");
        mask.replace(Mask::new(["other"]));
        assert_eq!(mask.apply("configured learned other"), "configured *** ***");
    }
}
