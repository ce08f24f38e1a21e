//! Messages on the standard input and output of a process: a line each, as the specification's
//! transport `stdio` says.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use rmcp::RoleClient;
use rmcp::model::ServerJsonRpcMessage;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{Mutex, oneshot};

use super::client::{encode, ticket};
use super::inbox::{Inbox, Taken, number, seen};
use crate::process::{Level, one_line};

/// How much a server may say that is no message before it has answered the first, in bytes.
const PATIENCE: usize = 1024 * 1024;

/// How much of the end of a line is kept that is too long: most servers write the id last.
const END: usize = 256;

/// How much of a line that is no message is quoted, in characters.
const QUOTED: usize = 200;

/// The pipes of a process.
pub(super) struct Stdio {
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    stdout: ChildStdout,
    inbox: Arc<Inbox>,
    lines: Incoming,
    /// Messages that came together.
    more: VecDeque<ServerJsonRpcMessage>,
    /// What came that is no message, until the first that is one.
    strange: Option<Strange>,
}

#[derive(Default)]
struct Strange {
    bytes: usize,
    told: Option<oneshot::Sender<String>>,
}

/// Cuts what comes into lines of a limited length.
struct Incoming {
    buffer: BytesMut,
    /// How much of the buffer holds no line end.
    searched: usize,
    longest: usize,
    /// Of a line that is too long: its end as far as it has come.
    over: Option<Vec<u8>>,
}

/// A line.
enum Line {
    Whole(Bytes),
    /// The beginning and the end of one that was too long.
    TooLong(Bytes, Vec<u8>),
}

// === impl Stdio ===

impl Stdio {
    /// `strange` is told a line, when the server writes a lot before its first message and none of it
    /// is one.
    pub(super) fn new(
        stdin: ChildStdin,
        stdout: ChildStdout,
        inbox: Arc<Inbox>,
        longest: usize,
        strange: oneshot::Sender<String>,
    ) -> Stdio {
        Stdio {
            stdin: Arc::new(Mutex::new(Some(stdin))),
            stdout,
            inbox,
            lines: Incoming {
                buffer: BytesMut::new(),
                searched: 0,
                longest,
                over: None,
            },
            more: VecDeque::new(),
            strange: Some(Strange {
                bytes: 0,
                told: Some(strange),
            }),
        }
    }

    /// Takes a line; what it holds for the library is in `more` afterwards.
    fn take(&mut self, line: Line) {
        let text = match line {
            Line::Whole(text) if text.trim_ascii().is_empty() => return,
            Line::Whole(text) => text,
            Line::TooLong(begin, end) => {
                let id = id_of(&begin, &end);
                let awaited = id.filter(|id| self.inbox.too_large(*id));
                self.more.extend(awaited.map(seen));
                let longest = self.lines.longest;
                let text = format!("a line of more than {longest} bytes was dropped");
                return self.inbox.write(Level::Warning, "stdout", &text);
            }
        };
        // Protocol version 2025-03-26 lets messages come as a list.
        let batch = text.trim_ascii_start().first() == Some(&b'[');
        let taken = match batch.then(|| serde_json::from_slice::<Vec<&RawValue>>(&text)) {
            Some(Ok(messages)) => messages
                .into_iter()
                .try_for_each(|message| self.pass(&text.slice_ref(message.get().as_bytes()))),
            _ => self.pass(&text),
        };
        match taken {
            Ok(()) => self.strange = None,
            Err(_) => self.print(&text),
        }
    }

    /// Takes a message, and passes it on where the library has to see it.
    fn pass(&mut self, text: &Bytes) -> Result<(), String> {
        let message = match self.inbox.take(text)? {
            Taken::Nothing => return Ok(()),
            Taken::Seen(id) => seen(id),
            Taken::Whole => serde_json::from_slice(text).map_err(|error| error.to_string())?,
        };
        self.more.push_back(message);
        Ok(())
    }

    /// What is no message was meant for people.
    fn print(&mut self, text: &Bytes) {
        let text = String::from_utf8_lossy(text);
        self.inbox.write(Level::Warning, "stdout", text.trim_end());
        let Some(strange) = &mut self.strange else {
            return;
        };
        strange.bytes += text.len();
        if strange.bytes >= PATIENCE
            && let Some(told) = strange.told.take()
        {
            let quoted: String = text.chars().take(QUOTED).collect();
            let _ = told.send(one_line(quoted.trim()));
        }
    }
}

impl Transport<RoleClient> for Stdio {
    type Error = io::Error;

    fn name() -> Cow<'static, str> {
        "stdio".into()
    }

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let (stdin, inbox) = (self.stdin.clone(), self.inbox.clone());
        async move {
            let mut text = encode(&message)?;
            text.push(b'\n');
            let mut stdin = stdin.lock().await;
            let Some(stdin) = &mut *stdin else {
                return Err(io::ErrorKind::BrokenPipe.into());
            };
            match &message {
                TxJsonRpcMessage::<RoleClient>::Request(_) => {
                    if let Some((id, token, ticket)) = ticket(&message) {
                        inbox.requests.sending(id, token, &ticket.waiting);
                    }
                }
                TxJsonRpcMessage::<RoleClient>::Notification(_) => {}
                _ => inbox.has_answered(),
            }
            stdin.write_all(&text).await?;
            stdin.flush().await
        }
    }

    /// Loses nothing when it is dropped: what was read stays in the buffer.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            if let Some(message) = self.more.pop_front() {
                return Some(message);
            }
            if let Some(line) = self.lines.next() {
                self.take(line);
                continue;
            }
            self.lines.buffer.reserve(8 * 1024);
            match self.stdout.read_buf(&mut self.lines.buffer).await {
                Ok(1..) => self.inbox.hears(),
                Ok(0) | Err(_) => return None,
            }
        }
    }

    /// Ends the server's input, which is how it is told to leave.
    async fn close(&mut self) -> io::Result<()> {
        self.stdin.lock().await.take();
        Ok(())
    }
}

// === impl Incoming ===

impl Incoming {
    fn next(&mut self) -> Option<Line> {
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
fn id_of(begin: &[u8], end: &[u8]) -> Option<i64> {
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
        let mut incoming = Incoming {
            buffer: BytesMut::new(),
            searched: 0,
            longest,
            over: None,
        };
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
