//! Messages on the standard input and output of a process: a line each, as the specification's
//! transport `stdio` says.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use rmcp::RoleClient;
use rmcp::model::ServerJsonRpcMessage;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{Mutex, oneshot};

use super::client::{encode, ticket};
use super::inbox::{Inbox, Taken, seen};
use super::incoming::{Incoming, Line, id_of};
use crate::process::{Level, one_line};

/// How much a server may say that is no message before it has answered the first, in bytes.
const PATIENCE: usize = 1024 * 1024;

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

struct Strange {
    /// How much has come, lines that are not at their end included.
    bytes: usize,
    /// How the last line of it begins.
    line: String,
    told: Option<oneshot::Sender<String>>,
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
            lines: Incoming::new(longest),
            more: VecDeque::new(),
            strange: Some(Strange {
                bytes: 0,
                line: String::new(),
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
                self.quote(&begin);
                let id = id_of(&begin, &end);
                let awaited = id.filter(|id| self.inbox.too_large(*id));
                self.more.extend(awaited.map(seen));
                let longest = self.lines.longest();
                let text = format!("a line of more than {longest} bytes was dropped");
                return self.inbox.write(Level::Warning, "stdout", &text);
            }
        };
        // Protocol version 2025-03-26 lets messages come as a list.
        let batch = text.trim_ascii_start().first() == Some(&b'[');
        let taken = match batch.then(|| serde_json::from_slice::<Vec<&RawValue>>(&text)) {
            // One that is none does not keep the others from whoever waits for them.
            Some(Ok(messages)) => {
                let pass = |one: &&RawValue| self.pass(&text.slice_ref(one.get().as_bytes()));
                let passed: Vec<_> = messages.iter().map(pass).collect();
                passed.into_iter().filter_map(Result::err).next()
            }
            _ => self.pass(&text).err(),
        };
        if taken.is_some() {
            self.print(&text);
        }
    }

    /// Takes a message, and passes it on where the library has to see it.
    fn pass(&mut self, text: &Bytes) -> Result<(), String> {
        let message = match self.inbox.take(text)? {
            Taken::Nothing => {
                self.strange = None;
                return Ok(());
            }
            Taken::Seen(id) => seen(id),
            Taken::Whole => serde_json::from_slice(text).map_err(|error| error.to_string())?,
        };
        self.strange = None;
        self.more.push_back(message);
        Ok(())
    }

    /// What is no message was meant for people.
    fn print(&mut self, text: &Bytes) {
        self.quote(text);
        let text = String::from_utf8_lossy(text);
        self.inbox.write(Level::Warning, "stdout", text.trim_end());
    }

    /// Keeps the beginning of a line that is no message, before the first that is one.
    fn quote(&mut self, line: &[u8]) {
        if let Some(strange) = &mut self.strange {
            let text = String::from_utf8_lossy(&line[..line.len().min(4 * QUOTED)]);
            let quoted: String = text.trim().chars().take(QUOTED).collect();
            strange.line = one_line(&quoted);
        }
    }

    /// So many bytes have come.
    fn hears(&mut self, bytes: usize) {
        self.inbox.hears();
        if let Some(strange) = &mut self.strange {
            strange.bytes += bytes;
        }
    }

    /// Tells of what has come so far, when that is a lot and none of it was a message.
    fn loses_patience(&mut self) {
        let Some(strange) = self.strange.as_ref().filter(|one| one.bytes >= PATIENCE) else {
            return;
        };
        if strange.line.is_empty() {
            let line = self.lines.begin().to_vec();
            self.quote(&line);
        }
        if let Some(strange) = &mut self.strange
            && let Some(told) = strange.told.take()
        {
            let _ = told.send(std::mem::take(&mut strange.line));
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
            self.loses_patience();
            match self.stdout.read_buf(self.lines.room()).await {
                Ok(bytes @ 1..) => self.hears(bytes),
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
