//! The standard variables.

use serde_json::json;

use super::collector::{Told, decode};
use super::{Collector, TRACE, call, get};
use crate::harness::{Authority, Reply, Setup, Upstream};

/// A call of a proxy that was set up like this, after which it has ended.
async fn after_a_call(setup: Setup, flags: &str) -> (String, Upstream) {
    let upstream = Upstream::echo().await;
    let proxy = setup.serve().await;
    let arguments = json!({"url": upstream.url("/")});
    let answer = call(&proxy, flags, "http/GetRequestV2", arguments).await;
    answer.success();
    let ended = proxy.stop().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    (ended.stderr, upstream)
}

#[tokio::test]
async fn nothing_is_exported_unless_the_variables_say_so() {
    let collector = Collector::start().await;
    let url = collector.upstream.url("");
    for setup in [
        Setup::new(),
        collector.setup().env("OTEL_SDK_DISABLED", "true"),
        collector.setup().env("OTEL_TRACES_EXPORTER", "none"),
        Setup::new().env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &url),
    ] {
        let (log, upstream) = after_a_call(setup, "01").await;
        assert!(!log.contains("span"), "{log}");
        // Passed on as before.
        assert!(upstream.last().header("traceparent").contains(TRACE));
    }
    assert_eq!(collector.upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_protocol_that_is_not_spoken_is_refused_and_calls_go_on() {
    let collector = Collector::start().await;
    let setup = collector.setup().env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let (log, _) = after_a_call(setup, "01").await;
    let mut lines = log.lines().filter(|line| line.contains("WARN"));
    let line = lines.next().unwrap();
    for text in ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"] {
        assert!(line.contains(text), "{line}");
    }
    assert_eq!((lines.next(), collector.upstream.seen().len()), (None, 0));
}

#[tokio::test]
async fn spans_are_written_as_the_variables_say() {
    for (protocol, compression) in [
        ("http/protobuf", "gzip"),
        ("http/json", "none"),
        ("http/json", "gzip"),
        ("", ""),
    ] {
        let collector = Collector::start().await;
        let setup = collector
            .setup()
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            .env("OTEL_EXPORTER_OTLP_COMPRESSION", compression);
        after_a_call(setup, "01").await;
        let seen = collector.upstream.last();
        assert_eq!((&*seen.method, &*seen.target), ("POST", "/v1/traces"));
        let json = seen.header("content-type") == "application/json";
        assert_eq!(json, protocol == "http/json");
        let gzip = seen.header("content-encoding") == "gzip";
        assert_eq!(gzip, compression == "gzip");
        let [attempt, call] = &collector.spans()[..] else {
            panic!("{:?}", collector.spans());
        };
        attempt.is_within(call);
        assert!(!decode(&seen).resource_spans.is_empty());
    }
}

#[tokio::test]
async fn the_service_and_the_collector_are_as_the_variables_say() {
    let collector = Collector::start().await;
    let own = collector.upstream.url("/own/path?token=x");
    let setup = collector
        .setup()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", own)
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=one%20two,x-other=3")
        .env(
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment=test,a=b",
        )
        .env("OTEL_SERVICE_NAME", "proxy-7");
    after_a_call(setup, "01").await;
    let seen = collector.upstream.last();
    assert_eq!(seen.target, "/own/path?token=x");
    assert_eq!(seen.header("x-key"), "one two");
    assert_eq!(seen.header("x-other"), "3");
    let Told { resource, .. } = collector.span("call").await;
    assert_eq!(resource["service.name"], "proxy-7");
    assert_eq!(resource["deployment.environment"], "test");
    assert_eq!(resource["a"], "b");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert!(resource.contains_key("service.instance.id"));

    let collector = Collector::start().await;
    after_a_call(collector.setup(), "01").await;
    let resource = collector.span("call").await.resource;
    assert_eq!(resource["service.name"], "crosspoint");
}

#[tokio::test]
async fn a_collector_with_a_certificate_of_ones_own_is_reached_by_https() {
    let authority = Authority::new();
    let tls = authority.acceptor("127.0.0.1");
    let upstream = Upstream::start_tls(tls, |_| Reply::status(200)).await;
    let collector = Collector { upstream };
    let setup = || collector.setup().file("own.pem", &authority.pem());
    let trusting = setup().env("OTEL_EXPORTER_OTLP_CERTIFICATE", "own.pem");
    after_a_call(trusting, "01").await;
    assert_eq!(collector.spans().len(), 2);
    // Everybody else loses them, and says so.
    let (log, _) = after_a_call(setup(), "01").await;
    assert!(log.contains("are lost") && log.contains("WARN"), "{log}");
    let missing = setup().env("OTEL_EXPORTER_OTLP_CERTIFICATE", "nowhere.pem");
    let (log, _) = after_a_call(missing, "01").await;
    assert!(log.contains("nowhere.pem") && log.contains("WARN"), "{log}");
    assert_eq!(collector.spans().len(), 2);
}

#[tokio::test]
async fn the_rules_for_connectors_are_not_for_the_collector() {
    let collector = Collector::start().await;
    let config = "[egress]\ndeny = [\"*\"]\n[connectors.http.egress]\nallow = [\"*\"]\n";
    after_a_call(collector.setup().config(config), "01").await;
    assert_eq!(collector.spans().len(), 2);
}

#[tokio::test]
async fn a_trace_that_is_not_sampled_is_passed_on_and_not_exported() {
    for (sampler, argument, flags, exported) in [
        ("", "", "00", false),
        ("", "", "01", true),
        ("parentbased_traceidratio", "0", "01", true),
        ("traceidratio", "0", "01", false),
        ("always_off", "", "01", false),
        ("always_on", "", "00", true),
    ] {
        let collector = Collector::start().await;
        let setup = collector
            .setup()
            .env("OTEL_TRACES_SAMPLER", sampler)
            .env("OTEL_TRACES_SAMPLER_ARG", argument);
        let (_, upstream) = after_a_call(setup, flags).await;
        let spans = collector.spans();
        assert_eq!(!spans.is_empty(), exported, "{sampler} {flags}");
        let sent = upstream.last().header("traceparent").to_owned();
        let expected = if exported { "-01" } else { "-00" };
        assert!(sent.contains(TRACE) && sent.ends_with(expected), "{sent}");
        if let [attempt, _] = &spans[..] {
            assert_eq!(sent, attempt.header());
        }
    }
    // Where nobody began it, the sampler decides.
    let collector = Collector::start().await;
    let setup = collector.setup();
    let setup = setup.env("OTEL_TRACES_SAMPLER", "parentbased_always_off");
    let upstream = Upstream::echo().await;
    let proxy = setup.serve().await;
    get(&proxy, &upstream).await.success();
    assert!(upstream.last().header("traceparent").ends_with("-00"));
    proxy.stop().await;
    assert_eq!(collector.upstream.seen().len(), 0);
}
