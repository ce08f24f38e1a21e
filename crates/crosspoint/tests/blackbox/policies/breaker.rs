//! A system that keeps failing is left alone for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use super::{get, post, refused};
use crate::harness::{Reply, Setup, Upstream, until};

/// An upstream that answers with the status that is set.
async fn upstream() -> (Upstream, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(503));
    let set = status.clone();
    let upstream = Upstream::start(move |_| {
        Reply::status(set.load(Ordering::SeqCst))
            .header("content-type", "application/json")
            .body("{}")
    });
    (upstream.await, status)
}

fn config(pause: &str) -> String {
    format!("[connectors.http.policy]\nbreaker = {{ failures = 3, pause = \"{pause}\" }}\n")
}

#[tokio::test]
async fn it_opens_leaves_the_system_alone_and_closes_when_that_has_recovered() {
    let proxy = Setup::new().config(&config("5s")).serve().await;
    let (upstream, status) = upstream().await;
    let state = r#"crosspoint_breaker_state{connector="http"}"#;
    proxy.counts(state, 0.0).await;
    for _ in 0..3 {
        let answer = get(&proxy, &upstream).await;
        assert_eq!(answer.failure(), (200, 503, "HttpError503".to_owned()));
    }
    proxy.counts(state, 2.0).await;
    // All commands share it, and a diagram that is wrong is told so all the same.
    refused(&get(&proxy, &upstream).await, 503, "circuit_open");
    refused(&post(&proxy, &upstream).await, 503, "circuit_open");
    let wrong = proxy.call("http/GetRequestV2", serde_json::json!({})).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(upstream.seen().len(), 3);
    let labels = r#"{connector="http",reason="circuit_open"}"#;
    proxy
        .counts(&format!("crosspoint_calls_limited_total{labels}"), 2.0)
        .await;
    proxy
        .log_line(&["WARN", "circuit breaker is open", "http"])
        .await;

    status.store(404, Ordering::SeqCst);
    until("a call comes through", async || {
        let answer = get(&proxy, &upstream).await;
        answer.code() == "HttpError404"
    })
    .await;
    assert_eq!(upstream.seen().len(), 4);
    proxy.counts(state, 0.0).await;
    proxy
        .log_line(&["INFO", "circuit breaker is closed again"])
        .await;
    let log = proxy.log();
    assert_eq!(log.matches("The circuit breaker").count(), 2, "{log}");
    status.store(200, Ordering::SeqCst);
    post(&proxy, &upstream).await.success();
}

#[tokio::test]
async fn a_404_does_not_open_it() {
    let proxy = Setup::new().config(&config("5m")).serve().await;
    let (upstream, status) = upstream().await;
    status.store(404, Ordering::SeqCst);
    for _ in 0..10 {
        assert_eq!(get(&proxy, &upstream).await.code(), "HttpError404");
    }
    assert_eq!(upstream.seen().len(), 10);
}

#[tokio::test]
async fn it_stays_open_through_a_reload_unless_it_is_changed() {
    let proxy = Setup::new().config(&config("5m")).serve().await;
    let (upstream, _) = upstream().await;
    for _ in 0..3 {
        get(&proxy, &upstream).await;
    }
    let more = config("5m") + "rate = \"1000/s\"\n";
    for (config, open) in [(more, true), (config("4m"), false)] {
        proxy.setup().config(&config);
        let ended = proxy.run(&["reload"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        match open {
            true => refused(&get(&proxy, &upstream).await, 503, "circuit_open"),
            false => assert_eq!(get(&proxy, &upstream).await.code(), "HttpError503"),
        }
    }
}
