//! Cuts a stream of bytes into lines for the log, and keeps a flood of them out of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// How much of a line is kept, in bytes.
const LONGEST: usize = 8 * 1024;

/// What a line of the log has beside its text: the time, the level, the connector and the source.
const AROUND: usize = 128;

/// How much may be written at once, in bytes of the log.
const BURST: f64 = 1024.0 * 1024.0;

/// How much may be written in a second after that.
const RATE: f64 = 64.0 * 1024.0;

/// What a stream yields.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A line without its end. Bytes that are no UTF-8 are replaced.
    Line(&'a str),
    /// So many bytes came faster than the log takes them.
    Dropped(u64),
}

/// How much may still be written. It outlives the streams, so that a process that is started again and
/// again does not begin with a full one each time.
#[derive(Clone)]
pub(crate) struct Allowance(Arc<Mutex<Bucket>>);

struct Bucket {
    left: f64,
    filled: Instant,
}

/// The state of a stream.
pub(crate) struct Lines {
    part: Vec<u8>,
    cut: bool,
    allowance: Allowance,
    dropped: u64,
}

// === impl Allowance ===

impl Allowance {
    /// A full one.
    pub(crate) fn new(now: Instant) -> Allowance {
        Allowance(Arc::new(Mutex::new(Bucket {
            left: BURST,
            filled: now,
        })))
    }

    /// Adds what has come since.
    fn fill(&self, now: Instant) {
        let mut bucket = self.bucket();
        let passed = now.saturating_duration_since(bucket.filled);
        bucket.left = BURST.min(bucket.left + passed.as_secs_f64() * RATE);
        bucket.filled = bucket.filled.max(now);
    }

    fn left(&self) -> f64 {
        self.bucket().left
    }

    /// Takes so much, if it is there.
    fn take(&self, cost: f64) -> bool {
        let mut bucket = self.bucket();
        let enough = cost <= bucket.left;
        if enough {
            bucket.left -= cost;
        }
        enough
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Lines ===

impl Lines {
    pub(crate) fn new(allowance: Allowance) -> Lines {
        Lines {
            part: Vec::new(),
            cut: false,
            allowance,
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
        self.allowance.fill(now);
        while !bytes.is_empty() {
            if self.dropped > 0 && self.allowance.left() < RATE {
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
        let length = self.part.len() + 1;
        if !self.allowance.take((length + AROUND) as f64) {
            self.dropped += length as u64;
        } else {
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
        let mut lines = Lines::new(Allowance::new(now));
        let seen = feed(&mut lines, &[b"one\r\ntw", b"o\n\nthr", b"ee"], now);
        assert_eq!(seen, ["one", "two", ""]);
        assert_eq!(finish(&mut lines), [r#"Line("three")"#]);
    }

    #[test]
    fn a_line_is_cut_and_bytes_that_are_no_text_do_no_harm() {
        let now = Instant::now();
        let mut lines = Lines::new(Allowance::new(now));
        let long = vec![b'x'; LONGEST * 3];
        let seen = feed(&mut lines, &[&long, b"\n\xff!\n"], now);
        assert_eq!(seen[0], format!("{}…", "x".repeat(LONGEST)));
        assert_eq!(seen[1], "\u{fffd}!");
    }

    #[test]
    fn a_flood_is_dropped_and_counted() {
        let now = Instant::now();
        let mut lines = Lines::new(Allowance::new(now));
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let flood = vec![&line[..]; 3 * 1024];
        let kept = BURST as usize / (1024 + AROUND);
        assert_eq!(feed(&mut lines, &flood, now).len(), kept);

        // Not at once with the first room that there is, or each second line would be a notice.
        let soon = now + Duration::from_millis(100);
        assert!(feed(&mut lines, &[b"too soon\n"], soon).is_empty());
        let later = now + Duration::from_secs(2);
        let seen = feed(&mut lines, &[b"rest of a line\nnew line\n"], later);
        let dropped = (3 * 1024 - kept) * 1024 + 9 + 15;
        assert_eq!(
            seen,
            [format!("({dropped} dropped)"), "new line".to_owned()]
        );
        assert!(finish(&mut lines).is_empty());
    }

    #[test]
    fn what_was_dropped_until_the_end_is_counted_too() {
        let now = Instant::now();
        let mut lines = Lines::new(Allowance::new(now));
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let kept = BURST as usize / (1024 + AROUND);
        feed(&mut lines, &vec![&line[..]; kept + 1], now);
        assert_eq!(finish(&mut lines), ["Dropped(1024)"]);
    }

    #[test]
    fn short_lines_count_with_what_the_log_adds_to_them() {
        let now = Instant::now();
        let mut lines = Lines::new(Allowance::new(now));
        let seen = feed(&mut lines, &[b"garbage\n".repeat(100_000).as_slice()], now);
        let written: usize = seen.iter().map(|line| line.len() + AROUND).sum();
        assert!(written <= BURST as usize, "{written}");
    }

    #[test]
    fn whoever_begins_again_does_not_begin_with_a_full_allowance() {
        let now = Instant::now();
        let allowance = Allowance::new(now);
        let flood = b"garbage\n".repeat(100_000);
        let starts = (0..5).map(|_| {
            let mut lines = Lines::new(allowance.clone());
            let seen = feed(&mut lines, &[&flood], now).len();
            finish(&mut lines);
            seen
        });
        let starts: Vec<_> = starts.collect();
        assert!(starts[0] > 1000, "{starts:?}");
        assert_eq!(starts[1..], [0; 4]);
    }
}
