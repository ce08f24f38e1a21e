//! The protocol over standard input and output: one message a line.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::asker::Asker;
use super::fault::Fault;
use super::lines::Lines;
use super::message::{Asked, Id, Incoming, Message, Unreadable};
use super::meta::Params;
use super::methods::{self, Handled};
use super::reply::Text;
use super::revision::Revision;
use super::server::{Mcp, Settings};
use super::sessions::{Running, UnderWay};

/// How many requests may be under way at once.
const MOST: usize = 256;

/// How long tools are waited for that are still loading: clients ask for them at once, and some never
/// again.
const LOADING: Duration = Duration::from_secs(30);

/// How long requests under way may take once there are no further ones.
const GRACE: Duration = Duration::from_secs(5);

/// A client.
struct Client {
    mcp: Mcp,
    settings: Arc<Settings>,
    /// What `initialize` agreed on.
    agreed: std::sync::Mutex<Option<Revision>>,
    /// Whether it has said that it may be told something.
    ready: AtomicBool,
    running: Arc<Running>,
    out: mpsc::Sender<Text>,
}

/// Serves one client until its input ends, and then what it has asked for, for a moment. `limit`: the
/// longest message in bytes. Fails when nothing can be read or written any more.
pub async fn stdio(
    mcp: &Mcp,
    input: impl AsyncBufRead + Unpin,
    output: impl AsyncWrite + Unpin,
    limit: usize,
) -> io::Result<()> {
    let (out, messages) = mpsc::channel(64);
    let client = Arc::new(Client {
        settings: mcp.settings().unwrap_or_default(),
        mcp: mcp.clone(),
        agreed: std::sync::Mutex::default(),
        ready: AtomicBool::new(false),
        running: Arc::default(),
        out,
    });
    let telling = tokio::spawn(client.clone().tell_changes());
    let served = async {
        let served = client.serve(Lines::new(input, limit)).await;
        telling.abort();
        let _ = telling.await;
        drop(client);
        served
    };
    let (served, written) = tokio::join!(served, write(messages, output));
    served.and(written)
}

async fn write(
    mut messages: mpsc::Receiver<Text>,
    mut output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    while let Some(message) = messages.recv().await {
        for part in message.on_one_line() {
            output.write_all(&part).await?;
        }
        output.write_all(b"\n").await?;
        output.flush().await?;
    }
    Ok(())
}

// === impl Client ===

impl Client {
    async fn serve<R: AsyncBufRead + Unpin>(
        self: &Arc<Client>,
        mut lines: Lines<R>,
    ) -> io::Result<()> {
        let mut requests = JoinSet::new();
        while !self.out.is_closed() {
            let line = tokio::select! {
                line = lines.next() => line?,
                () = self.out.closed() => break,
            };
            while requests.try_join_next().is_some() {}
            match line {
                None => break,
                Some(Ok(line)) if line.trim_ascii().is_empty() => {}
                Some(Ok(line)) => self.take(&line, &mut requests).await,
                Some(Err(too_long)) => {
                    let fault = Fault::invalid_request(too_long.to_string());
                    self.say(Text::of(fault.text(None))).await;
                }
            }
        }
        let rest = async { while requests.join_next().await.is_some() {} };
        // What is not done by then is left to itself, as any caller's that goes away.
        let _ = timeout(GRACE, rest).await;
        Ok(())
    }

    async fn take(self: &Arc<Client>, line: &Bytes, requests: &mut JoinSet<()>) {
        match Incoming::read(line) {
            Err(Unreadable(id, fault)) => self.say(Text::of(fault.text(id.as_ref()))).await,
            Ok(Incoming::One(message)) => self.message(message, requests).await,
            Ok(Incoming::Batch(messages)) if self.revision().takes_batches() => {
                for message in messages {
                    match message {
                        Ok(message) => self.message(message, requests).await,
                        Err(Unreadable(id, fault)) => {
                            self.say(Text::of(fault.text(id.as_ref()))).await;
                        }
                    }
                }
            }
            Ok(Incoming::Batch(_)) => {
                let message = "this protocol version has no batches: send each message by itself";
                let fault = Fault::invalid_request(message);
                self.say(Text::of(fault.text(None))).await;
            }
        }
    }

