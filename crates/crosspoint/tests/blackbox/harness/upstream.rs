//! A system that connectors talk to, which does whatever a test wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::reply::Then;
use super::{Gate, PATIENCE, Reply, json};

/// A local server; lives as long as the runtime of its test.
pub struct Upstream {
    pub address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
    count: watch::Receiver<usize>,
}

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub method: String,
    /// Path and query, or the whole URL when it was sent to a forward proxy.
    pub target: String,
    /// In their order; names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The first byte that a client of TLS sends.
const TLS_HANDSHAKE: u8 = 0x16;

/// A port of 127.0.0.1 that refuses connections. It stays taken while the socket is kept.
pub fn closed_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

// === impl Upstream ===

impl Upstream {
    /// Answers each request with what `reply` makes of it.
    pub async fn start(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Upstream {
        Upstream::listen(None, reply).await
    }

    /// The same with TLS.
    pub async fn start_tls(
        tls: TlsAcceptor,
        reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Upstream {
        Upstream::listen(Some(tls), reply).await
    }

    /// Answers each request with its description.
    pub async fn echo() -> Upstream {
        Upstream::start(Reply::echo).await
    }

    async fn listen(
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Upstream::accept(listener, tls, reply)
    }

    /// The same at a port that was closed up to now; see [`closed_port`].
    pub fn open(
        closed: TcpSocket,
        reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Upstream {
        Upstream::accept(closed.listen(1024).unwrap(), None, reply)
    }

    fn accept(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Upstream {
        let address = listener.local_addr().unwrap();
        let (counter, count) = watch::channel(0);
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let list = seen.clone();
        let answer = Arc::new(move |request: Seen| {
            let reply = reply(&request);
            list.lock().unwrap().push(request);
            counter.send_modify(|n| *n += 1);
            reply
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, answer) = (tls.clone(), answer.clone());
                // What the proxy makes of a connection is checked at the proxy.
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*answer).await,
                        Some(tls) => serve(tls.accept(stream).await.ok()?, &*answer).await,
                    }
                });
            }
        });
        Upstream {
            address,
            scheme,
            seen,
            count,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests of this method there were so far.
    pub fn seen_by(&self, method: &str) -> usize {
        let seen = self.seen();
        seen.iter().filter(|seen| seen.method == method).count()
    }

    /// The last request.
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("no request has arrived")
    }

    /// Waits until so many requests have arrived.
    pub async fn arrived(&self, count: usize) {
        let mut counter = self.count.clone();
        let arrived = timeout(PATIENCE, counter.wait_for(|n| *n >= count)).await;
        arrived.expect("the requests do not arrive").unwrap();
    }
}

/// Serves one connection until either side has enough of it; None stands for that, too.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    answer: &(impl Fn(Seen) -> Reply + ?Sized),
) -> Option<()> {
    let mut stream = BufStream::new(stream);
    loop {
        let request = Seen::read(&mut stream).await?;
        let bodiless = request.method == "HEAD";
        let reply = answer(request);
        if let Some(Gate(gate)) = &reply.gate {
            gate.acquire().await.ok()?.forget();
        }
        if !reply.pause.is_zero() {
            sleep(reply.pause).await;
        }
        stream.write_all(&reply.bytes(bodiless)).await.ok()?;
        stream.flush().await.ok()?;
        match reply.then {
            Then::Keep => {}
            Then::Close => return stream.shutdown().await.ok(),
            Then::Hold => drop(stream.read_to_end(&mut Vec::new()).await.ok()?),
            Then::Repeat(bytes, pause) => loop {
                sleep(pause).await;
                stream.write_all(bytes).await.ok()?;
                stream.flush().await.ok()?;
            },
        }
    }
}

// === impl Seen ===

impl Seen {
    async fn read(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Seen> {
        let mut lines = Vec::new();
        // Somebody wants TLS of a server that has none: no line will ever end.
        if stream.fill_buf().await.ok()?.first() == Some(&TLS_HANDSHAKE) {
            return None;
        }
        loop {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
                return None;
            }
            match String::from_utf8_lossy(&line).trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut words = lines.first()?.split(' ').map(str::to_owned);
        let mut seen = Seen {
            method: words.next()?,
            target: words.next()?,
            ..Seen::default()
        };
        for line in &lines[1..] {
            let (name, value) = line.split_once(':')?;
            seen.headers
                .push((name.to_lowercase(), value.trim().to_owned()));
        }
        seen.body = vec![0; seen.header("content-length").parse().unwrap_or(0)];
        stream.read_exact(&mut seen.body).await.ok()?;
        Some(seen)
    }

    /// A header; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        json(&self.text())
    }

    /// Everything that arrived, for looking for what should not have.
    pub fn everything(&self) -> String {
        format!(
            "{} {} {:?} {}",
            self.method,
            self.target,
            self.headers,
            self.text()
        )
    }
}
