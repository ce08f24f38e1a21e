//! Calls that are tried again.

use std::sync::Mutex;

use serde_json::json;

use super::{get, post};
use crate::harness::{Reply, Setup, Upstream};

/// An upstream that answers with these statuses, and then well.
async fn upstream(statuses: &[u16]) -> Upstream {
    let left = Mutex::new(statuses.to_vec());
    Upstream::start(move |_| {
        let mut left = left.lock().unwrap();
        match left.is_empty() {
            true => Reply::json(r#"{"well": true}"#),
            false => Reply::status(left.remove(0))
                .header("retry-after", "1")
                .body("no"),
        }
    })
    .await
}

const CONFIG: &str = "[connectors.http.policy]\nretries = 2\nretry_pause = \"10ms\"\n";

#[tokio::test]
async fn a_read_is_tried_again_and_the_engine_sees_each_try_in_its_log() {
    let proxy = Setup::new().config(CONFIG).serve().await;
    let upstream = upstream(&[503, 429]).await;
    let arguments = json!({"url": upstream.url("/")});
    let ask = proxy.do_("http/GetRequestV2").json(&arguments);
    let answer = ask.header("x-request-id", "tried").send().await;
    assert_eq!(answer.success(), json!({"well": true}));
    assert_eq!(upstream.seen().len(), 3);
    let url = upstream.url("/");
    let lines = [
        format!("GET {url}: answered 503 (1 of 1)"),
        "Trying again in 1 s after HttpError503 (2 of 3)".to_owned(),
        format!("GET {url}: answered 429 (1 of 1)"),
        "Trying again in 1 s after HttpError429 (3 of 3)".to_owned(),
        format!("GET {url}: answered 200 (1 of 1)"),
    ];
    assert_eq!(answer.json()["spiff__logs"], json!(lines));
    proxy
        .log_line(&["tried", "Call succeeded.", "tries=3"])
        .await;
    proxy
        .counts("crosspoint_retries_total{connector=\"http\"}", 2.0)
        .await;
    assert_eq!(proxy.row_in("tried", "succeeded").await.attempts, 1);
}

#[tokio::test]
async fn what_fails_each_time_is_the_failure_of_the_last_try() {
    let proxy = Setup::new().config(CONFIG).serve().await;
    let upstream = upstream(&[503, 502, 500, 500]).await;
    let answer = get(&proxy, &upstream).await;
    assert_eq!(answer.failure(), (200, 500, "HttpError500".to_owned()));
    assert_eq!(upstream.seen().len(), 3);
    assert!(answer.logs().contains("(3 of 3)"), "{}", answer.text);
}

#[tokio::test]
async fn what_may_have_had_an_effect_and_what_will_not_pass_is_not_tried_again() {
    let proxy = Setup::new().config(CONFIG).serve().await;
    let busy = upstream(&[503]).await;
    assert_eq!(post(&proxy, &busy).await.code(), "HttpError503");
    let gone = upstream(&[404]).await;
    assert_eq!(get(&proxy, &gone).await.code(), "HttpError404");
    assert_eq!((busy.seen().len(), gone.seen().len()), (1, 1));
}

#[tokio::test]
async fn a_post_that_did_not_get_there_is_tried_again() {
    let proxy = Setup::new().config(CONFIG).serve().await;
    let (_kept, closed) = crate::harness::closed_port();
    let url = json!({"url": format!("http://{closed}/")});
    let answer = proxy.call("http/PostRequestV2", url).await;
    assert_eq!(answer.code(), "ConnectionError");
    assert!(
        answer.logs().contains("after ConnectionError (3 of 3)"),
        "{}",
        answer.text
    );
    proxy.log_line(&["Call failed.", "tries=3"]).await;
}

#[tokio::test]
async fn nothing_is_tried_again_unless_it_is_configured() {
    let proxy = Setup::new().serve().await;
    let upstream = upstream(&[503]).await;
    assert_eq!(get(&proxy, &upstream).await.code(), "HttpError503");
    assert_eq!(upstream.seen().len(), 1);
}
