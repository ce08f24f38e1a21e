//! The proxy goes on, whatever its upstreams do, and ends in good order.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use crate::harness::{Answer, Gate, PATIENCE, Proxy, Reply, Setup, Upstream, shared};

async fn get(proxy: &Proxy, upstream: &Upstream) -> Answer {
    proxy
        .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await
}

/// What an upstream does, and the codes that tell of it.
type Bad = (&'static str, fn() -> Reply, &'static [&'static str]);

/// Sends a byte now and then, so that it is never quite silent.
fn drip() -> Reply {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    Reply::endless(head, b"1\r\nx\r\n", Duration::from_millis(20))
}

fn flood() -> Reply {
    Reply::endless("HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 4096], Duration::ZERO)
}

fn endless_head() -> Reply {
    Reply::endless(
        "HTTP/1.1 200 OK\r\n",
        b"x-more: and more\r\n",
        Duration::from_millis(1),
    )
}

#[tokio::test]
async fn after_every_bad_upstream_the_next_call_works() {
    let config = "[connectors.http]\nmax_answer = \"64KiB\"\n[spiff]\ndeadline = \"2s\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let good = Upstream::echo().await;
    let bad: [Bad; 11] = [
        ("hangs up", || Reply::raw(""), &["ConnectionError"]),
        ("is silent", Reply::silence, &["ReadTimeout"]),
        ("drips", drip, &["ReadTimeout"]),
        ("floods", flood, &["AnswerTooLarge"]),
        (
            "never ends its head",
            endless_head,
            &["ReadTimeout", "ConnectionError"],
        ),
        (
            "cuts its head",
            || Reply::raw("HTTP/1.1 200"),
            &["ConnectionError"],
        ),
        (
            "cuts its body",
            || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nx"),
            &["ChunkedEncodingError"],
        ),
        (
            "claims far too much",
            || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\nx"),
            &["AnswerTooLarge", "ConnectionError"],
        ),
        (
            "lies about compression",
            || Reply::json("{}").header("content-encoding", "gzip"),
            &["ContentDecodingError"],
        ),
        (
            "lies about JSON",
            || Reply::json("{\"a\": "),
            &["JSONDecodeError"],
        ),
        (
            "does not speak HTTP",
            || Reply::raw("SSH-2.0-OpenSSH_9.6\r\n"),
            &["ConnectionError"],
        ),
    ];
    for (what, reply, codes) in bad {
        let upstream = Upstream::start(move |_| reply()).await;
        let answer = get(&proxy, &upstream).await;
        assert_eq!(answer.status, 200, "{what}");
        assert!(codes.contains(&&*answer.code()), "{what}: {}", answer.text);
        get(&proxy, &good).await.success();
    }
}

#[tokio::test]
async fn a_length_that_is_too_short_does_not_leak_into_the_next_answer() {
    let proxy = shared().await;
    let upstream = Upstream::start(|seen| match &*seen.target {
        "/good" => Reply::json(r#"{"good": true}"#),
        _ => Reply::raw(
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\
             content-length: 6\r\n\r\nforged",
        ),
    })
    .await;
    for _ in 0..5 {
        let body = get(proxy, &upstream).await.success();
        assert_eq!(body, json!({"raw_response": "{}"}));
        let arguments = json!({"url": upstream.url("/good")});
        let body = proxy.call("http/GetRequestV2", arguments).await.success();
        assert_eq!(body, json!({"good": true}));
    }
}

#[tokio::test]
async fn two_hundred_calls_are_answered_while_another_upstream_hangs() {
    let proxy = shared().await;
    let (gate, good) = (Gate::new(), Upstream::echo().await);
    let shut = gate.clone();
    let slow = Upstream::start(move |_| Reply::json("{}").behind(&shut)).await;
    let mut hanging = JoinSet::new();
    for _ in 0..20 {
        let url = json!({"url": slow.url("/")});
        hanging.spawn(async move { proxy.call("http/GetRequestV2", url).await.success() });
    }
    slow.arrived(20).await;
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let url = json!({"url": good.url(&format!("/{number}"))});
        calls.spawn(async move { (number, proxy.call("http/GetRequestV2", url).await.success()) });
    }
    for (number, body) in calls.join_all().await {
        assert_eq!(body["target"], format!("/{number}"));
    }
    assert_eq!(good.seen().len(), 200);
    assert!(hanging.try_join_next().is_none());
    gate.open();
    assert_eq!(hanging.join_all().await, vec![json!({}); 20]);
}

/// Waits until nobody answers at the proxy's port any more.
async fn refuses_connections(proxy: &Proxy) {
    let refused = async {
        while TcpStream::connect(proxy.address).await.is_ok() {
            yield_now().await;
        }
    };
    timeout(PATIENCE, refused)
        .await
        .expect("new connections are still taken");
}

#[tokio::test]
async fn a_shutdown_answers_the_call_in_flight_and_takes_no_new_one() {
    let proxy = Setup::new().serve().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let upstream = Upstream::start(move |_| Reply::json(r#"{"late": true}"#).behind(&shut)).await;
    let call = proxy
        .do_("http/PostRequestV2")
        .json(&json!({"url": upstream.url("/")}));
    let call = tokio::spawn(call.send());
    upstream.arrived(1).await;
    proxy.terminate();
    refuses_connections(&proxy).await;
    gate.open();
    assert_eq!(call.await.unwrap().success(), json!({"late": true}));
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_connections_that_are_idle() {
    let proxy = Setup::new().serve().await;
    let mut idle = TcpStream::connect(proxy.address).await.unwrap();
    idle.write_all(b"GET /liveness HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let ended = proxy.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_shutdown_gives_up_calls_that_take_longer_than_configured() {
    let proxy = Setup::new().config("drain = \"100ms\"\n").serve().await;
    let upstream = Upstream::start(|_| Reply::silence()).await;
    let request = format!(
        "POST /v1/do/http/PostRequestV2 HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        json!({"url": upstream.url("/")}).to_string().len()
    );
    let mut caller = TcpStream::connect(proxy.address).await.unwrap();
    caller.write_all(request.as_bytes()).await.unwrap();
    caller
        .write_all(json!({"url": upstream.url("/")}).to_string().as_bytes())
        .await
        .unwrap();
    upstream.arrived(1).await;
    let ended = proxy.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("drain"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let proxy = Setup::new().config("drain = \"1h\"\n").serve().await;
    let upstream = Upstream::start(|_| Reply::silence()).await;
    let call = proxy
        .do_("http/PostRequestV2")
        .json(&json!({"url": upstream.url("/")}));
    let call = tokio::spawn(call.try_send());
    upstream.arrived(1).await;
    proxy.terminate();
    proxy.log_line(&["Stopping", "SIGTERM"]).await;
    proxy.terminate();
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("at once"), "{}", ended.stderr);
    assert!(call.await.unwrap().is_err());
}

#[tokio::test]
async fn a_write_goes_on_when_its_caller_goes_away() {
    let proxy = Setup::new().serve().await;
    let gate = Gate::new();
    let shut = gate.clone();
    let upstream = Upstream::start(move |_| Reply::json("{}").behind(&shut)).await;
    let call = proxy
        .do_("http/PostRequestV2")
        .json(&json!({"url": upstream.url("/")}));
    let call = tokio::spawn(call.header("x-request-id", "left-alone").send());
    upstream.arrived(1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    gate.open();
    proxy.log_line(&["left-alone", "Call succeeded."]).await;
}

#[tokio::test]
async fn a_read_is_dropped_when_its_caller_goes_away() {
    let proxy = Setup::new().serve().await;
    let upstream = Upstream::start(|_| Reply::silence()).await;
    let call = proxy
        .do_("http/GetRequestV2")
        .json(&json!({"url": upstream.url("/")}));
    let call = tokio::spawn(call.header("x-request-id", "gone-away").send());
    upstream.arrived(1).await;
    call.abort();
    let line = proxy.log_line(&["gone-away", "Call dropped"]).await;
    assert!(line.contains("http/GetRequestV2"), "{line}");
    let metrics = proxy.get("/metrics").await.text;
    let wanted = r#"crosspoint_calls_in_flight{connector="http",command="GetRequestV2"} 0"#;
    assert!(metrics.contains(wanted), "{metrics}");
}
