//! Servers and clients for the tests. Everything happens on 127.0.0.1.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Method;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::{Entry, Http, Lookup, NetError, Preset, Request, Response, Rules, Settings};

/// What happens to the connection after a reply.
pub enum Then {
    /// The next request may come.
    Keep,
    /// It is closed in good order.
    Close,
    /// It is reset.
    Reset,
    /// These bytes follow for ever.
    Repeat(&'static [u8]),
}

pub struct Reply(pub Vec<u8>, pub Then);

pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
    connections: Arc<AtomicUsize>,
}

pub fn keep(text: impl AsRef<[u8]>) -> Reply {
    Reply(text.as_ref().to_vec(), Then::Keep)
}

pub fn close(text: impl AsRef<[u8]>) -> Reply {
    Reply(text.as_ref().to_vec(), Then::Close)
}

/// A 200 with a body of the right length.
pub fn ok(body: &str) -> Reply {
    keep(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

pub fn redirect(status: u16, location: &str) -> Reply {
    keep(format!(
        "HTTP/1.1 {status} x\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
    ))
}

// === impl Server ===

impl Server {
    /// Answers every request with what `reply` makes of its text.
    pub async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Server {
        Server::listen("127.0.0.1:0", None, reply).await
    }

    pub async fn start_tls(
        config: rustls::ServerConfig,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Server::listen("127.0.0.1:0", Some(acceptor), reply).await
    }

    async fn listen(
        address: &str,
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (counter, count) = watch::channel(0);
        let connections = Arc::new(AtomicUsize::new(0));
        let connected = connections.clone();
        let (reply, counter, log) = (Arc::new(reply), Arc::new(counter), seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connected.fetch_add(1, Ordering::SeqCst);
                let (reply, log, counter) = (reply.clone(), log.clone(), counter.clone());
                let see = move |text: &str| {
                    log.lock().unwrap().push(text.to_owned());
                    counter.send_modify(|n| *n += 1);
                    reply(text)
                };
                let tls = tls.clone();
                tokio::spawn(async move {
                    // What a client does to the connection is checked at the client.
                    let _ = match tls {
                        None => serve_plain(stream, see).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(mut stream) => serve(&mut stream, see).await.map(drop),
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        Server {
            address,
            seen,
            count,
            connections,
        }
    }

    /// A forward proxy that opens tunnels, all to `target` whatever they are asked for.
    pub async fn tunnel(target: SocketAddr) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (counter, count) = watch::channel(0);
        let connections = Arc::new(AtomicUsize::new(0));
        let connected = connections.clone();
        let log = seen.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                connected.fetch_add(1, Ordering::SeqCst);
                let head = read_request(&mut stream).await.unwrap();
                log.lock().unwrap().push(head.unwrap());
                counter.send_modify(|n| *n += 1);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut onward = TcpStream::connect(target).await.unwrap();
                tokio::spawn(async move {
                    let _ = copy_bidirectional(&mut stream, &mut onward).await;
                });
            }
        });
        Server {
            address,
            seen,
            count,
            connections,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A URL that names the server by `host`.
    pub fn at(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.address.port())
    }

    /// The requests so far, each with its body.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until so many requests have arrived.
    pub async fn wait_for(&self, n: usize) {
        self.count
            .clone()
            .wait_for(|count| *count >= n)
            .await
            .unwrap();
    }
}

async fn serve_plain(mut stream: TcpStream, reply: impl Fn(&str) -> Reply) -> io::Result<()> {
    if let Then::Reset = serve(&mut stream, reply).await? {
        stream.set_zero_linger()?;
    }
    Ok(())
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    reply: impl Fn(&str) -> Reply,
) -> io::Result<Then> {
    while let Some(text) = read_request(stream).await? {
        let Reply(bytes, then) = reply(&text);
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        match then {
            Then::Keep => continue,
            Then::Close => {
                stream.shutdown().await?;
                return Ok(then);
            }
            Then::Reset => return Ok(then),
            Then::Repeat(more) => loop {
                stream.write_all(more).await?;
                tokio::task::yield_now().await;
            },
        }
    }
    Ok(Then::Close)
}

/// One request with its body as text; none when the connection was closed.
async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<String>> {
    let mut text = Vec::new();
    loop {
        let whole = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = whole.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Ok(Some(whole));
            }
        }
        if stream.read_buf(&mut text).await? == 0 {
            return Ok(None);
        }
    }
}

/// Names with the answers they give, one after the other; the last one stays.
#[derive(Default)]
pub struct Names(Mutex<HashMap<String, Vec<Vec<IpAddr>>>>);

// === impl Names ===

impl Names {
    pub fn of(list: &[(&str, &[&[&str]])]) -> Arc<Names> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        let entry = |(name, answers): &(&str, &[&[&str]])| {
            (
                (*name).to_owned(),
                answers.iter().rev().map(parse).collect(),
            )
        };
        Arc::new(Names(Mutex::new(list.iter().map(entry).collect())))
    }
}

impl Lookup for Names {
    fn lookup(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut names = self.0.lock().unwrap();
        let answer = match names.get_mut(name) {
            Some(answers) if answers.len() > 1 => Ok(answers.pop().unwrap()),
            Some(answers) => Ok(answers[0].clone()),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "no such name")),
        };
        Box::pin(std::future::ready(answer))
    }
}

pub fn rules(preset: Preset, allow: &[&str], deny: &[&str]) -> Rules {
    let entries =
        |list: &[&str]| -> Vec<Entry> { list.iter().map(|text| text.parse().unwrap()).collect() };
    Rules {
        preset,
        allow: entries(allow),
        deny: entries(deny),
    }
}

pub fn http(settings: Settings) -> Http {
    Http::new(settings).unwrap()
}

/// A GET request with more time than any test takes.
pub fn get(url: &str) -> Request {
    Request::new(Method::GET, url, Instant::now() + Duration::from_secs(3600))
}

pub async fn send(request: Request) -> Result<Response, NetError> {
    http(Settings::default()).send(request).await
}

/// Sends a GET request to a server that replies so.
pub async fn fetch(
    reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> Result<Response, NetError> {
    let server = Server::start(reply).await;
    send(get(&server.url("/path?query=hunter2"))).await
}
