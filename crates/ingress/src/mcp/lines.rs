//! Lines of a limited length.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Reads lines, of which each is a message.
pub struct Lines<R> {
    input: R,
    limit: usize,
}

/// A line that was passed over; the limit is in bytes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message has at most {0} bytes (setting max_body)")]
pub struct TooLong(usize);

// === impl Lines ===

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// Of at most `limit` bytes.
    pub fn new(input: R, limit: usize) -> Lines<R> {
        Lines { input, limit }
    }

    /// The next line without its end; nothing at the end of the input. What is too long is passed over.
    /// Not to be dropped in the middle.
    pub async fn next(&mut self) -> io::Result<Option<Result<Bytes, TooLong>>> {
        let (mut line, mut too_long) = (BytesMut::new(), false);
        loop {
            let read = self.input.fill_buf().await?;
            if read.is_empty() {
                let ended = line.is_empty() && !too_long;
                return Ok((!ended).then(|| self.whole(line, too_long)));
            }
            let end = read.iter().position(|b| *b == b'\n');
            let part = &read[..end.unwrap_or(read.len())];
            too_long |= line.len() + part.len() > self.limit;
            match too_long {
                true => line.clear(),
                false => line.extend_from_slice(part),
            }
            let taken = part.len() + usize::from(end.is_some());
            self.input.consume(taken);
            if end.is_some() {
                return Ok(Some(self.whole(line, too_long)));
            }
        }
    }

    fn whole(&self, line: BytesMut, too_long: bool) -> Result<Bytes, TooLong> {
        match too_long {
            false => Ok(line.freeze()),
            true => Err(TooLong(self.limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_read_whole_and_too_long_ones_passed_over() {
        let text = "one\r\n\nfour5\nfour\nlast";
        // In small pieces, as pipes bring them.
        let input = tokio::io::BufReader::with_capacity(3, text.as_bytes());
        let mut lines = Lines::new(input, 4);
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            let line = line.map(|line| String::from_utf8(line.to_vec()).unwrap());
            read.push(line.unwrap_or_else(|_| "too long".to_owned()));
        }
        assert_eq!(read, ["one\r", "", "too long", "four", "last"]);
    }
}
