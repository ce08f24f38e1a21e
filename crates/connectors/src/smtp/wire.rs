//! SMTP as bytes: what an answer looks like, and how a message is framed.

use std::fmt;
use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// How long the lines of an answer may be, and how many there may be of them.
const MAX_LINE: u64 = 4096;
const MAX_LINES: usize = 128;

/// How much of an answer is quoted, in characters.
const QUOTED: usize = 500;

/// What the server answered.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// Three digits; 0 when it does not speak SMTP.
    pub code: u16,
    /// The text of each line.
    pub lines: Vec<String>,
}

// === impl Reply ===

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.lines.join(" ");
        let text = text
            .chars()
            .take(QUOTED)
            .map(|c| if c.is_control() { ' ' } else { c });
        match self.code {
            0 => write!(
                f,
                "it does not speak SMTP but said: {}",
                text.collect::<String>()
            ),
            code => write!(f, "{code} {}", text.collect::<String>()),
        }
    }
}

/// Reads one answer.
pub(super) async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Reply> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        (&mut *stream)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .await?;
        if line.last() != Some(&b'\n') && line.len() < MAX_LINE as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        let code = line
            .get(..3)
            .filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
        let Some(code) = code.and_then(|code| code.parse().ok()) else {
            lines.push(line.to_owned());
            return Ok(Reply { code: 0, lines });
        };
        lines.push(line.get(4..).unwrap_or_default().to_owned());
        if line.as_bytes().get(3) != Some(&b'-') || lines.len() == MAX_LINES {
            return Ok(Reply { code, lines });
        }
    }
}

/// The message with all line ends alike, one at its end, and a dot more before each line that
/// begins with one, as only the last line must be a dot.
pub(super) fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    let (mut at_start, mut after_cr) = (true, false);
    for &byte in text {
        match byte {
            // The second half of a line end that is written already.
            b'\n' if after_cr => {}
            b'\r' | b'\n' => out.extend_from_slice(b"\r\n"),
            b'.' if at_start => out.extend_from_slice(b".."),
            byte => out.push(byte),
        }
        at_start = matches!(byte, b'\r' | b'\n');
        after_cr = byte == b'\r';
    }
    if !at_start {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, BufReader};

    use super::*;

    #[test]
    fn no_line_of_a_message_is_a_single_dot() {
        for (text, sent) in [
            ("a\r\n.\r\nb", "a\r\n..\r\nb\r\n"),
            ("a\n.\nb\n", "a\r\n..\r\nb\r\n"),
            ("a\r.\r\n", "a\r\n..\r\n"),
            ("a\r\r\n\n.b", "a\r\n\r\n\r\n..b\r\n"),
            (".", "..\r\n"),
            ("", ""),
            ("a.b", "a.b\r\n"),
        ] {
            assert_eq!(String::from_utf8(stuffed(text.as_bytes())).unwrap(), sent);
        }
    }

    async fn reply_to(text: &'static str) -> io::Result<Reply> {
        let (mut near, far) = tokio::io::duplex(1 << 20);
        near.write_all(text.as_bytes()).await.unwrap();
        drop(near);
        read(&mut BufReader::new(far)).await
    }

    #[tokio::test]
    async fn answers_of_several_lines_are_read() {
        let reply = reply_to("250-one\r\n250-SIZE 5\n250\r\n").await.unwrap();
        assert_eq!((reply.code, reply.lines.len()), (250, 3));
        assert_eq!(reply.lines[1], "SIZE 5");
    }

    #[tokio::test]
    async fn what_is_not_smtp_is_told_from_a_connection_that_ends() {
        let reply = reply_to("HTTP/1.1 400 Bad\r\n").await.unwrap();
        assert_eq!(reply.code, 0);
        assert!(reply.to_string().contains("HTTP/1.1 400 Bad"));
        for text in ["", "25", "250-one\r\n"] {
            let error = reply_to(text).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{text}");
        }
    }
}
