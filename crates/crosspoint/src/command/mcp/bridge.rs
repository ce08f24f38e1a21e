//! Between a client on standard input and a server at an address: what one says is passed on to the
//! other as it is.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::Secret;
use crosspoint_ingress::mcp::Lines;
use crosspoint_net::{Http, NetError, Opened, Request};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::letter::Letter;
use super::passing::{Out, fault, one_line, refusal, relay, write};

/// How long the head of an answer may take. The server sends it after a second at the latest.
const HEAD: Duration = Duration::from_secs(60);

/// More than any result.
const LONGEST_ANSWER: usize = 1 << 30;

/// How long requests under way may take once the client asks for nothing more.
const GRACE: Duration = Duration::from_secs(5);

/// The pause before a stream that broke off is opened again.
const AGAIN: Duration = Duration::from_secs(2);

const STREAM: &str = "text/event-stream";

const SESSION: &str = "mcp-session-id";

/// The two sides.
pub(super) struct Bridge {
    http: Http,
    url: Url,
    key: Option<Secret<String>>,
    agreed: Mutex<Agreed>,
    running: Mutex<HashMap<String, CancellationToken>>,
}

/// What `initialize` came to.
#[derive(Default, Clone)]
struct Agreed {
    /// As the client sent it: said again to a server that has forgotten the session.
    greeting: Option<Bytes>,
    session: Option<String>,
    revision: Option<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Bridge ===

impl Bridge {
    /// To the server at this address.
    pub(super) fn new(http: Http, mut url: Url, key: Option<Secret<String>>) -> Bridge {
        url.set_query(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("mcp");
        }
        Bridge {
            http,
            url,
            key,
            agreed: Mutex::default(),
            running: Mutex::default(),
        }
    }

    /// Passes everything on until the input ends.
    pub(super) async fn run(
        self: Arc<Bridge>,
        input: impl AsyncBufRead + Unpin,
        output: impl AsyncWrite + Unpin,
        limit: usize,
    ) -> io::Result<()> {
        let (out, messages) = mpsc::channel(64);
        let (passed, written) = tokio::join!(
            self.clone().pass_on(Lines::new(input, limit), out),
            write(messages, output)
        );
        self.leave().await;
        passed.and(written)
    }

    async fn pass_on<R: AsyncBufRead + Unpin>(
        self: Arc<Bridge>,
        mut lines: Lines<R>,
        out: Out,
    ) -> io::Result<()> {
        let (mut requests, mut listening) = (JoinSet::new(), JoinSet::new());
        while let Some(line) = tokio::select! {
            line = lines.next() => line?,
            () = out.closed() => None,
        } {
            while requests.try_join_next().is_some() {}
            let line = match line {
                Ok(line) if line.trim_ascii().is_empty() => continue,
                Ok(line) => line,
                Err(too_long) => {
                    let _ = out.send(fault(None, &too_long.to_string())).await;
                    continue;
                }
            };
            let letter = Letter::read(line);
            if letter.method.as_deref() == Some("notifications/cancelled") {
                self.cancel(&letter);
            }
            // Each after the one before it: a session is opened before it is used.
            let in_order = letter.id.is_none() || letter.opens();
            let ready = letter.method.as_deref() == Some("notifications/initialized");
            let asked = self.clone().ask(letter, out.clone());
            match in_order {
                true => asked.await,
                false => drop(requests.spawn(asked)),
            }
            if ready && lock(&self.agreed).session.is_some() {
                listening.spawn(self.clone().listen(out.clone()));
            }
        }
        let rest = async { while requests.join_next().await.is_some() {} };
        let _ = timeout(GRACE, rest).await;
        Ok(())
    }

    /// Asks the server, and passes on what it says until that ends or the client does not want to
    /// know any more.
    async fn ask(self: Arc<Bridge>, letter: Letter, out: Out) {
        let Some(id) = letter.id.clone() else {
            return self.tell(&letter, &out).await;
        };
        let cancelled = CancellationToken::new();
        lock(&self.running).insert(id.clone(), cancelled.clone());
        tokio::select! {
            () = cancelled.cancelled() => {}
            () = self.tell(&letter, &out) => {}
        }
        lock(&self.running).remove(&id);
    }

    fn cancel(&self, letter: &Letter) {
        // Where there is a session the server is told, and ends its answer by itself.
        let session = lock(&self.agreed).session.is_some();
        if let Some(id) = letter.cancels.as_ref().filter(|_| !session)
            && let Some(cancelled) = lock(&self.running).get(id)
        {
            cancelled.cancel();
        }
    }

    async fn tell(&self, letter: &Letter, out: &Out) {
        let answer = match self.send(letter).await {
            Ok(answer) if answer.status == 404 && self.has_forgotten(letter) => {
                self.greet_again().await;
                self.send(letter).await
            }
            answer => answer,
        };
        let failed = match answer {
            Ok(answer) => self.hear(letter, answer, out).await,
            Err(error) => Err(format!("asking the server: {error}")),
        };
        let Err(why) = failed else { return };
        tracing::warn!("{why}");
        if let Some(id) = &letter.id {
            let _ = out.send(fault(Some(id), &why)).await;
        }
    }

