//! The codes that diagrams catch.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::harness::{Answer, Reply, Setup, Upstream, closed_port, shared};

async fn answer(reply: fn() -> Reply) -> Answer {
    let upstream = Upstream::start(move |_| reply()).await;
    shared()
        .await
        .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await
}

fn failed(answer: &Answer, code: &str) {
    assert_eq!(
        answer.failure(),
        (200, 500, code.to_owned()),
        "{}",
        answer.text
    );
    assert!(answer.message().len() > 10, "{}", answer.text);
}

#[tokio::test]
async fn a_status_from_400_on_is_an_error_that_keeps_its_body() {
    for (status, text, body) in [
        (
            404,
            r#"{"why": "gone", "n": 1.50}"#,
            json!({"why": "gone", "n": 1.50}),
        ),
        (400, "plain", json!({"raw_response": "plain"})),
        (503, "", json!({"raw_response": ""})),
    ] {
        let mimetype = if text.starts_with('{') {
            "application/json"
        } else {
            "text/plain"
        };
        let reply = move || {
            Reply::status(status)
                .header("content-type", mimetype)
                .body(text)
        };
        let upstream = Upstream::start(move |_| reply()).await;
        let answer = shared()
            .await
            .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
            .await;
        let wanted = (200, u64::from(status), format!("HttpError{status}"));
        assert_eq!(answer.failure(), wanted);
        assert_eq!(answer.body(), body);
        assert!(answer.message().contains(text), "{}", answer.message());
    }
}

#[tokio::test]
async fn an_error_page_that_cannot_be_parsed_is_an_error_page_first() {
    let answer = answer(|| Reply::json("<h1>no JSON</h1>").header("x", "y")).await;
    assert_eq!(answer.code(), "JSONDecodeError");
    let upstream = Upstream::start(|_| {
        Reply::status(502)
            .header("content-type", "application/json")
            .body("<h1>no JSON</h1>")
    })
    .await;
    let answer = shared()
        .await
        .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await;
    assert_eq!(answer.failure(), (200, 502, "HttpError502".to_owned()));
    assert_eq!(answer.body(), json!({"raw_response": "<h1>no JSON</h1>"}));
}

#[tokio::test]
async fn a_body_that_is_not_what_it_says_is_named_and_kept() {
    let json = answer(|| Reply::json("nope")).await;
    assert_eq!(
        (json.status, json.code().as_str()),
        (200, "JSONDecodeError")
    );
    assert_eq!(json.body(), json!({"raw_response": "nope"}));
    let xml = answer(|| Reply::ok("text/xml", "<a><b></a>")).await;
    assert_eq!((xml.status, xml.code().as_str()), (200, "ExpatError"));
}

#[tokio::test]
async fn a_closed_port_is_a_connection_error() {
    let (_kept, address) = closed_port();
    for id in [
        "http/GetRequestV2",
        "http/PostRequestV2",
        "http/HeadRequestV2",
        "http/PutRequest",
    ] {
        let answer = shared()
            .await
            .call(id, json!({"url": format!("http://{address}/secret")}))
            .await;
        failed(&answer, "ConnectionError");
        assert!(
            answer.message().contains(&address.to_string()),
            "{}",
            answer.message()
        );
    }
}

#[tokio::test]
async fn hanging_up_before_an_answer_is_a_connection_error() {
    failed(&answer(|| Reply::raw("")).await, "ConnectionError");
    failed(
        &answer(|| Reply::raw("this is not HTTP\r\n\r\n")).await,
        "ConnectionError",
    );
    failed(
        &answer(|| Reply::raw("HTTP/1.1 200 OK\r\ncontent-le")).await,
        "ConnectionError",
    );
}

#[tokio::test]
async fn silence_is_a_read_timeout_at_the_deadline_or_the_timeout_of_an_attempt() {
    let upstream = Upstream::start(|_| Reply::silence()).await;
    for config in [
        "[spiff]\ndeadline = \"2s\"\n",
        "[connectors.http.policy]\ntimeout = \"2s\"\n",
        "[connectors.http.policy]\ndeadline = \"2s\"\n",
    ] {
        let proxy = Setup::new().config(config).serve().await;
        let answer = proxy
            .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
            .await;
        failed(&answer, "ReadTimeout");
    }
}

