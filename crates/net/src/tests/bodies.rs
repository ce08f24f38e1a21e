use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::Effect;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use futures_util::StreamExt;
use http::Method;
use tokio::time::Instant;

use crate::NetErrorKind::{self, *};
use crate::testing::{Reply, Server, Then, close, fetch, get, http, keep, ok, send};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn encoded(encoding: &str, body: &[u8]) -> Reply {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    keep([head.as_bytes(), body].concat())
}

async fn failure(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (NetErrorKind, Effect) {
    let error = fetch(reply).await.unwrap_err();
    assert!(!error.message.contains("hunter2"), "{error}");
    (error.kind, error.effect)
}

#[tokio::test]
async fn an_answer_comes_back_whole_with_its_status_and_headers() {
    let server = Server::start(|_| {
        keep(
            "HTTP/1.1 404 x\r\nx-a: 1\r\nx-a: 2\r\ntransfer-encoding: chunked\r\n\r\n\
              3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        )
    })
    .await;
    let answer = send(get(&server.at("user:pw@localhost"))).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (404, &b"abcde"[..]));
    assert_eq!(answer.headers.get_all("x-a").iter().count(), 2);
    assert_eq!(answer.url.as_str(), server.at("localhost"));
    assert!(!format!("{answer:?}").contains("abc"));
}

#[tokio::test]
async fn a_body_without_an_end_is_read_as_it_comes() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let server = Server::start(move |_| Reply(head.into(), Then::Repeat(b": on\n\n"))).await;
    let client = http(crate::Settings::default());
    let opened = client.open(get(&server.url("/"))).await.unwrap();
    assert_eq!(opened.headers["content-type"], "text/event-stream");
    let mut chunks = Box::pin(opened.chunks());
    let mut read = 0;
    while read < 100_000 {
        read += chunks.next().await.unwrap().unwrap().len();
    }
    let whole = client.open(get(&server.url("/"))).await.unwrap();
    let error = whole
        .read(1000, Instant::now() + Duration::from_secs(60))
        .await;
    assert_eq!(error.unwrap_err().kind, AnswerTooLarge);
}

#[tokio::test]
async fn a_request_goes_out_as_it_was_made() {
    let server = Server::start(|_| ok("")).await;
    let mut request = get(&server.url("/a?x=1"));
    request.method = Method::POST;
    request.query = vec![("q".to_owned(), "ä b".to_owned())];
    request.body = Some(Bytes::from_static(b"the body"));
    request.set_header("X-Thing", "value").unwrap();
    request.set_header("Content-Length", "3").unwrap();
    send(request).await.unwrap();
    let seen = server.seen().remove(0);
    assert!(
        seen.starts_with("POST /a?x=1&q=%C3%A4+b HTTP/1.1\r\n"),
        "{seen}"
    );
    assert!(seen.ends_with("\r\n\r\nthe body"), "{seen}");
    let version = concat!("user-agent: crosspoint/", env!("CARGO_PKG_VERSION"), "\r\n");
    for line in [
        version,
        "accept: */*\r\n",
        "x-thing: value\r\n",
        "content-length: 8\r\n",
    ] {
        assert_eq!(seen.matches(line).count(), 1, "{line} in {seen}");
    }
}

#[tokio::test]
async fn a_callers_own_headers_replace_the_defaults() {
    let server = Server::start(|_| ok("")).await;
    let mut request = get(&server.url("/"));
    request.set_header("User-Agent", "mine").unwrap();
    request.set_header("Accept", "a/b").unwrap();
    send(request).await.unwrap();
    let seen = server.seen().remove(0);
    assert!(
        seen.contains("user-agent: mine\r\n") && seen.contains("accept: a/b\r\n"),
        "{seen}"
    );
    assert!(
        !seen.contains("crosspoint") && !seen.contains("*/*"),
        "{seen}"
    );
}

