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

#[derive(Default)]
struct Strange {
    bytes: usize,
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
                let longest = self.lines.longest();
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
            match self.stdout.read_buf(self.lines.room()).await {
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
