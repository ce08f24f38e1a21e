//! The log: one line an event on standard error, without the secrets of the configuration.

mod json;

use std::io::{self, Write};
use std::panic;
use std::sync::Arc;

use arc_swap::ArcSwap;
use crosspoint_core::Mask;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::types::LogFormat;
use crate::show;

/// Starts logging and sends panics there too, so that one in a connector is found by the id in
/// the answer.
///
/// `filter` was checked when the configuration was read.
pub fn start(filter: &str, format: LogFormat, mask: Mask) -> LogMask {
    let mask = LogMask(Arc::new(ArcSwap::from_pointee(mask)));
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
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

/// The secrets that the log hides. A reload may find new ones.
#[derive(Clone)]
pub struct LogMask(Arc<ArcSwap<Mask>>);

// === impl LogMask ===

impl LogMask {
    /// Hides these from now on.
    pub fn replace(&self, mask: Mask) {
        self.0.store(Arc::new(mask));
    }

    /// A text without what is hidden.
    pub fn apply(&self, text: &str) -> String {
        self.0.load().apply(text).into_owned()
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
        let mask = self.0.0.load();
        if mask.is_empty() {
            io::stderr().lock().write_all(event)?;
        } else {
            let text = String::from_utf8_lossy(event);
            let mut masked = mask.apply(&text).into_owned();
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