#[tokio::test]
async fn compressed_answers_are_decompressed() {
    let answer = fetch(|_| encoded("gzip", &gzip(b"hello"))).await.unwrap();
    assert_eq!(answer.text(), "hello");
    assert!(!answer.headers.contains_key("content-encoding"));
    let deflated = {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"hello").unwrap();
        encoder.finish().unwrap()
    };
    let answer = fetch(move |_| encoded("deflate", &deflated)).await.unwrap();
    assert_eq!(answer.text(), "hello");
}

#[tokio::test]
async fn answers_without_a_body_need_none_to_be_compressed() {
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 99999999999\r\n\r\n";
    let server = Server::start(move |_| keep(head)).await;
    let mut request = get(&server.url("/"));
    request.method = Method::HEAD;
    assert!(send(request).await.unwrap().body.is_empty());
    let answer = fetch(|_| keep("HTTP/1.1 204 x\r\ncontent-encoding: gzip\r\n\r\n"))
        .await
        .unwrap();
    assert!(answer.body.is_empty());
    let answer = fetch(|_| encoded("gzip", b"")).await.unwrap();
    assert!(answer.body.is_empty());
}

#[tokio::test]
async fn wrong_compression_is_a_decoding_error() {
    let expected = (Decoding, Effect::Done);
    assert_eq!(
        failure(|_| encoded("gzip", b"this is not gzip at all")).await,
        expected
    );
    assert_eq!(
        failure(|_| encoded("deflate", b"this is not deflate")).await,
        expected
    );
    let cut = gzip(&[7; 1000]);
    assert_eq!(
        failure(move |_| encoded("gzip", &cut[..cut.len() - 9])).await,
        expected
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_from_one_that_ends() {
    let expected = (BrokenBody, Effect::Done);
    let lie = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc";
    assert_eq!(failure(move |_| close(lie)).await, expected);
    let cut = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab";
    assert_eq!(failure(move |_| close(cut)).await, expected);
    let unfinished = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n";
    assert_eq!(failure(move |_| close(unfinished)).await, expected);
    let bad = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n";
    assert_eq!(failure(move |_| keep(bad)).await, expected);
    let reset = lie.as_bytes().to_vec();
    assert_eq!(
        failure(move |_| Reply(reset.clone(), Then::Reset)).await,
        expected
    );
    let zipped = |_: &str| {
        let Reply(mut bytes, _) = encoded("gzip", &gzip(&[7; 1000]));
        bytes.truncate(bytes.len() - 5);
        close(bytes)
    };
    assert_eq!(failure(zipped).await, expected);
    let to_the_end = fetch(|_| close("HTTP/1.1 200 OK\r\n\r\nuntil it closes"))
        .await
        .unwrap();
    assert_eq!(to_the_end.text(), "until it closes");
}

#[tokio::test]
async fn an_answer_may_be_as_large_as_allowed_and_no_larger() {
    let server = Server::start(|_| ok("12345678")).await;
    let mut request = get(&server.url("/"));
    request.max_answer = 8;
    assert_eq!(send(request.clone()).await.unwrap().text(), "12345678");
    request.max_answer = 7;
    let error = send(request).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (AnswerTooLarge, Effect::Done));
}

#[tokio::test]
async fn an_announced_size_is_refused_before_it_is_read() {
    // The body never comes: only the announcement can end this.
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
    assert_eq!(
        failure(move |_| keep(head)).await,
        (AnswerTooLarge, Effect::Done)
    );
}

#[tokio::test]
async fn an_endless_answer_ends_at_the_limit() {
    let endless = |_: &str| {
        let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        Reply(head, Then::Repeat(&[b'.'; 1 << 16]))
    };
    assert_eq!(failure(endless).await, (AnswerTooLarge, Effect::Done));
}

#[tokio::test]
async fn a_decompression_bomb_ends_at_the_limit() {
    // A mebibyte of zeros and the rest never comes: reading it all would never end.
    let mut bomb = gzip(&vec![0; 1 << 20]);
    bomb.truncate(bomb.len() - 100);
    let server = Server::start(move |_| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1000000\r\n\r\n";
        keep([&head[..], &bomb].concat())
    })
    .await;
    let mut request = get(&server.url("/"));
    request.max_answer = 100_000;
    let error = send(request).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (AnswerTooLarge, Effect::Done));
}
