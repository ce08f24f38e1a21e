//! Messages that are not as they should be: answered where anybody can be, kept otherwise, and never
//! sent round in circles.

use serde_json::json;

use super::bundle::Task;
use super::{Served, process, rabbit, serve};
use crate::harness::{Reply, Upstream, until};

const GET: &str = "http.GetRequestV2";

fn get() -> Task {
    Task::of(GET)
}

/// Waits until nothing waits in the queue and its consumer is still there.
async fn is_empty(served: &Served) {
    let queue = served.queue(GET);
    until("the queue is empty", async || {
        rabbit::shared().await.queue(&queue).await == Some((0, 1))
    })
    .await;
}

#[tokio::test]
async fn poison_messages_are_kept_with_the_reason_and_the_next_request_is_served() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let bad: [(&[u8], &str); 6] = [
        (b"not json", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "integrationContext"),
        (b"{\"integrationContext\": {}}", "no id"),
        (
            b"{\"integrationContext\": {\"id\": \"i\", \"executionId\": \"e\", \"clientId\": \"c\"}}",
            "where its answer goes",
        ),
    ];
    for (body, _) in &bad {
        bundle.publish(GET, body, "").await;
    }
    let variables = process(json!({"url": upstream.url("/")}));
    let execution = bundle.begin(&get(), &variables).await;
    bundle.outputs(&execution).await;
    is_empty(&served).await;
    until("all are kept", async || {
        let rows = served.proxy.rows(&["--state", "failed"]).await;
        rows.iter()
            .filter(|row| row.code.as_deref() == Some("unusable_message"))
            .count()
            >= bad.len()
    })
    .await;
    let rows = served.proxy.rows(&["--state", "failed"]).await;
    for (_, reason) in &bad {
        let told = |row: &&crate::harness::Row| {
            row.message
                .as_deref()
                .is_some_and(|message| message.contains(reason))
        };
        let row = rows
            .iter()
            .find(told)
            .unwrap_or_else(|| panic!("{reason}: {rows:?}"));
        assert_eq!(row.effect.as_deref(), Some("none"));
        let shown = served.proxy.ledger(&["show", &row.id]).await;
        assert!(shown.stdout.contains(reason), "{shown:?}");
    }
    assert_eq!(rows.len(), bad.len());
    served
        .proxy
        .log_line(&["ERROR", "cannot be answered"])
        .await;
}

#[tokio::test]
async fn what_can_be_answered_is_answered_with_an_error_that_says_why() {
    let served = serve("serve = [\"http.*\"]").await;
    let bundle = served.bundle().await;
    let base = bundle.request(
        &get(),
        "e",
        "i",
        &process(json!({"url": "http://127.0.0.1:1/"})),
    );
    let cases = [
        (
            "/integrationContext/connectorType",
            json!("nobody.Knows"),
            "nobody.Knows",
        ),
        (
            "/integrationContext/executionId",
            json!(null),
            "executionId",
        ),
        ("/integrationContext/clientId", json!(null), "clientId"),
        (
            "/integrationContext/inBoundVariables/url",
            json!({"type": "unheard-of", "value": "x"}),
            "'unheard-of'",
        ),
        (
            "/integrationContext/inBoundVariables/url",
            json!({"type": "json", "value": "{"}),
            "'url'",
        ),
        (
            "/integrationContext/inBoundVariables",
            json!(5),
            "inBoundVariables",
        ),
        ("/integrationContext/inBoundVariables", json!(null), "url"),
    ];
    for (at, (pointer, value, part)) in cases.iter().enumerate() {
        let mut request = base.clone();
        *request.pointer_mut(pointer).unwrap() = value.clone();
        request["integrationContext"]["id"] = json!(format!("bad-{at}"));
        // Without headers, as an old engine or a person with a console would send it.
        bundle
            .publish(GET, request.to_string().as_bytes(), "")
            .await;
        bundle.answered(at + 1).await;
        let answers = bundle.answers();
        let error = answers
            .iter()
            .find(|answer| answer["integrationContext"]["id"] == json!(format!("bad-{at}")));
        let message = error.unwrap()["errorMessage"].as_str().unwrap().to_owned();
        assert!(message.contains(part), "{pointer}: {message}");
    }
    is_empty(&served).await;
}

#[tokio::test]
async fn ten_mebibytes_are_a_message_like_any_other() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream =
        Upstream::start(|seen| Reply::json(&json!({"bytes": seen.body.len()}).to_string())).await;
    let bundle = served.bundle().await;
    let task = Task {
        implementation: "http.PostRequestV2".to_owned(),
        ..get()
    };
    let variables = process(json!({
        "url": upstream.url("/"), "data": {"text": "x".repeat(10 << 20)}}));
    let execution = bundle.begin(&task, &variables).await;
    let outputs = bundle.outputs(&execution).await;
    let bytes: usize = outputs["bytes"]["value"].as_str().unwrap().parse().unwrap();
    assert!(bytes > 10 << 20, "{bytes}");
}

