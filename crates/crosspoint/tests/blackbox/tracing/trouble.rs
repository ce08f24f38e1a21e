//! Collectors that are away, slow or broken: calls do not notice.

use futures_util::future::join_all;

use super::collector::exporting_to;
use super::{Collector, get};
use crate::harness::{Gate, Proxy, Reply, Upstream, closed_port, until};

const LOST: &str = "Spans were not exported and are lost.";

fn lines<'l>(log: &'l str, text: &str) -> Vec<&'l str> {
    log.lines().filter(|line| line.contains(text)).collect()
}

async fn calls(proxy: &Proxy, count: usize) {
    let upstream = Upstream::echo().await;
    let calls = (0..count).map(|_| get(proxy, &upstream));
    for answer in join_all(calls).await {
        answer.success();
    }
}

#[tokio::test]
async fn a_collector_that_is_away_costs_one_line_and_is_found_when_it_is_back() {
    let (closed, address) = closed_port();
    let setup = exporting_to(&format!("http://{address}"));
    // Short, so that a batch is given up at once.
    let setup = setup.env("OTEL_EXPORTER_OTLP_TIMEOUT", "1000");
    let proxy = setup.serve().await;
    calls(&proxy, 20).await;
    let line = proxy.log_line(&[LOST]).await;
    assert!(line.contains("WARN") && line.contains(&address.to_string()));
    calls(&proxy, 20).await;
    let upstream = Upstream::open(closed, |_| Reply::status(200));
    let collector = Collector { upstream };
    until("spans are exported again", async || {
        calls(&proxy, 1).await;
        !collector.spans().is_empty()
    })
    .await;
    let ended = proxy.stop().await;
    assert_eq!(ended.code, Some(0));
    assert_eq!(lines(&ended.stderr, LOST).len(), 1, "{}", ended.stderr);
    assert_eq!(lines(&ended.stderr, "WARN").len(), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn a_collector_that_answers_500_costs_one_line() {
    let collector = Collector::answering(|_| Reply::status(500).body("no")).await;
    let proxy = collector.setup().serve().await;
    calls(&proxy, 3).await;
    collector.upstream.arrived(1).await;
    let line = proxy.log_line(&[LOST]).await;
    assert!(line.contains("answers 500"), "{line}");
    let before = collector.upstream.seen().len();
    calls(&proxy, 3).await;
    collector.upstream.arrived(before + 1).await;
    let ended = proxy.stop().await;
    assert_eq!(ended.code, Some(0));
    assert_eq!(lines(&ended.stderr, LOST).len(), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn what_finds_no_room_beside_a_slow_collector_is_dropped_and_counted() {
    let gate = Gate::new();
    let shut = gate.clone();
    let collector = Collector::answering(move |_| Reply::status(200).behind(&shut)).await;
    let setup = collector
        .setup()
        .env("OTEL_BSP_MAX_QUEUE_SIZE", "10")
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "600000");
    let proxy = setup.serve().await;
    calls(&proxy, 1).await;
    // The exporter waits; nobody else does.
    collector.upstream.arrived(1).await;
    calls(&proxy, 100).await;
    gate.open();
    let line = proxy.log_line(&[LOST]).await;
    let lost = line.split("lost=").nth(1).unwrap();
    let lost: u64 = lost.split(' ').next().unwrap().parse().unwrap();
    assert!(lost >= 190 && line.contains("OTEL_BSP_MAX_QUEUE_SIZE"));
}

#[tokio::test]
async fn a_collector_that_never_answers_does_not_keep_the_process() {
    let collector = Collector::answering(|_| Reply::silence()).await;
    // Longer than the test would wait.
    let setup = collector
        .setup()
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "600000");
    let proxy = setup.clone().serve().await;
    calls(&proxy, 1).await;
    collector.upstream.arrived(1).await;
    let ended = proxy.stop().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(lines(&ended.stderr, "before all spans").len(), 1);
    let upstream = Upstream::echo().await;
    let url = format!("url={}", upstream.url("/"));
    let ended = setup.run(&["call", "http/GetRequestV2", &url]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test]
async fn spans_that_wait_are_exported_before_the_end() {
    let collector = Collector::start().await;
    let setup = collector.setup().env("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let proxy = setup.serve().await;
    calls(&proxy, 5).await;
    assert_eq!(collector.upstream.seen().len(), 0);
    let ended = proxy.stop().await;
    assert_eq!(lines(&ended.stderr, "WARN"), [""; 0]);
    assert_eq!(collector.spans().len(), 10);
}
