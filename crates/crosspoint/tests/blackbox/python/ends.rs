//! Commands that end their process, or never end. Whatever they do, another connector goes on.

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep};

use super::support::{bare, client, connector, lives, serve, until, zoo};
use crate::harness::{Answer, Proxy};

/// The wild connector, with a deadline that its endless commands reach, and a tame one.
async fn both(more: &str) -> Proxy {
    let wild = connector("wild", zoo("connector-wild"));
    let tame = connector("tame", zoo("connector-gallery"));
    serve(&(tame + &wild + more)).await
}

const QUICK: &str = "policy = { deadline = \"2s\" }\n";

/// Calls the tame connector again and again until it is told to stop; gives how often.
fn tame(proxy: &Proxy) -> (JoinHandle<usize>, tokio::sync::watch::Sender<bool>) {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let url = proxy.url("/v1/do/tame/Echo");
    let client = client();
    let calls = tokio::spawn(async move {
        let mut count = 0;
        while !*stopped.borrow() || count == 0 {
            let request = client.post(&url).header("content-type", "application/json");
            let answer = request.body("{\"value\": 1}").send().await.unwrap();
            assert_eq!(answer.status(), 200);
            count += 1;
            sleep(Duration::from_millis(5)).await;
        }
        count
    });
    (calls, stop)
}

/// Calls a wild command while the tame connector is in use; both serve afterwards.
async fn amid_others(proxy: &Proxy, command: &str, arguments: Value) -> Answer {
    let (calls, stop) = tame(proxy);
    let ask = proxy.do_(command).json(&arguments).verbatim();
    let answer = ask.send().await;
    stop.send(true).unwrap();
    assert!(calls.await.unwrap() > 0);
    proxy.call("tame/Echo", json!({"value": 1})).await.success();
    fine(proxy).await;
    answer
}

/// The process that runs the wild connector now.
async fn fine(proxy: &Proxy) -> u64 {
    let body = bare(proxy, "wild/Fine", json!({})).await;
    crate::harness::json(&body)["pid"].as_u64().unwrap()
}

#[tokio::test]
async fn leaving_is_an_error_as_any_other() {
    let proxy = both("").await;
    let before = fine(&proxy).await;
    let answer = amid_others(&proxy, "wild/Leave", json!({})).await;
    assert_eq!(
        (answer.status, answer.code()),
        (500, "SystemExit".to_owned())
    );
    assert_eq!(answer.message(), "enough of this");
    assert_eq!(fine(&proxy).await, before);
}

#[tokio::test]
async fn a_process_that_ends_fails_its_call_and_the_next_finds_another() {
    for command in ["wild/Exit", "wild/Segfault"] {
        let proxy = both("").await;
        let before = fine(&proxy).await;
        let answer = amid_others(&proxy, command, json!({})).await;
        let failure = (answer.status, answer.code());
        assert_eq!(failure, (500, "worker_crashed".to_owned()), "{command}");
        assert_ne!(fine(&proxy).await, before);
        assert!(!lives(before));
        let line = proxy.log_line(&["wild", "worker_crashed"]).await;
        assert!(!line.is_empty());
    }
}

#[tokio::test]
async fn the_last_words_of_a_process_are_in_the_log() {
    let proxy = both("").await;
    amid_others(&proxy, "wild/Exit", json!({})).await;
    proxy.log_line(&["last words"]).await;
}

#[tokio::test]
async fn a_loop_ends_at_its_deadline_and_its_process_is_replaced() {
    let proxy = both(QUICK).await;
    let before = fine(&proxy).await;
    let answer = amid_others(&proxy, "wild/Loop", json!({})).await;
    assert!(answer.status >= 500, "{}", answer.text);
    assert_eq!(answer.code(), "deadline_exceeded", "{}", answer.text);
    until("the process is replaced", async || {
        fine(&proxy).await != before
    })
    .await;
    until("the old one is gone", async || !lives(before)).await;
}

#[tokio::test]
async fn a_process_that_hangs_in_c_code_is_replaced() {
    // Long enough that a healthy process answers a ping on a machine that is busy with other tests.
    let proxy = both(&(QUICK.to_owned() + "unresponsive_after = \"5s\"\n")).await;
    let before = fine(&proxy).await;
    let (calls, stop) = tame(&proxy);
    let answer = proxy.call("wild/Freeze", json!({})).await;
    assert!(answer.status >= 500, "{}", answer.text);
    until("the old one is gone", async || !lives(before)).await;
    stop.send(true).unwrap();
    assert!(calls.await.unwrap() > 0);
    assert_ne!(fine(&proxy).await, before);
}

#[tokio::test]
async fn recursion_without_end_is_an_error() {
    let proxy = both("").await;
    let answer = amid_others(&proxy, "wild/Recurse", json!({})).await;
    assert_eq!(
        (answer.status, answer.code()),
        (500, "RecursionError".to_owned())
    );
}

#[tokio::test]
async fn a_gibibyte_of_output_holds_up_nobody() {
    let proxy = both("").await;
    let answer = amid_others(&proxy, "wild/Flood", json!({"mebibytes": 1024})).await;
    assert_eq!((answer.status, &*answer.text), (200, "flooded"));
}

#[tokio::test]
async fn what_a_call_prints_beyond_a_mebibyte_is_dropped_and_the_log_says_so() {
    let proxy = both("").await;
    let answer = amid_others(&proxy, "wild/Chatter", json!({"lines": 3000})).await;
    assert_eq!((answer.status, &*answer.text), (200, "said"));
    let kept = proxy.log().matches("yyyyyyyy\n").count();
    assert!(kept <= 1024, "{kept}");
    proxy.log_line(&["wild", "dropped"]).await;
}

#[tokio::test]
async fn a_thread_that_stays_does_not_keep_the_proxy_from_ending() {
    let wild = connector("wild", zoo("connector-wild"));
    let proxy = serve(&format!("drain = \"1s\"\n{wild}")).await;
    let body = bare(&proxy, "wild/Linger", json!({})).await;
    let worker: u64 = body.parse().unwrap();
    let ended = proxy.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    until("the worker is gone", async || !lives(worker)).await;
}