#[tokio::test]
async fn many_poison_messages_in_a_row_neither_stop_nor_come_again() {
    let served = serve("serve = [\"http.*\"]\nprefetch = 5\nconcurrency = 3").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    let mut executions = Vec::new();
    for at in 0..60 {
        bundle.publish(GET, b"{\"poison\": ", "").await;
        if at % 20 == 10 {
            executions.push(bundle.begin(&get(), &variables).await);
        }
    }
    for execution in &executions {
        bundle.outputs(execution).await;
    }
    is_empty(&served).await;
    let parked = "crosspoint_activiti_requests_total{outcome=\"parked\"}";
    served.proxy.counts(parked, 60.0).await;
    let rows = served
        .proxy
        .rows(&["--state", "failed", "--limit", "100"])
        .await;
    assert_eq!(rows.len(), 60);
    for name in [
        "requests_total{outcome=\"given_back\"}",
        "requests_redelivered_total",
    ] {
        let name = format!("crosspoint_activiti_{name}");
        served.proxy.counts(&name, 0.0).await;
    }
}

#[tokio::test]
async fn ten_mebibytes_that_are_no_request_are_kept_like_any_other() {
    let served = serve("serve = [\"http.*\"]").await;
    let bundle = served.bundle().await;
    let body = vec![b'x'; 10 << 20];
    bundle.publish(GET, &body, "").await;
    let parked = "crosspoint_activiti_requests_total{outcome=\"parked\"}";
    served.proxy.counts(parked, 1.0).await;
    is_empty(&served).await;
    let rows = served.proxy.rows(&["--state", "failed"]).await;
    let told = rows[0].message.as_deref().unwrap();
    assert!(told.contains("not JSON") && told.len() < 1000, "{told}");
}

#[tokio::test]
async fn everything_optional_may_be_missing_null_or_unknown() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let whole = bundle.request(
        &get(),
        "e",
        "i",
        &process(json!({"url": upstream.url("/")})),
    );
    let needed = ["id", "executionId", "clientId", "inBoundVariables"];
    let mut least = json!({"serviceFullName": bundle.name, "integrationContext": {}});
    for name in needed {
        least["integrationContext"][name] = whole["integrationContext"][name].clone();
    }
    let mut nulls = whole.clone();
    for (name, value) in nulls["integrationContext"].as_object_mut().unwrap() {
        if !needed.contains(&name.as_str()) {
            *value = json!(null);
        }
    }
    for name in ["appName", "appVersion", "serviceName", "resultDestination"] {
        nulls[name] = json!(null);
    }
    let mut more = whole.clone();
    more["unheard"] = json!({"of": [1]});
    more["integrationContext"]["unheard"] = json!(null);
    more["appVersion"] = json!("latest");
    for (at, mut request) in [least, nulls, more].into_iter().enumerate() {
        let id = format!("optional-{at}");
        request["integrationContext"]["id"] = json!(id);
        bundle
            .publish(GET, request.to_string().as_bytes(), "")
            .await;
        until("it is answered", async || bundle.answers_to(&id).len() == 1).await;
        let answer = bundle.answers_to(&id).remove(0);
        assert!(answer.get("errorMessage").is_none(), "{answer}");
        // What came is what goes back.
        assert_eq!(answer["integrationRequest"], request);
    }
}

#[tokio::test]
async fn without_a_ledger_a_message_that_comes_twice_runs_twice_and_the_start_says_so() {
    let setup = crate::harness::Setup::new();
    let lines = "serve = [\"http.*\"]\n[store]\nurl = \"none\"";
    let served = Served::start(setup, lines).await;
    served.proxy.log_line(&["WARN", "runs twice"]).await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    let request = bundle.request(&get(), "e", "twice", &variables);
    for _ in 0..2 {
        bundle
            .publish(GET, request.to_string().as_bytes(), "")
            .await;
    }
    bundle.answered(2).await;
    assert_eq!(upstream.seen().len(), 2);
    // Poison is said in the log alone.
    bundle.publish(GET, b"poison", "").await;
    served
        .proxy
        .log_line(&["ERROR", "given up", "not JSON"])
        .await;
    is_empty(&served).await;
}

#[tokio::test]
async fn variables_of_older_engines_are_read_too() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::echo().await;
    let bundle = served.bundle().await;
    let mut request = bundle.request(&get(), "e", "plain", &process(json!({})));
    request["integrationContext"]["inBoundVariables"] =
        json!({"url": upstream.url("/plain"), "headers": {"x-a": "1"}, "nothing": null});
    request.as_object_mut().unwrap().remove("resultDestination");
    bundle
        .publish(GET, request.to_string().as_bytes(), "plain")
        .await;
    bundle.answered(1).await;
    assert!(
        bundle.answers()[0].get("errorMessage").is_none(),
        "{:?}",
        bundle.answers()
    );
    assert_eq!(upstream.last().header("x-a"), "1");
}
