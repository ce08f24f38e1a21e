//! Cuts a stream of bytes into lines for the log, and keeps a flood of them out of it.

use tokio::time::Instant;

/// How much of a line is kept, in bytes.
const LONGEST: usize = 8 * 1024;

/// How much may come at once, in bytes.
const BURST: f64 = 1024.0 * 1024.0;

/// How much may come in a second after that.
const RATE: f64 = 64.0 * 1024.0;

/// What a stream yields.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A line without its end. Bytes that are no UTF-8 are replaced.
    Line(&'a str),
    /// So many bytes came faster than the log takes them.
    Dropped(u64),
}

/// The state of a stream.
pub(crate) struct Lines {
    part: Vec<u8>,
    cut: bool,
    left: f64,
    filled: Instant,
    dropped: u64,
}

// === impl Lines ===

impl Lines {
    pub(crate) fn new(now: Instant) -> Lines {
        Lines {
            part: Vec::new(),
            cut: false,
            left: BURST,
            filled: now,
            dropped: 0,
        }
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn feed(
        &mut self,
        mut bytes: &[u8],
        now: Instant,
        emit: &mut impl FnMut(Piece<'_>),
    ) {
        let passed = now.saturating_duration_since(self.filled);
        self.left = BURST.min(self.left + passed.as_secs_f64() * RATE);
        self.filled = now;
        while !bytes.is_empty() {
            if self.dropped > 0 && self.left < RATE {
                // Not looked at, so that a flood costs no more than reading it.
                self.dropped += bytes.len() as u64;
                return;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            bytes = rest.get(1..).unwrap_or_default();
            match end {
                _ if self.dropped > 0 => self.resume(line.len(), end.is_some(), emit),
                Some(_) => {
                    self.keep(line);
                    self.end(emit);
                }
                None => self.keep(line),
            }
        }
    }

    /// The stream is at its end.
    pub(crate) fn finish(&mut self, emit: &mut impl FnMut(Piece<'_>)) {
        if !self.part.is_empty() {
            self.end(emit);
        }
        if self.dropped > 0 {
            emit(Piece::Dropped(self.dropped));
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST - self.part.len();
        self.cut |= bytes.len() > room;
        self.part.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }

    fn end(&mut self, emit: &mut impl FnMut(Piece<'_>)) {
        let cost = self.part.len() + 1;
        if cost as f64 > self.left {
            self.dropped += cost as u64;
        } else {
            self.left -= cost as f64;
            let mut text = String::from_utf8_lossy(&self.part);
            if self.cut {
                text.to_mut().push('…');
            }
            emit(Piece::Line(text.trim_end_matches('\r')));
        }
        self.part.clear();
        self.cut = false;
    }

    /// There is room again: what is left of the line in which that is noticed is dropped too.
    fn resume(&mut self, len: usize, ended: bool, emit: &mut impl FnMut(Piece<'_>)) {
        self.dropped += len as u64 + u64::from(ended);
        if ended {
            emit(Piece::Dropped(std::mem::take(&mut self.dropped)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn feed(lines: &mut Lines, chunks: &[&[u8]], now: Instant) -> Vec<String> {
        let mut seen = Vec::new();
        let mut emit = |piece: Piece<'_>| {
            seen.push(match piece {
                Piece::Line(text) => text.to_owned(),
                Piece::Dropped(bytes) => format!("({bytes} dropped)"),
            });
        };
        for chunk in chunks {
            lines.feed(chunk, now, &mut emit);
        }
        seen
    }

    fn finish(lines: &mut Lines) -> Vec<String> {
        let mut seen = Vec::new();
        lines.finish(&mut |piece| seen.push(format!("{piece:?}")));
        seen
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        let now = Instant::now();
        let mut lines = Lines::new(now);
        let seen = feed(&mut lines, &[b"one\r\ntw", b"o\n\nthr", b"ee"], now);
        assert_eq!(seen, ["one", "two", ""]);
        assert_eq!(finish(&mut lines), [r#"Line("three")"#]);
    }

    #[test]
    fn a_line_is_cut_and_bytes_that_are_no_text_do_no_harm() {
        let now = Instant::now();
        let mut lines = Lines::new(now);
        let long = vec![b'x'; LONGEST * 3];
        let seen = feed(&mut lines, &[&long, b"\n\xff!\n"], now);
        assert_eq!(seen[0], format!("{}…", "x".repeat(LONGEST)));
        assert_eq!(seen[1], "\u{fffd}!");
    }

    #[test]
    fn a_flood_is_dropped_and_counted() {
        let now = Instant::now();
        let mut lines = Lines::new(now);
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let flood = vec![&line[..]; 3 * 1024];
        assert_eq!(feed(&mut lines, &flood, now).len(), 1024);

        // Not at once with the first room that there is, or each second line would be a notice.
        let soon = now + Duration::from_millis(100);
        assert!(feed(&mut lines, &[b"too soon\n"], soon).is_empty());
        let later = now + Duration::from_secs(2);
        let seen = feed(&mut lines, &[b"rest of a line\nnew line\n"], later);
        let dropped = 2 * 1024 * 1024 + 9 + 15;
        assert_eq!(
            seen,
            [format!("({dropped} dropped)"), "new line".to_owned()]
        );
        assert!(finish(&mut lines).is_empty());
    }

    #[test]
    fn what_was_dropped_until_the_end_is_counted_too() {
        let now = Instant::now();
        let mut lines = Lines::new(now);
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        feed(&mut lines, &vec![&line[..]; 1025], now);
        assert_eq!(finish(&mut lines), ["Dropped(1024)"]);
    }
}