#[tokio::test]
async fn a_cut_body_is_a_chunked_encoding_error() {
    for reply in [
        || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nonly this"),
        || Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nonly "),
        || Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
    ] {
        failed(&answer(reply).await, "ChunkedEncodingError");
    }
}

#[tokio::test]
async fn a_lie_about_compression_is_a_content_decoding_error() {
    failed(
        &answer(|| Reply::json("{}").header("content-encoding", "gzip")).await,
        "ContentDecodingError",
    );
}

fn bomb() -> Reply {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        gzip.write_all(&[b' '; 1 << 20]).unwrap();
    }
    Reply::json("")
        .header("content-encoding", "gzip")
        .body(gzip.finish().unwrap())
}

fn flood() -> Reply {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    Reply::endless(head, b"5\r\nabcde\r\n", Duration::ZERO)
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_too_large_however_it_grows() {
    failed(&answer(bomb).await, "AnswerTooLarge");
    let config = "[connectors.http]\nmax_answer = \"1KiB\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let replies: [fn() -> Reply; 4] = [
        flood,
        bomb,
        || Reply::ok("text/plain", "x".repeat(1025)),
        || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 9999999999999\r\n\r\nx"),
    ];
    for reply in replies {
        let upstream = Upstream::start(move |_| reply()).await;
        let answer = proxy
            .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
            .await;
        failed(&answer, "AnswerTooLarge");
    }
    let upstream = Upstream::start(|_| Reply::ok("text/plain", "x".repeat(1024))).await;
    proxy
        .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await
        .success();
}

#[tokio::test]
async fn a_url_that_is_none_is_the_commands_own_failure() {
    for (url, code) in [
        ("", "MissingSchema"),
        ("example.com/x", "MissingSchema"),
        ("localhost:8080", "MissingSchema"),
        ("//example.com", "MissingSchema"),
        ("ftp://example.com/", "InvalidSchema"),
        ("file:///etc/passwd", "InvalidSchema"),
        ("gopher://127.0.0.1:25/x", "InvalidSchema"),
        ("http://", "InvalidURL"),
        ("http:///path", "InvalidURL"),
        ("http://127.0.0.1:99999/", "InvalidURL"),
        ("http://a b/", "InvalidURL"),
        ("http://[::1/", "InvalidURL"),
    ] {
        for id in ["http/GetRequestV2", "http/DeleteRequest"] {
            let answer = shared().await.call(id, json!({"url": url})).await;
            assert_eq!(answer.failure(), (200, 500, code.to_owned()), "{id} {url}");
        }
    }
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_an_invalid_header() {
    let upstream = Upstream::echo().await;
    for headers in [
        json!({"bad name": "x"}),
        json!({"": "x"}),
        json!({"x-split": "a\r\nx-evil: 1"}),
        json!({"x-nul": "a\u{0}b"}),
        json!({"x-list": ["a"]}),
    ] {
        let arguments = json!({"url": upstream.url("/"), "headers": headers});
        let answer = shared().await.call("http/GetRequestV2", arguments).await;
        failed(&answer, "InvalidHeader");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn when_to_try_again_is_passed_on() {
    let answer = answer(|| {
        Reply::status(429)
            .header("retry-after", "7")
            .body("slow down")
    })
    .await;
    assert_eq!(answer.failure(), (200, 429, "HttpError429".to_owned()));
    assert_eq!(answer.header("retry-after"), "7");
}

#[tokio::test]
async fn a_status_that_nobody_knows_fits_the_protocol() {
    let answer = answer(|| Reply::status(799).body("odd")).await;
    assert_eq!(
        (answer.status, answer.body()),
        (200, json!({"raw_response": "odd"}))
    );
    assert_ne!(answer.json()["error"], Value::Null);
}

#[tokio::test]
async fn a_failing_call_still_tells_its_steps() {
    let (_kept, address) = closed_port();
    let url = format!("http://{address}/path");
    let answer = shared()
        .await
        .call("http/GetRequestV2", json!({"url": url}))
        .await;
    assert!(
        answer.logs().contains(&format!("GET {url}")),
        "{}",
        answer.logs()
    );
    assert!(
        answer.logs().contains("ConnectionError"),
        "{}",
        answer.logs()
    );
}
