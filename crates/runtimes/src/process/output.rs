//! What a process writes: lines of the log, and its last words.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

use super::lines::{Allowance, Lines, Piece};
use super::origin::{Level, Origin};

/// How much of what a process wrote last to standard error is kept, in bytes.
const TAIL: usize = 4 * 1024;

/// What a process wrote last to standard error.
#[derive(Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<Vec<u8>>>);

// === impl Tail ===

impl Tail {
    /// The last lines, the first of them whole.
    pub(crate) fn text(&self) -> Option<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) if bytes.len() >= TAIL => &bytes[end + 1..],
            _ => &bytes[..],
        };
        let text = String::from_utf8_lossy(whole).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = &bytes[bytes.len().saturating_sub(TAIL)..];
        let surplus = (kept.len() + bytes.len()).saturating_sub(TAIL);
        kept.drain(..surplus);
        kept.extend_from_slice(bytes);
    }
}

/// Reads a stream of a process to its end and writes its lines to the log. What comes too fast is
/// dropped, never left unread: that would make the process wait for ever.
pub(crate) async fn follow(
    mut stream: impl AsyncRead + Unpin,
    (source, level): (&'static str, Level),
    origin: Origin,
    tail: Option<Tail>,
    allowance: Allowance,
) {
    let mut emit = |piece: Piece<'_>| match piece {
        Piece::Line(text) => origin.write(level, source, None, text),
        Piece::Dropped(bytes) => {
            let text = format!("({bytes} bytes more came too fast and were dropped)");
            origin.write(Level::Warning, source, None, &text);
        }
    };
    let mut lines = Lines::new(allowance);
    let mut buffer = vec![0; 64 * 1024];
    // An error is the end: the process closed its side.
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let bytes = &buffer[..length];
        lines.feed(bytes, Instant::now(), &mut emit);
        if let Some(tail) = &tail {
            tail.push(bytes);
        }
    }
    lines.finish(&mut emit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_whole_lines() {
        let tail = Tail::default();
        assert_eq!(tail.text(), None);
        tail.push(b"first\n");
        assert_eq!(tail.text().unwrap(), "first");
        tail.push("x".repeat(TAIL).as_bytes());
        tail.push(b"\nlast one\nlast\n");
        assert_eq!(tail.text().unwrap(), "last one\nlast");
    }
}