    async fn message(self: &Arc<Client>, message: Message, requests: &mut JoinSet<()>) {
        match message {
            Message::Response => {}
            Message::Notification(asked) if asked.method == "notifications/initialized" => {
                self.ready.store(true, Ordering::Relaxed);
            }
            Message::Notification(asked) => self.running.cancel_by(&asked),
            Message::Request(id, asked) => match self.begin(&id, &asked, requests.len()) {
                Err(fault) => self.say(Text::of(fault.text(Some(&id)))).await,
                Ok((_, revision)) if asked.method == "initialize" && !revision.is_modern() => {
                    let text = self.initialize(&id, &asked);
                    self.say(text).await;
                }
                Ok((under_way, revision)) => {
                    let client = self.clone();
                    requests.spawn(client.request(under_way, revision, id, asked));
                }
            },
        }
    }

    /// Makes a request known, and finds out what it speaks.
    fn begin(
        &self,
        id: &Id,
        asked: &Asked,
        under_way: usize,
    ) -> Result<(UnderWay, Revision), Fault> {
        if under_way >= MOST {
            let message = format!("{MOST} requests are under way: wait for an answer");
            return Err(Fault::busy(message));
        }
        let params = Params::of(asked)?;
        let modern = matches!(&*asked.method, "server/discover" | "subscriptions/listen");
        let revision = match params.version().is_some() || modern {
            true => params.check_modern()?,
            false => self.revision(),
        };
        let begun = self.running.begin(id);
        let message = "a request of this id is under way already";
        let begun = begun.ok_or_else(|| Fault::invalid_request(message))?;
        Ok((begun, revision))
    }

    fn initialize(&self, id: &Id, asked: &Asked) -> Text {
        let begun = Params::of(asked).and_then(|p| methods::initialize(id, &p, true));
        match begun {
            Err(fault) => Text::of(fault.text(Some(id))),
            Ok((text, revision)) => {
                let agreed = self.agreed.lock();
                *agreed.unwrap_or_else(std::sync::PoisonError::into_inner) = Some(revision);
                text
            }
        }
    }

    async fn request(
        self: Arc<Client>,
        under_way: UnderWay,
        revision: Revision,
        id: Id,
        asked: Asked,
    ) {
        let broker = self.mcp.broker();
        if asked.method.starts_with("tools/") && !broker.health().ready {
            let _ = timeout(LOADING, broker.settled()).await;
        }
        let asker = Asker::beside();
        match methods::handle(&self.mcp, &self.settings, asker, revision, id, &asked) {
            Err((id, fault)) => self.say(Text::of(fault.text(Some(&id)))).await,
            Ok(Handled::Answer(text)) => self.say(text).await,
            Ok(Handled::Call(pending)) => self.say_all(pending.messages(Some(under_way))).await,
            Ok(Handled::Listen(listener)) => {
                self.say_all(listener.messages(Some(under_way))).await;
            }
        }
    }

    /// Tells a client of a revision before 2026-07-28 that the tools have changed.
    async fn tell_changes(self: Arc<Client>) {
        let mut changes = Box::pin(self.mcp.changes(None));
        while changes.next().await.is_some() {
            if self.ready.load(Ordering::Relaxed) {
                self.say(methods::list_changed()).await;
            }
        }
    }

    fn revision(&self) -> Revision {
        let agreed = self.agreed.lock();
        let agreed = *agreed.unwrap_or_else(std::sync::PoisonError::into_inner);
        agreed.unwrap_or(Revision::ASSUMED)
    }

    async fn say_all(&self, messages: impl Stream<Item = Text>) {
        let mut messages = std::pin::pin!(messages);
        while let Some(message) = messages.next().await {
            self.say(message).await;
        }
    }

    async fn say(&self, message: Text) {
        // Who does not listen any more is gone.
        let _ = self.out.send(message).await;
    }
}
