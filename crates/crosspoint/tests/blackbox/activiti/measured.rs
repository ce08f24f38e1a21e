//! What `/metrics` tells of the side towards the message broker.

use serde_json::json;

use super::bundle::Task;
use super::{process, serve, unique};
use crate::harness::{Gate, Reply, Upstream};

const POST: &str = "http.PostRequestV2";

#[tokio::test]
async fn requests_and_answers_are_counted_by_what_became_of_them() {
    let served = serve(
        "serve = [\"http.*\"]\nmin_app_version = 1\n\
         [connectors.http.commands.PutRequestV2.policy]\nasync_after = \"0s\"",
    )
    .await;
    let upstream = Upstream::start(|seen| {
        let status = if seen.target == "/missing" { 404 } else { 200 };
        let reply = Reply::status(status).header("content-type", "application/json");
        reply.body("{}")
    })
    .await;
    let bundle = served.bundle().await;
    let counts = async |name: &str, outcome: &str, value: f64| {
        let name = format!("crosspoint_activiti_{name}_total{{outcome=\"{outcome}\"}}");
        served.proxy.counts(&name, value).await;
    };
    served
        .proxy
        .counts("crosspoint_activiti_connected", 1.0)
        .await;

    let good = process(json!({"url": upstream.url("/"), "data": {"n": 1}}));
    for _ in 0..2 {
        let execution = bundle.begin(&Task::of(POST), &good).await;
        bundle.outputs(&execution).await;
    }
    let missing = process(json!({"url": upstream.url("/missing"), "data": {"n": 1}}));
    bundle.begin(&Task::of(POST), &missing).await;
    bundle.begin(&Task::of(POST), &process(json!({}))).await;
    bundle.publish(POST, b"not json", "").await;
    let mut request = bundle.request(&Task::of(POST), "e", &unique(), &good);
    request["appVersion"] = json!("0");
    bundle
        .publish(POST, request.to_string().as_bytes(), "old")
        .await;
    request["appVersion"] = json!("1");
    request["resultDestination"] = json!("x".repeat(300));
    bundle
        .publish(POST, request.to_string().as_bytes(), "new")
        .await;
    let long = bundle.begin(&Task::of("http.PutRequestV2"), &good).await;
    bundle.outputs(&long).await;
    for (outcome, value) in [
        ("result", 2.0),
        ("bpmn_error", 1.0),
        // That of a result whose destination nobody can have is among them.
        ("technical_error", 2.0),
        ("parked", 1.0),
        ("passed_over", 1.0),
        ("promised", 1.0),
        ("given_back", 0.0),
        ("lost", 0.0),
    ] {
        counts("requests", outcome, value).await;
    }
    for (outcome, value) in [
        // That of the long call is among them.
        ("result", 3.0),
        ("bpmn_error", 1.0),
        ("technical_error", 2.0),
        ("unroutable", 0.0),
        ("not_taken", 0.0),
        ("lost", 0.0),
        ("refused", 1.0),
    ] {
        counts("answers", outcome, value).await;
    }

    let gate = Gate::new();
    let held = Upstream::start({
        let gate = gate.clone();
        move |_| Reply::json("{}").behind(&gate)
    })
    .await;
    let variables = process(json!({"url": held.url("/"), "data": {"n": 1}}));
    for _ in 0..3 {
        bundle.begin(&Task::of(POST), &variables).await;
    }
    held.arrived(3).await;
    let in_flight = "crosspoint_activiti_requests_in_flight";
    served.proxy.counts(in_flight, 3.0).await;
    // They count on under other settings.
    served.edit(&[("[activiti]", "[activiti]\nprefetch = 3")]);
    assert_eq!(served.reload().await.code, Some(0));
    served.proxy.counts(in_flight, 3.0).await;
    gate.open();
    served.proxy.counts(in_flight, 0.0).await;
    counts("requests", "result", 5.0).await;
    served
        .proxy
        .counts("crosspoint_activiti_connected", 1.0)
        .await;
    let none = "crosspoint_activiti_reconnections_total";
    served.proxy.counts(none, 0.0).await;

    request["integrationContext"]["id"] = json!("unroutable");
    request["resultDestination"] = json!(format!("nobody-{}", unique()));
    bundle
        .publish(POST, request.to_string().as_bytes(), "unroutable")
        .await;
    // It is tried again, and counted, until somebody takes it.
    counts("requests", "waiting", 1.0).await;
}

#[tokio::test]
async fn a_process_that_serves_no_service_task_has_none_of_them() {
    let text = crate::harness::shared().await.get("/metrics").await.text;
    assert!(!text.contains("crosspoint_activiti"), "{text}");
}
