//! What a process writes, as lines of a limited length.

use bytes::{Buf, Bytes, BytesMut};

use super::inbox::number;

/// How much of the end of a line is kept that is too long: most servers write the id last.
const END: usize = 256;

/// Cuts what comes into lines of a limited length.
pub(super) struct Incoming {
    buffer: BytesMut,
    /// How much of the buffer holds no line end.
    searched: usize,
    longest: usize,
    /// Of a line that is too long: its end as far as it has come.
    over: Option<Vec<u8>>,
}

/// A line.
pub(super) enum Line {
    Whole(Bytes),
    /// The beginning and the end of one that was too long.
    TooLong(Bytes, Vec<u8>),
}

// === impl Incoming ===

impl Incoming {
    pub(super) fn new(longest: usize) -> Incoming {
        Incoming {
            buffer: BytesMut::new(),
            searched: 0,
            longest,
            over: None,
        }
    }

    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Where what comes is read to.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        self.buffer.reserve(8 * 1024);
        &mut self.buffer
    }

    /// The beginning of what has come and is no whole line yet.
    pub(super) fn begin(&self) -> &[u8] {
        self.over.as_deref().unwrap_or(&self.buffer)
    }

    /// The next line, if all of it is there.
    pub(super) fn next(&mut self) -> Option<Line> {
        let end = self.buffer[self.searched..]
            .iter()
            .position(|b| *b == b'\n');
        let Some(end) = end else {
            self.searched = self.buffer.len();
            self.shorten();
            return None;
        };
        let line = self.buffer.split_to(self.searched + end).freeze();
        self.buffer.advance(1);
        self.searched = 0;
        Some(match self.over.take() {
            None if line.len() <= self.longest => Line::Whole(line),
            None => {
                let end = line[line.len() - END.min(line.len())..].to_vec();
                Line::TooLong(line.slice(..END.min(line.len())), end)
            }
            Some(mut end) => {
                // The beginning is where the line was when it grew too long.
                let begin = Bytes::from(end.drain(..END.min(end.len())).collect::<Vec<_>>());
                end.extend_from_slice(&line[line.len() - END.min(line.len())..]);
                Line::TooLong(begin, end)
            }
        })
    }

    /// Keeps no more of a line that is too long than its beginning and its end.
    fn shorten(&mut self) {
        if self.over.is_none() {
            if self.buffer.len() <= self.longest {
                return;
            }
            self.over = Some(self.buffer[..END.min(self.buffer.len())].to_vec());
        }
        // The line may end with what has come last.
        let surplus = self.buffer.len().saturating_sub(END);
        self.buffer.advance(surplus);
        self.searched = self.buffer.len();
    }
}

/// The id in what is left of an answer, which stands near its beginning or its end.
pub(super) fn id_of(begin: &[u8], end: &[u8]) -> Option<i64> {
    let find = |part: &[u8]| {
        let text = String::from_utf8_lossy(part);
        let (_, rest) = text.rsplit_once("\"id\":")?;
        let id: String = rest
            .trim_start()
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '"')
            .collect();
        number(&id)
    };
    // What follows the result may hold that text too; the members before it are three.
    let before = begin.split(|b| *b == b'{').nth(1).unwrap_or_default();
    let after = end.rsplit(|b| *b == b'}').nth(1).unwrap_or_default();
    find(before).or_else(|| find(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]], longest: usize) -> Vec<String> {
        let mut incoming = Incoming::new(longest);
        let mut seen = Vec::new();
        for chunk in chunks {
            incoming.buffer.extend_from_slice(chunk);
            while let Some(line) = incoming.next() {
                seen.push(match line {
                    Line::Whole(text) => String::from_utf8_lossy(&text).into_owned(),
                    Line::TooLong(begin, end) => format!("too long, {:?}", id_of(&begin, &end)),
                });
            }
            assert!(incoming.buffer.len() <= longest.max(END));
        }
        seen
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        assert_eq!(
            lines(&[b"on", b"e\ntwo\n\nthr", b"ee\n"], 10),
            ["one", "two", "", "three"]
        );
    }

    #[test]
    fn of_a_line_that_is_too_long_the_id_is_kept_and_the_next_line_is_whole() {
        let body = "x".repeat(5000);
        let first = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"a":"{body}"}}}}"#);
        let last = format!(r#"{{"result":{{"a":"{body}"}},"jsonrpc":"2.0","id":8}}"#);
        let none = format!(r#"{{"result":{{"id":9,"a":"{body}"}}}}"#);
        let all = format!("{first}\n{last}\n{none}\nnext\n");
        let wanted = [
            "too long, Some(7)",
            "too long, Some(8)",
            "too long, None",
            "next",
        ];
        for size in [100, 1000, 100_000] {
            let chunks: Vec<_> = all.as_bytes().chunks(size).collect();
            let seen = lines_of(&chunks);
            assert_eq!(seen, wanted, "{size}");
        }
    }

    /// A single large chunk may be longer than what is kept of a line.
    fn lines_of(chunks: &[&[u8]]) -> Vec<String> {
        let pieces: Vec<_> = chunks.iter().flat_map(|chunk| chunk.chunks(1000)).collect();
        lines(&pieces, 1500)
    }
}
