//! The spans of a call, and who sees them as a parent.

use http::Method;
use serde_json::json;

use super::collector::{CLIENT, INTERNAL, SERVER};
use super::{CALLER, Collector, TRACE, call, get, traceparent};
use crate::harness::{Engine, Reply, Upstream, closed_port};
use crate::ledger::long::{begin, config, with_callback};
use crate::python::support::{copy, pid, serve_setup, site_packages, test_python, venv, zoo};

#[tokio::test]
async fn a_call_across_a_python_worker_is_three_spans_one_in_the_other() {
    let collector = Collector::start().await;
    let config = format!(
        "[connectors.gallery]\npython = {:?}\n",
        zoo("connector-gallery")
    );
    let proxy = serve_setup(collector.setup().config(&config)).await;
    let process = pid(&proxy, "gallery").await;
    let ask = proxy
        .do_("gallery/Pid")
        .json(&json!({"spiff__task_id": "task-7"}));
    let ask = ask.header("traceparent", &traceparent("01"));
    let ask = ask.header("tracestate", "vendor=value");
    let answer = ask.header("x-request-id", "request-7").send().await;
    answer.success();

    let of_trace = async |begin: &str| {
        let spans = collector.named(begin, 2).await;
        spans.into_iter().find(|span| span.trace == TRACE).unwrap()
    };
    let call = of_trace("call gallery/Pid").await;
    let attempt = of_trace("attempt gallery/Pid").await;
    let worker = of_trace("worker gallery").await;
    assert_eq!((call.trace.as_str(), call.parent.as_str()), (TRACE, CALLER));
    attempt.is_within(&call);
    worker.is_within(&attempt);
    let kinds = [&call, &attempt, &worker].map(|span| span.kind);
    assert_eq!(kinds, [SERVER, CLIENT, INTERNAL]);
    assert_eq!(call.state, "vendor=value");
    for (name, value) in [
        ("connector", "gallery"),
        ("command", "Pid"),
        ("ingress", "spiff"),
        ("outcome", "succeeded"),
        ("request_id", "request-7"),
        ("task", "task-7"),
    ] {
        assert_eq!(call.text(&format!("crosspoint.{name}")), value, "{call:?}");
    }
    assert_eq!(call.attributes["crosspoint.status"], 200);
    assert_eq!(attempt.text("crosspoint.outcome"), "succeeded");
    assert_eq!(worker.attributes["crosspoint.worker"], process);
    assert!(worker.attributes["crosspoint.waited_ms"].is_u64());
    let id = call.text("crosspoint.call_id");
    let line = proxy.log_line(&[id, "Call succeeded."]).await;
    assert!(line.contains(TRACE), "{line}");
    // A trace that nobody else began.
    let first = collector.span("call gallery/Pid").await;
    assert_eq!(first.parent, "");
    assert_ne!(first.trace, TRACE);
}

#[tokio::test]
async fn the_next_system_sees_the_attempt_as_its_parent() {
    let collector = Collector::start().await;
    let upstream = Upstream::echo().await;
    let proxy = collector.setup().serve().await;
    let arguments = json!({"url": upstream.url("/")});
    let ask = proxy.do_("http/GetRequestV2").json(&arguments);
    let ask = ask.header("traceparent", &traceparent("01"));
    ask.header("tracestate", "a=1,b=2").send().await.success();
    let attempt = collector.span("attempt http/GetRequestV2").await;
    assert_eq!(attempt.trace, TRACE);
    assert_eq!(upstream.last().header("traceparent"), attempt.header());
    assert_eq!(upstream.last().header("tracestate"), "a=1,b=2");
    // Without a caller's trace, too.
    get(&proxy, &upstream).await.success();
    let attempt = collector.named("attempt", 2).await.remove(1);
    assert_ne!(attempt.trace, TRACE);
    assert_eq!(upstream.last().header("traceparent"), attempt.header());
}

#[tokio::test]
async fn a_python_connector_sees_the_worker_as_its_parent() {
    let collector = Collector::start().await;
    let setup = collector.setup();
    let python = test_python();
    let library = site_packages(python.as_ref()).await;
    let packages = venv(&python, &setup.path().join(".venv")).await;
    std::fs::write(packages.join("tests.pth"), library.to_str().unwrap()).unwrap();
    copy(zoo("connector-flasky/src"), &packages);
    let config = "[python]\nvenv = \".venv\"\n\
        [connectors.flasky]\nconfig = { FLASKY_GREETING = \"hello\" }\n";
    let proxy = serve_setup(setup.config(config)).await;
    for header in [Some(traceparent("01")), None] {
        let mut ask = proxy.do_("flasky/Around").json(&json!({})).verbatim();
        if let Some(header) = &header {
            ask = ask.header("traceparent", header);
        }
        let seen = ask.send().await.json()["headers"]["traceparent"].clone();
        let count = if header.is_some() { 1 } else { 2 };
        let worker = collector.named("worker flasky", count).await.pop().unwrap();
        assert_eq!(seen, worker.header());
    }
}

