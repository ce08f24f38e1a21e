//! Answers that point elsewhere.

use serde_json::json;

use crate::harness::{Answer, Reply, Seen, Upstream, shared};

/// `/moved/307/there` points to `/there`, which echoes.
fn reply(seen: &Seen) -> Reply {
    match seen
        .target
        .strip_prefix("/moved/")
        .and_then(|rest| rest.split_once('/'))
    {
        Some((status, path)) => Reply::redirect(status.parse().unwrap(), &format!("/{path}")),
        None => Reply::echo(seen),
    }
}

async fn call(id: &str, url: String) -> Answer {
    shared().await.call(id, json!({"url": url})).await
}

#[tokio::test]
async fn the_packages_follow_redirects() {
    let upstream = Upstream::start(reply).await;
    for status in [301, 302, 303, 307, 308] {
        let body = call(
            "http/GetRequestV2",
            upstream.url(&format!("/moved/{status}/there")),
        )
        .await
        .success();
        assert_eq!(body["target"], "/there", "{status}");
    }
    for (status, method, sent) in [(302, "GET", ""), (307, "POST", "{}"), (308, "POST", "{}")] {
        let body = call(
            "http/PostRequestV2",
            upstream.url(&format!("/moved/{status}/there")),
        )
        .await
        .success();
        assert_eq!(
            (&body["method"], &body["body"]),
            (&json!(method), &json!(sent)),
            "{status}"
        );
    }
}

#[tokio::test]
async fn head_of_the_packages_does_not() {
    let upstream = Upstream::start(reply).await;
    let answer = call("http/HeadRequestV2", upstream.url("/moved/302/there")).await;
    answer.success();
    assert_eq!((answer.inner(), upstream.seen().len()), (302, 1));
}

#[tokio::test]
async fn the_newer_family_does_not() {
    let upstream = Upstream::start(reply).await;
    for id in [
        "http/HeadRequest",
        "http/PutRequest",
        "http/PatchRequest",
        "http/DeleteRequest",
    ] {
        let answer = call(id, upstream.url("/moved/301/there")).await;
        assert_eq!(
            answer.failure(),
            (200, 301, "HttpError301".to_owned()),
            "{id}"
        );
    }
    assert_eq!(upstream.seen().len(), 4);
}

#[tokio::test]
async fn going_round_in_circles_ends() {
    let upstream = Upstream::start(|_| Reply::redirect(302, "/again")).await;
    let answer = call("http/GetRequestV2", upstream.url("/")).await;
    assert_eq!(answer.failure(), (200, 500, "TooManyRedirects".to_owned()));
    assert!(upstream.seen().len() < 50);
}

#[tokio::test]
async fn a_redirect_to_nonsense_is_named() {
    for (location, code) in [
        ("ftp://127.0.0.1/", "InvalidSchema"),
        ("file:///etc/passwd", "InvalidSchema"),
        ("http://127.0.0.1:99999/", "InvalidURL"),
        ("http://", "InvalidURL"),
    ] {
        let upstream = Upstream::start(move |_| Reply::redirect(302, location)).await;
        let answer = call("http/GetRequestV2", upstream.url("/")).await;
        assert_eq!(answer.failure(), (200, 500, code.to_owned()), "{location}");
    }
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_an_answer() {
    let upstream = Upstream::start(|_| Reply::status(302).body("read me")).await;
    let answer = call("http/GetRequestV2", upstream.url("/")).await;
    assert_eq!(answer.success(), json!({"raw_response": "read me"}));
    assert_eq!(answer.inner(), 302);
}

#[tokio::test]
async fn secrets_are_not_taken_to_another_system() {
    let other = Upstream::echo().await;
    let location = other.url("/");
    let first = Upstream::start(move |_| Reply::redirect(307, &location)).await;
    let arguments = json!({
        "url": first.url("/"),
        "headers": {"X-Api-Key": "hunter2", "Cookie": "hunter2", "X-Plain": "goes along"},
        "basic_auth_username": "user",
        "basic_auth_password": "hunter2",
    });
    shared()
        .await
        .call("http/GetRequestV2", arguments)
        .await
        .success();
    let seen = other.last();
    assert_eq!(
        (seen.header("x-plain"), seen.header("authorization")),
        ("goes along", "")
    );
    assert!(
        !seen.everything().contains("hunter2"),
        "{}",
        seen.everything()
    );
    assert_eq!(first.last().header("x-api-key"), "hunter2");
}
