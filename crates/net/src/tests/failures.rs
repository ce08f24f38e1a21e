use std::future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{Effect, Failure, Kind, Refusal};
use futures_util::future::BoxFuture;
use http::Method;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, pause};

use crate::NetErrorKind::*;
use crate::testing::{Names, Reply, Server, Then, close, fetch, get, http, keep, ok, rules, send};
use crate::{Lookup, NetError, Preset, Request, Response, Settings};

/// A port at which nothing listens.
async fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}

fn sending(request: Request) -> JoinHandle<Result<Response, NetError>> {
    tokio::spawn(send(request))
}

/// Lets time run past the deadline of the request and brings its error.
async fn after(time: Duration, sent: JoinHandle<Result<Response, NetError>>) -> NetError {
    pause();
    advance(time).await;
    sent.await.unwrap().unwrap_err()
}

#[tokio::test]
async fn a_refused_connection_has_no_effect() {
    let error = send(get(&format!("http://{}/secret", closed_port().await)))
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.effect), (Connection, Effect::None));
    assert!(
        error.message.contains("refused") && !error.message.contains("secret"),
        "{error}"
    );
}

#[tokio::test]
async fn an_unknown_host_has_no_effect() {
    let lookup = Names::of(&[("empty.example", &[&[]])]);
    let client = http(Settings {
        lookup,
        ..Settings::default()
    });
    for host in ["nowhere.example", "empty.example"] {
        let error = client
            .send(get(&format!("http://{host}/")))
            .await
            .unwrap_err();
        assert_eq!((error.kind, error.effect), (Connection, Effect::None));
        assert!(
            error.message.contains("looking up") && error.message.contains(host),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_ends_after_sending_may_have_had_an_effect() {
    let error = fetch(|_| close("")).await.unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (Connection, Effect::Maybe),
        "{error:?}"
    );
    let error = fetch(|_| Reply(Vec::new(), Then::Reset)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (Connection, Effect::Maybe),
        "{error:?}"
    );
    let error = fetch(|_| close("HTTP/1.1 200")).await.unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (Connection, Effect::Maybe),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_not_http_is_a_connection_error() {
    for answer in [
        "220 mail.example ESMTP\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
    ] {
        let error = fetch(move |_| keep(answer)).await.unwrap_err();
        assert_eq!(
            (error.kind, error.effect),
            (Connection, Effect::Maybe),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced_unnoticed() {
    let server = Server::start(|_| close("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await;
    let client = http(Settings::default());
    for _ in 0..20 {
        let mut request = get(&server.url("/"));
        request.method = Method::POST;
        request.body = Some(Bytes::from_static(b"x"));
        // The server may close between the check of the connection and the request: then there
        // is no telling whether it was read, which must be said.
        match client.send(request).await {
            Ok(answer) => assert_eq!(answer.text(), "ok"),
            Err(error) => assert_eq!((error.kind, error.effect), (Connection, Effect::Maybe)),
        }
    }
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let server = Server::start(|_| ok("x")).await;
    let client = http(Settings::default());
    for _ in 0..3 {
        client.send(get(&server.url("/"))).await.unwrap();
    }
    assert_eq!((server.seen().len(), server.connections()), (3, 1));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_a_read_timeout() {
    let server = Server::start(|_| keep("")).await;
    let sent = sending(get(&server.url("/")));
    server.wait_for(1).await;
    let error = after(Duration::from_secs(3601), sent).await;
    assert_eq!((error.kind, error.effect), (ReadTimeout, Effect::Maybe));
}

#[tokio::test]
async fn a_body_that_stalls_is_a_read_timeout() {
    let unfinished = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc";
    let server = Server::start(move |_| keep(unfinished)).await;
    let sent = sending(get(&server.url("/")));
    server.wait_for(1).await;
    let error = after(Duration::from_secs(3601), sent).await;
    assert_eq!((error.kind, error.effect), (ReadTimeout, Effect::Maybe));
}

#[tokio::test]
async fn a_body_that_drips_for_ever_is_a_read_timeout() {
    let endless = |_: &str| Reply(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), Then::Repeat(b"."));
    let server = Server::start(endless).await;
    let mut request = get(&server.url("/"));
    request.max_answer = usize::MAX;
    let sent = sending(request);
    server.wait_for(1).await;
    let error = after(Duration::from_secs(3601), sent).await;
    assert_eq!((error.kind, error.effect), (ReadTimeout, Effect::Maybe));
}

/// Never finds anything, and tells when it is asked.
struct Silent(Arc<Notify>);

impl Lookup for Silent {
    fn lookup(&self, _: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.0.notify_one();
        Box::pin(future::pending())
    }
}

#[tokio::test]
async fn connecting_ends_at_the_deadline_and_after_ten_seconds() {
    for (deadline, passes) in [(5, 6), (3600, 11)] {
        let asked = Arc::new(Notify::new());
        let lookup = Arc::new(Silent(asked.clone()));
        let client = http(Settings {
            lookup,
            ..Settings::default()
        });
        let mut request = get("http://slow.example/");
        request.deadline = Instant::now() + Duration::from_secs(deadline);
        let sent = tokio::spawn(async move { client.send(request).await });
        asked.notified().await;
        let error = after(Duration::from_secs(passes), sent).await;
        assert_eq!(
            (error.kind, error.effect),
            (ConnectTimeout, Effect::None),
            "{error:?}"
        );
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_is_a_connect_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sent = sending(get(&format!("https://{}/", listener.local_addr().unwrap())));
    let _connection = listener.accept().await.unwrap();
    let error = after(Duration::from_secs(11), sent).await;
    assert_eq!(
        (error.kind, error.effect),
        (ConnectTimeout, Effect::None),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_deadline_that_has_passed_sends_nothing() {
    let server = Server::start(|_| ok("")).await;
    let mut request = get(&server.url("/"));
    request.deadline = Instant::now();
    let error = send(request).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ConnectTimeout, Effect::None));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_url_that_cannot_be_called_never_leaves() {
    for (url, code) in [
        ("", "MissingSchema"),
        ("example.com", "MissingSchema"),
        ("ftp://example.com", "InvalidSchema"),
        ("http://", "InvalidURL"),
        ("http://h:99999", "InvalidURL"),
    ] {
        let failure = Failure::from(send(get(url)).await.unwrap_err());
        assert_eq!(
            (&*failure.code, failure.effect),
            (code, Effect::None),
            "{url}"
        );
        assert_eq!(failure.kind, Kind::Reported, "{url}");
    }
}

#[tokio::test]
async fn failures_carry_code_effect_and_a_private_detail() {
    let refused = send(get(&format!("http://{}/", closed_port().await)))
        .await
        .unwrap_err();
    let failure = Failure::from(refused);
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Transport, "ConnectionError")
    );
    assert_eq!(failure.effect, Effect::None);
    assert!(failure.detail.unwrap().contains("tcp connect error"));

    let client = http(Settings {
        egress: rules(Preset::Public, &[], &[]),
        ..Settings::default()
    });
    let failure = Failure::from(client.send(get("http://10.0.0.1/")).await.unwrap_err());
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Refused(Refusal::Egress), "EgressRefused")
    );
    assert_eq!(failure.effect, Effect::None);
}

#[test]
fn a_request_does_not_print_its_secrets() {
    let mut request = Request::new(Method::GET, "http://u:hunter2@h/?t=hunter2", Instant::now());
    request.set_header("Authorization", "hunter2").unwrap();
    assert!(!format!("{request:?}").contains("hunter2"));
}
