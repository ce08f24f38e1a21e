//! `GetRequest` and `PostRequest` of the packages, which answer in version 1.

use serde_json::json;

use crate::harness::{Answer, Reply, Setup, Upstream, closed_port, shared};

async fn call(id: &str, url: String) -> Answer {
    shared()
        .await
        .do_(id)
        .json(&json!({"url": url}))
        .verbatim()
        .send()
        .await
}

#[tokio::test]
async fn the_answer_is_the_upstreams_text_under_its_status() {
    let upstream = Upstream::start(|seen| {
        let (status, text) = seen.target[1..].split_once('/').unwrap();
        let reply = Reply::status(status.parse().unwrap()).header("content-type", "text/plain");
        reply.header("x-own", "never passed on").body(text)
    })
    .await;
    for id in ["http/GetRequest", "http/PostRequest"] {
        for status in [200, 201, 404, 418, 500, 503] {
            let answer = call(id, upstream.url(&format!("/{status}/as-it-was"))).await;
            assert_eq!(
                (answer.status, answer.text.as_str()),
                (status, "as-it-was"),
                "{id}"
            );
            assert_eq!(answer.header("content-type"), "application/json", "{id}");
            assert_eq!(answer.header("x-own"), "", "{id}");
        }
    }
}

#[tokio::test]
async fn nothing_is_parsed_or_spelled_anew() {
    let text = r#"{ "api_response": 1.50, "api_response": [],"x":"\u00e9" }"#;
    let upstream = Upstream::start(move |_| Reply::json(text)).await;
    assert_eq!(call("http/GetRequest", upstream.url("/")).await.text, text);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_told_in_the_envelope() {
    let (_kept, address) = closed_port();
    for id in ["http/GetRequest", "http/PostRequest"] {
        let answer = shared()
            .await
            .call(id, json!({"url": format!("http://{address}/")}))
            .await;
        assert_eq!(
            answer.failure(),
            (200, 500, "ConnectionError".to_owned()),
            "{id}"
        );
    }
}

#[tokio::test]
async fn the_newer_answers_come_in_the_envelope() {
    let upstream = Upstream::start(|seen| match &*seen.target {
        "/ok" => Reply::json(r#"{"n": 1.50}"#),
        _ => Reply::redirect(302, "/ok"),
    })
    .await;
    let config = "[connectors.http]\nanswers = \"newer\"\n";
    let proxy = Setup::new().config(config).serve().await;
    for id in ["http/GetRequest", "http/PostRequest"] {
        let answer = proxy.call(id, json!({"url": upstream.url("/ok")})).await;
        assert_eq!(answer.success(), json!({"n": 1.50}), "{id}");
        let answer = proxy.call(id, json!({"url": upstream.url("/moved")})).await;
        assert_eq!(
            answer.failure(),
            (200, 302, "HttpError302".to_owned()),
            "{id}"
        );
    }
}