    async fn hear(&self, letter: &Letter, answer: Opened, out: &Out) -> Result<(), String> {
        let header = |name: &str| {
            let value = answer.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        if letter.opens() {
            let session = header(SESSION);
            let mut agreed = lock(&self.agreed);
            agreed.session = session;
            agreed.greeting = Some(letter.text.clone());
        }
        let kind = header("content-type").unwrap_or_default();
        if kind.starts_with(STREAM) {
            return relay(answer, out).await;
        }
        let status = answer.status;
        let body = answer.read(LONGEST_ANSWER, Instant::now() + HEAD).await;
        let body = body.map_err(|error| format!("reading the server's answer: {error}"))?;
        if letter.opens() {
            let revision = serde_json::from_slice::<Value>(&body).ok();
            let revision = revision.and_then(|v| {
                let revision = &v["result"]["protocolVersion"];
                revision.as_str().map(str::to_owned)
            });
            lock(&self.agreed).revision = revision;
        }
        match self.is_answer(letter, &body) {
            true => {
                let _ = out.send(one_line(&body)).await;
                Ok(())
            }
            false if letter.id.is_none() && status < 400 => Ok(()),
            false => Err(refusal(status, &body)),
        }
    }

    /// Whether a body answers a request. What the server refused as a whole has no id.
    fn is_answer(&self, letter: &Letter, body: &Bytes) -> bool {
        let read = serde_json::from_slice::<Value>(body).ok();
        match (read, &letter.id) {
            (Some(Value::Array(_)), _) => true,
            (Some(value), Some(id)) => value.get("id") == serde_json::from_str(id).ok().as_ref(),
            // It was no message, and that is said.
            (Some(value), None) => letter.method.is_none() && value.get("error").is_some(),
            _ => false,
        }
    }

    async fn send(&self, letter: &Letter) -> Result<Opened, NetError> {
        let mut request = self.request(Method::POST)?;
        request.set_header(CONTENT_TYPE.as_str(), "application/json")?;
        let both = HeaderValue::from_static("application/json, text/event-stream");
        request.headers.insert(ACCEPT, both);
        match &letter.revision {
            // What is new says everything by itself.
            Some(revision) => {
                request.headers.remove(SESSION);
                request.set_header("mcp-protocol-version", revision)?;
                request.set_header("mcp-method", letter.method.as_deref().unwrap_or_default())?;
                if let Some(name) = letter.name_header() {
                    request.set_header("mcp-name", &name)?;
                }
            }
            None if letter.opens() => {
                request.headers.remove(SESSION);
                request.headers.remove("mcp-protocol-version");
            }
            None => {}
        }
        request.body = Some(letter.text.clone());
        self.http.open(request).await
    }

    fn request(&self, method: Method) -> Result<Request, NetError> {
        let deadline = Instant::now() + HEAD;
        let mut request = Request::new(method, self.url.as_str(), deadline);
        request.follow = false;
        if let Some(key) = &self.key {
            request.set_header("authorization", &format!("Bearer {}", key.expose()))?;
        }
        let agreed = lock(&self.agreed).clone();
        if let Some(session) = &agreed.session {
            request.set_header(SESSION, session)?;
        }
        if let Some(revision) = &agreed.revision {
            request.set_header("mcp-protocol-version", revision)?;
        }
        Ok(request)
    }

    fn has_forgotten(&self, letter: &Letter) -> bool {
        let has_session = lock(&self.agreed).session.is_some();
        has_session && !letter.opens() && letter.revision.is_none()
    }

    /// A server that was started anew knows nothing of the session: it gets another greeting. The client
    /// does not notice.
    async fn greet_again(&self) {
        let Some(greeting) = lock(&self.agreed).greeting.clone() else {
            return;
        };
        let greeting = Letter::read(greeting);
        if let Ok(answer) = self.send(&greeting).await {
            let session = answer.headers.get(SESSION);
            let session = session.and_then(|id| id.to_str().ok()).map(str::to_owned);
            lock(&self.agreed).session = session;
            let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
            let _ = self.send(&Letter::read(ready.to_string().into())).await;
            tracing::info!("The server has forgotten the session; opened another.");
        }
    }

    /// Passes on what the server says without being asked. Ends when it says that it never does.
    async fn listen(self: Arc<Bridge>, out: Out) {
        loop {
            let opened = async {
                let mut request = self.request(Method::GET)?;
                request
                    .headers
                    .insert(ACCEPT, HeaderValue::from_static(STREAM));
                self.http.open(request).await
            };
            match opened.await {
                Ok(answer) if answer.status == 200 => {
                    let _ = relay(answer, &out).await;
                }
                Ok(answer) if answer.status == 405 => return,
                _ => {}
            }
            sleep(AGAIN).await;
        }
    }

    /// Gives the session back.
    async fn leave(&self) {
        if lock(&self.agreed).session.is_none() {
            return;
        }
        if let Ok(request) = self.request(Method::DELETE) {
            let _ = timeout(GRACE, self.http.open(request)).await;
        }
    }
}
