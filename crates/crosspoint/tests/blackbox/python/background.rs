//! Calls at the same time, coroutines, work that is handed over, and what connectors print.

use std::collections::BTreeSet;
use std::fs;

use futures_util::future::join_all;
use serde_json::json;

use super::support::{connector, gallery, serve, zoo};
use crate::harness::{Reply, Setup, Upstream};

#[tokio::test]
async fn work_that_is_handed_over_is_202_and_the_connector_answers_later() {
    let receiver = Upstream::start(|_| Reply::json("{}")).await;
    let proxy = serve(&connector("gallery", zoo("connector-gallery"))).await;
    let until = proxy.path().join("go-on");
    let arguments = json!({
        "value": "done at last", "until": until,
        "spiff__callback_url": receiver.url("/callback/7"),
        "spiff__task_data": {"n": 1},
    });
    let answer = proxy.call("gallery/Callback", arguments).await;
    assert_eq!((answer.status, answer.body()), (202, json!("accepted")));
    assert!(receiver.seen().is_empty());
    fs::write(until, "").unwrap();
    receiver.arrived(1).await;
    let seen = receiver.last();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("PUT", "/callback/7")
    );
    assert_eq!(
        seen.json(),
        json!({"value": "done at last", "task_data": {"n": 1}})
    );
}

#[tokio::test]
async fn without_a_callback_url_the_same_command_answers_at_once() {
    let arguments = json!({"value": "x", "until": "/nowhere"});
    let answer = gallery().await.call("gallery/Callback", arguments).await;
    assert_eq!((answer.status, answer.body()), (200, json!("at once")));
}

#[tokio::test]
async fn a_worker_runs_calls_at_the_same_time_in_threads() {
    let calls: Vec<_> = (0..8)
        .map(|_| async {
            gallery()
                .await
                .call("gallery/Meet", json!({"count": 8}))
                .await
        })
        .collect();
    let answers = join_all(calls).await;
    let threads: BTreeSet<_> = answers.iter().map(|a| a.success().to_string()).collect();
    assert_eq!(threads.len(), 8);
}

#[tokio::test]
async fn coroutines_share_one_loop() {
    let calls: Vec<_> = (0..8)
        .map(|_| async {
            gallery()
                .await
                .call("gallery/Coroutines", json!({"count": 8}))
                .await
        })
        .collect();
    let answers = join_all(calls).await;
    let loops: BTreeSet<_> = answers.iter().map(|a| a.success().to_string()).collect();
    assert_eq!(loops.len(), 1, "{loops:?}");
}

#[tokio::test]
async fn one_thread_runs_one_call_after_the_other() {
    let table = connector("gallery", zoo("connector-gallery")) + "threads = 1\n";
    let proxy = serve(&table).await;
    let calls: Vec<_> = (0..10)
        .map(|_| tokio::spawn(proxy.do_("gallery/Overlap").json(&json!({})).send()))
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().success(), 1);
    }
}

#[tokio::test]
async fn what_a_command_prints_is_a_line_of_the_log_with_its_connector_and_call() {
    let proxy = serve(&connector("gallery", zoo("connector-gallery"))).await;
    let ask = proxy.do_("gallery/Say").json(&json!({"text": "h3llo"}));
    let answer = ask.header("x-request-id", "request-4711").send().await;
    assert_eq!(answer.success(), json!(null));
    for (text, source) in [
        ("h3llo by print", "stdout"),
        ("h3llo by a logger", "gallery.say"),
    ] {
        let line = proxy.log_line(&[text]).await;
        for part in ["gallery", source, "request-4711"] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    let by_c = proxy.log_line(&["h3llo by C"]).await;
    assert!(
        by_c.contains("connector=\"gallery\"") || by_c.contains("connector=gallery"),
        "{by_c}"
    );
    let ended = proxy.stop().await;
    assert!(!ended.stdout.contains("h3llo"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_forged_line_stays_within_its_own() {
    let proxy = Setup::new()
        .config(&connector("gallery", zoo("connector-gallery")))
        .serve()
        .await;
    super::support::ready(&proxy).await;
    let text = "one\r2026-01-01T00:00:00Z ERROR forged\u{1b}[2J";
    let answer = proxy.call("gallery/Say", json!({"text": text})).await;
    assert_eq!(answer.success(), json!(null));
    proxy.log_line(&["by a logger"]).await;
    let log = proxy.log();
    assert!(!log.contains('\u{1b}') && !log.contains('\r'), "{log:?}");
}
