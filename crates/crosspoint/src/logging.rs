//! The log: one line an event on standard error, without the secrets of the configuration.

use std::io::{self, Write};
use std::panic;

use crosspoint_core::Mask;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::show;

/// Starts logging and sends panics there too, so that one in a connector is found by the id in
/// the answer.
///
/// `filter` was checked when the configuration was read.
pub fn start(filter: &str, mask: Mask) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = io::IsTerminal::is_terminal(&io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        .with_target(false)
        .with_writer(Masked(mask))
        .init();
    panic::set_hook(Box::new(|panic| {
        show::end_when_nobody_reads(panic);
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "Something panicked.");
    }));
}

/// Masks each event as a whole. The formatter writes an event with one call.
#[derive(Clone)]
struct Masked(Mask);

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
            let mut masked = self.0.apply(&text).into_owned();
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
