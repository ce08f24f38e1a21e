//! Forward proxies, as the environment names them.

use serde_json::json;

use crate::harness::{Setup, Upstream, closed_port};

#[tokio::test]
async fn requests_go_through_the_proxy_of_the_environment() {
    let (forward, upstream) = (Upstream::echo().await, Upstream::echo().await);
    let setup = Setup::new().env(
        "HTTP_PROXY",
        format!("http://user:pass@{}", forward.address),
    );
    let proxy = setup.serve().await;
    let url = upstream.url("/path?q=1");
    let body = proxy
        .call("http/GetRequestV2", json!({"url": url}))
        .await
        .success();
    assert_eq!(body["target"], url);
    assert_eq!(
        forward.last().header("proxy-authorization"),
        "Basic dXNlcjpwYXNz"
    );
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn what_no_proxy_names_goes_straight() {
    let (forward, upstream) = (Upstream::echo().await, Upstream::echo().await);
    let setup = Setup::new().env("http_proxy", forward.address.to_string());
    let proxy = setup.env("NO_PROXY", "127.0.0.0/8").serve().await;
    proxy
        .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await
        .success();
    assert_eq!((forward.seen().len(), upstream.seen().len()), (0, 1));
}

#[tokio::test]
async fn targets_are_judged_before_the_proxy_gets_them() {
    let forward = Upstream::echo().await;
    let setup = Setup::new().env("HTTP_PROXY", forward.url("/"));
    let proxy = setup.serve().await;
    for url in ["http://169.254.169.254/".to_owned(), proxy.url("/")] {
        let answer = proxy.call("http/GetRequestV2", json!({"url": url})).await;
        assert_eq!(answer.failure(), (200, 403, "EgressRefused".to_owned()));
    }
    assert!(forward.seen().is_empty());
}

#[tokio::test]
async fn a_proxy_that_is_down_is_told_from_a_target_that_is() {
    let (_kept, address) = closed_port();
    let proxy = Setup::new()
        .env("HTTPS_PROXY", format!("http://{address}"))
        .serve()
        .await;
    let answer = proxy
        .call("http/GetRequestV2", json!({"url": "https://127.0.0.1/"}))
        .await;
    assert_eq!(answer.failure(), (200, 500, "ProxyError".to_owned()));
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_ends_the_start() {
    let setup = Setup::new().env("ALL_PROXY", "socks5://user:hunter2@127.0.0.1:1080");
    let ended = setup.run(&["serve"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("ALL_PROXY"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
}
