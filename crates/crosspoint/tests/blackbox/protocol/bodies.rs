//! Request bodies: what is not JSON, and what is too much.

use bytes::Bytes;
use futures_util::stream;
use http::Method;
use reqwest::Body;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Proxy, Setup, Upstream, check, shared};

const PATH: &str = "/v1/do/http/GetRequestV2";

#[tokio::test]
async fn what_is_not_a_json_object_is_400() {
    let deep = format!(r#"{{"url": {}{}}}"#, "[".repeat(200), "]".repeat(200));
    let deeper = "[".repeat(1_000_000);
    for body in [
        "nope",
        "[]",
        "\"text\"",
        "5",
        "null",
        "{",
        r#"{"url": }"#,
        r#"{"url": "x"} more"#,
        r#"{"url": "x",}"#,
        "{'url': 'x'}",
        "{\"url\": \"a\nb\"}",
        "\u{feff}{}x",
        &deep,
        &deeper,
    ] {
        let answer = shared()
            .await
            .do_("http/GetRequestV2")
            .body(body.to_owned())
            .send()
            .await;
        let start: String = body.chars().take(30).collect();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_request"),
            "{start}"
        );
        assert_eq!(answer.header("content-type"), "application/json", "{start}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_400() {
    let bodies: [&[u8]; 3] = [b"{\"url\": \"\xff\"}", b"{\"\xff\": 1}", b"\xff\xfe{\0}\0"];
    for body in bodies {
        let answer = shared().await.raw_call("http/GetRequestV2", body).await;
        check(PATH, answer.status, &answer.body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_request")
        );
    }
}

#[tokio::test]
async fn the_place_of_a_mistake_is_told_but_not_what_stood_there() {
    let body = "{\n  \"url\": hunter2}";
    let answer = shared()
        .await
        .do_("http/GetRequestV2")
        .body(body)
        .send()
        .await;
    assert!(answer.message().contains("line 2"), "{}", answer.message());
    assert!(!answer.text.contains("hunter2"));
}

#[tokio::test]
async fn another_content_type_is_415() {
    for mimetype in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "text/html",
        "application/jsonp",
        "",
    ] {
        let ask = shared()
            .await
            .do_("http/GetRequestV2")
            .header("content-type", mimetype);
        let answer = ask.body(r#"{"url": "http://127.0.0.1/"}"#).send().await;
        let wanted = (415, "unsupported_media_type");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            wanted,
            "{mimetype}"
        );
    }
}

#[tokio::test]
async fn json_by_any_of_its_names_is_taken() {
    let upstream = Upstream::echo().await;
    let body = json!({"url": upstream.url("/")}).to_string();
    for mimetype in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.api+json",
    ] {
        let ask = shared()
            .await
            .do_("http/GetRequestV2")
            .header("content-type", mimetype);
        ask.body(body.clone()).send().await.success();
    }
    shared()
        .await
        .do_("http/GetRequestV2")
        .body(body)
        .send()
        .await
        .success();
}

#[tokio::test]
async fn a_get_with_a_body_runs_the_command() {
    let upstream = Upstream::echo().await;
    let arguments = json!({"url": upstream.url("/")});
    let ask = shared().await.ask(Method::GET, PATH).json(&arguments);
    assert_eq!(ask.send().await.success()["method"], "GET");
    let answer = shared().await.get(PATH).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "TypeError"));
}

#[tokio::test]
async fn of_two_equal_names_the_last_counts() {
    let upstream = Upstream::echo().await;
    let url = upstream.url("/second");
    let body = format!(r#"{{"url": "http://127.0.0.1:1/first", "url": "{url}"}}"#);
    let body = shared()
        .await
        .do_("http/GetRequestV2")
        .body(body)
        .send()
        .await
        .success();
    assert_eq!(body["target"], "/second");
}

/// A JSON object of about so many MiB, in pieces of one.
fn pieces(mebibytes: usize) -> Vec<Bytes> {
    let filler = Bytes::from(vec![b' '; 1 << 20]);
    let mut pieces = vec![filler; mebibytes];
    pieces.push(Bytes::from_static(b"{}"));
    pieces
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_413_and_the_client_gets_to_see_it() {
    let body = pieces(20).concat();
    let answer = shared()
        .await
        .do_("http/GetRequestV2")
        .body(body)
        .send()
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (413, "request_too_large")
    );
    assert!(
        answer.message().contains("max_body"),
        "{}",
        answer.message()
    );
}

#[tokio::test]
async fn a_body_in_chunks_that_grow_too_much_is_413_and_the_client_gets_to_see_it() {
    let pieces = pieces(20).into_iter().map(Ok::<_, std::io::Error>);
    let body = Body::wrap_stream(stream::iter(pieces));
    let answer = shared()
        .await
        .do_("http/GetRequestV2")
        .body(body)
        .send()
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (413, "request_too_large")
    );
}

#[tokio::test]
async fn the_limit_is_configured_to_the_byte() {
    let proxy = Setup::new().config("max_body = \"1KiB\"\n").serve().await;
    let send = async |proxy: &Proxy, length: usize| {
        let body = format!("{:length$}", "{}");
        proxy
            .do_("http/GetRequestV2")
            .body(body)
            .send()
            .await
            .status
    };
    // Within the limit the command complains about its parameters.
    assert_eq!(send(&proxy, 1024).await, 400);
    assert_eq!(send(&proxy, 1025).await, 413);
}

#[tokio::test]
async fn a_body_of_many_small_chunks_is_put_together() {
    let upstream = Upstream::echo().await;
    let text = json!({"url": upstream.url("/"), "data": {"pad": "x".repeat(3000)}}).to_string();
    let chunks: Vec<_> = text
        .as_bytes()
        .chunks(7)
        .map(Bytes::copy_from_slice)
        .map(Ok::<_, std::io::Error>)
        .collect();
    let body = Body::wrap_stream(stream::iter(chunks));
    let body = shared()
        .await
        .do_("http/PostRequestV2")
        .body(body)
        .send()
        .await
        .success();
    assert!(body["body"].as_str().unwrap().len() > 3000);
}

#[tokio::test]
async fn a_client_that_breaks_off_harms_nobody() {
    let proxy = shared().await;
    for request in [
        "POST /v1/do/http/GetRequestV2 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 500\r\n\r\n{",
        "POST /v1/do/http/GetRequestV2 HTTP/1.1\r\nhost: loc",
        "\0\0\0\0\r\n\r\n",
        "",
    ] {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        drop(stream);
    }
    assert_eq!(proxy.get("/v1/commands").await.status, 200);
}
