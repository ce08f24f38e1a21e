//! Asking again, where a call wants that.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::harness::{Reply, Upstream, shared};

/// An upstream that answers with an error so many times, then with 200.
async fn ailing(failures: usize, status: u16) -> Upstream {
    let count = AtomicUsize::new(0);
    Upstream::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        n if n < failures => Reply::status(status).body("not now"),
        _ => Reply::json("{}"),
    })
    .await
}

#[tokio::test]
async fn attempts_repeat_what_the_upstream_could_not_do() {
    let upstream = ailing(1, 503).await;
    let arguments = json!({"url": upstream.url("/"), "attempts": 3});
    shared()
        .await
        .call("http/GetRequestV2", arguments)
        .await
        .success();
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn attempts_end() {
    let upstream = ailing(usize::MAX, 500).await;
    let arguments = json!({"url": upstream.url("/"), "attempts": 2});
    let answer = shared().await.call("http/HeadRequestV2", arguments).await;
    assert_eq!(answer.failure(), (200, 500, "HttpError500".to_owned()));
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn nothing_is_repeated_unasked_or_in_vain() {
    for (status, attempts) in [
        (503, json!(null)),
        (503, json!(0)),
        (503, json!(11)),
        (404, json!(5)),
    ] {
        let upstream = ailing(usize::MAX, status).await;
        let arguments = json!({"url": upstream.url("/"), "attempts": attempts});
        shared().await.call("http/GetRequestV2", arguments).await;
        assert_eq!(upstream.seen().len(), 1, "{status} {attempts}");
    }
}