#[tokio::test]
async fn a_failure_is_in_the_call_and_in_the_attempt() {
    let collector = Collector::start().await;
    let upstream = Upstream::start(|_| Reply::status(404).body("gone")).await;
    let proxy = collector.setup().serve().await;
    get(&proxy, &upstream).await;
    for name in ["call", "attempt"] {
        let span = collector.span(name).await;
        assert_eq!(span.text("error.type"), "HttpError404", "{span:?}");
        assert_eq!(span.text("crosspoint.outcome"), "reported");
        assert_eq!(span.attributes["crosspoint.status"], 404);
        assert!(span.failed.unwrap().contains("404"));
    }
    let (_closed, address) = closed_port();
    let arguments = json!({"url": format!("http://{address}/")});
    proxy.call("http/GetRequestV2", arguments).await;
    let span = collector.named("attempt", 2).await.remove(1);
    assert_eq!(span.text("crosspoint.outcome"), "transport", "{span:?}");
    assert_eq!(span.text("crosspoint.effect"), "none");
}

#[tokio::test]
async fn a_call_that_is_turned_away_has_a_span_and_no_attempt() {
    let collector = Collector::start().await;
    let proxy = collector.setup().serve().await;
    call(&proxy, "01", "http/GetRequestV2", json!({})).await;
    call(&proxy, "01", "http/Nothing", json!({})).await;
    let calls = collector.named("call", 2).await;
    for (span, command) in calls.iter().zip(["GetRequestV2", "Nothing"]) {
        assert_eq!(span.text("crosspoint.outcome"), "invalid", "{span:?}");
        assert_eq!(span.text("crosspoint.command"), command);
        assert_eq!((&*span.trace, &*span.parent), (TRACE, CALLER));
        assert!(span.failed.is_some());
    }
    // A name that anybody may make up is no name of a span.
    assert_eq!(calls[1].name, "call");
    proxy.ask(Method::GET, "/v1/commands").send().await;
    proxy.stop().await;
    assert_eq!(collector.spans().len(), 2);
}

#[tokio::test]
async fn the_delivery_of_a_result_belongs_to_the_trace_of_its_call() {
    let collector = Collector::start().await;
    let engine = Engine::start().await;
    let upstream = Upstream::echo().await;
    let proxy = collector
        .setup()
        .config(&config(&engine, "0s"))
        .serve()
        .await;
    let url = engine.callback([crate::harness::Turn::Status(503)]);
    let arguments = with_callback(json!({"url": upstream.url("/")}), &url);
    begin(&proxy, "request", "http/PostRequestV2", arguments).await;
    engine.result(&url).await;
    let deliveries = collector.named("delivery http/PostRequestV2", 2).await;
    let call = collector.span("call").await;
    collector.span("attempt").await.is_within(&call);
    for (delivery, put) in deliveries.iter().zip(engine.puts(&url)) {
        assert_eq!((&delivery.trace, &delivery.parent), (&call.trace, &call.id));
        assert_eq!(put.seen.header("traceparent"), delivery.header());
        assert_eq!(delivery.kind, CLIENT);
        let ids = [delivery, &call].map(|span| span.text("crosspoint.call_id"));
        assert_eq!(ids[0], ids[1]);
    }
    let outcomes: Vec<_> = deliveries
        .iter()
        .map(|delivery| delivery.text("crosspoint.outcome"))
        .collect();
    assert_eq!(outcomes, ["retried", "delivered"]);
    assert_eq!(deliveries[0].attributes["http.response.status_code"], 503);
    assert_eq!(deliveries[1].attributes["crosspoint.attempt"], 2);
    assert!(deliveries[0].failed.is_some() && deliveries[1].failed.is_none());
}

#[tokio::test]
async fn the_command_line_exports_its_call_before_it_ends() {
    let collector = Collector::start().await;
    let upstream = Upstream::echo().await;
    let url = format!("url={}", upstream.url("/"));
    let setup = collector.setup().env("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let ended = setup.run(&["call", "http/GetRequestV2", &url]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let names: Vec<_> = collector
        .spans()
        .into_iter()
        .map(|span| span.name)
        .collect();
    assert_eq!(
        names,
        ["attempt http/GetRequestV2", "call http/GetRequestV2"]
    );
}
