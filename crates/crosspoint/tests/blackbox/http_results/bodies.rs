//! How the bodies of answers are read.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value, json};

use crate::harness::{Answer, Reply, Upstream, shared};

async fn answer(reply: fn() -> Reply) -> Answer {
    let upstream = Upstream::start(move |_| reply()).await;
    let answer = shared()
        .await
        .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await;
    assert_eq!(answer.header("content-type"), "application/json");
    answer
}

async fn body(reply: fn() -> Reply) -> Value {
    answer(reply).await.success()
}

#[tokio::test]
async fn json_is_parsed() {
    let read = body(|| Reply::json(r#"{"a": [1, null, "é"]}"#)).await;
    assert_eq!(read, json!({"a": [1, null, "é"]}));
    for (text, value) in [("[]", json!([])), ("5", json!(5)), ("null", Value::Null)] {
        let upstream =
            Upstream::start(move |_| Reply::ok("Application/JSON; charset=utf-8", text)).await;
        let answer = shared()
            .await
            .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
            .await;
        assert_eq!(answer.success(), value);
    }
}

#[tokio::test]
async fn json_keeps_its_spelling() {
    const TEXT: &str = r#"{"amount": 1.50, "amount": 1e40, "big": 123456789012345678901234567890}"#;
    let answer = answer(|| Reply::json(TEXT)).await;
    assert!(answer.text.contains(TEXT), "{}", answer.text);
}

#[tokio::test]
async fn xml_is_parsed_as_the_packages_do() {
    const XML: &str = "<?xml version=\"1.0\"?><r a=\"1\"><i>x</i><i>y</i><e/><t n=\"2\">é</t></r>";
    let wanted =
        json!({"r": {"@a": "1", "i": ["x", "y"], "e": null, "t": {"@n": "2", "#text": "é"}}});
    assert_eq!(body(|| Reply::ok("application/xml", XML)).await, wanted);
    assert_eq!(
        body(|| Reply::ok("text/xml; charset=utf-8", XML)).await,
        wanted
    );
}

#[tokio::test]
async fn everything_else_is_text() {
    let read = body(|| Reply::ok("text/html", "<p>é</p>")).await;
    assert_eq!(read, json!({"raw_response": "<p>é</p>"}));
    let read = body(|| Reply::status(200).body("no type")).await;
    assert_eq!(read, json!({"raw_response": "no type"}));
}

#[tokio::test]
async fn an_empty_body_is_empty_text_whatever_it_says() {
    let empty = json!({"raw_response": ""});
    assert_eq!(body(|| Reply::json("")).await, empty);
    assert_eq!(body(|| Reply::ok("application/xml", "")).await, empty);
    assert_eq!(body(|| Reply::status(204)).await, empty);
}

#[tokio::test]
async fn the_charset_is_followed() {
    let read = body(|| Reply::ok("text/plain; charset=iso-8859-1", b"Zo\xeb")).await;
    assert_eq!(read, json!({"raw_response": "Zoë"}));
    let read = body(|| {
        Reply::ok(
            "application/json; charset=iso-8859-1",
            b"{\"n\": \"Zo\xeb\"}",
        )
    })
    .await;
    assert_eq!(read, json!({"n": "Zoë"}));
}

#[tokio::test]
async fn a_lie_about_the_charset_is_survived() {
    let read = body(|| Reply::ok("text/plain; charset=utf-8", b"Zo\xeb \xff\xfe")).await;
    assert!(
        read["raw_response"]
            .as_str()
            .unwrap()
            .starts_with("Zo\u{fffd}"),
        "{read}"
    );
    let read = body(|| Reply::ok("application/json; charset=utf-8", b"{\"n\": \"Zo\xeb\"}")).await;
    assert_eq!(read, json!({"n": "Zo\u{fffd}"}));
    let read = body(|| Reply::ok("application/json; charset=klingon", "{\"n\": \"é\"}")).await;
    assert_eq!(read, json!({"n": "é"}));
}

#[tokio::test]
async fn compressed_bodies_are_unpacked() {
    let read = body(|| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(br#"{"packed": true}"#).unwrap();
        Reply::json("")
            .header("content-encoding", "gzip")
            .body(gzip.finish().unwrap())
    });
    assert_eq!(read.await, json!({"packed": true}));
    let read = body(|| {
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(b"packed").unwrap();
        Reply::status(200)
            .header("content-encoding", "deflate")
            .body(deflate.finish().unwrap())
    });
    assert_eq!(read.await, json!({"raw_response": "packed"}));
}

#[tokio::test]
async fn chunks_are_put_together() {
    let read = body(|| {
        Reply::raw(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
             6\r\n{\"a\": \r\n2\r\n1}\r\n0\r\n\r\n",
        )
    });
    assert_eq!(read.await, json!({"a": 1}));
}

#[tokio::test]
async fn a_body_without_length_ends_with_the_connection() {
    let read = body(|| Reply::raw("HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nall of it"));
    assert_eq!(read.await, json!({"raw_response": "all of it"}));
}

#[tokio::test]
async fn a_large_body_arrives_whole() {
    let upstream =
        Upstream::start(|_| Reply::json(&format!("[\"{}\"]", "x".repeat(5 << 20)))).await;
    let answer = shared()
        .await
        .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await;
    assert_eq!(answer.success()[0].as_str().unwrap().len(), 5 << 20);
}
