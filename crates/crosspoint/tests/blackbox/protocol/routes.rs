//! Paths and methods that are not there, and those that are seldom used.

use http::Method;

use crate::harness::{check, shared};

#[tokio::test]
async fn an_unknown_path_is_404_in_the_json_envelope() {
    for path in [
        "/v1",
        "/v1/",
        "/v1/commands/",
        "/v1/do",
        "/v1/do/http",
        "/v1/do/http/",
        "/v1/do/a/b/c",
        "/favicon.ico",
        "/v2/commands",
        "//",
        "/%ff",
    ] {
        let answer = shared().await.get(path).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "not_found"),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_text_is_told_in_the_json_envelope() {
    let path = "/v1/do/%FF/x";
    let answer = shared().await.raw_call("%FF/x", b"{}").await;
    check(path, answer.status, &answer.body);
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert!(
        answer.head.contains("content-type: application/json"),
        "{}",
        answer.head
    );
}

#[tokio::test]
async fn another_method_is_405_in_the_json_envelope() {
    for (method, path) in [
        (Method::PUT, "/v1/do/http/GetRequestV2"),
        (Method::DELETE, "/v1/do/http/GetRequestV2"),
        (Method::OPTIONS, "/v1/do/http/GetRequestV2"),
        (Method::POST, "/v1/commands"),
        (Method::POST, "/liveness"),
        (Method::OPTIONS, "/v1/commands"),
        (Method::TRACE, "/"),
    ] {
        let answer = shared().await.ask(method.clone(), path).send().await;
        let wanted = (405, "method_not_allowed");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            wanted,
            "{method} {path}"
        );
        assert!(answer.header("allow").contains("GET"), "{method} {path}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    for path in ["/", "/liveness", "/v1/commands", "/docs", "/metrics"] {
        let get = shared().await.get(path).await;
        let head = shared().await.ask(Method::HEAD, path).send().await;
        assert_eq!(
            (head.status, head.text.as_str()),
            (get.status, ""),
            "{path}"
        );
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_not_http_is_turned_away() {
    let proxy = shared().await;
    for request in [
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\nhost: localhost\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "POST /v1/do/http/GetRequestV2 HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n",
        "POST /v1/do/http/GetRequestV2 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\
         content-length: 3\r\n\r\n{}",
    ] {
        let answer = proxy.raw(request).await;
        assert_eq!(answer.status, 400, "{request:?}");
        assert!(!answer.body.contains('<'), "{request:?}");
    }
    let long = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n",
        "x".repeat(900_000)
    );
    assert_eq!(proxy.raw(long).await.status, 431);
    assert_eq!(proxy.get("/liveness").await.status, 200);
}
