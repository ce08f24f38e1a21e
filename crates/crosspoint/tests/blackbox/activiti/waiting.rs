//! Answers that nobody takes: they wait in the ledger, and hold up nobody.

use serde_json::{Map, Value, json};

use super::bundle::{Bundle, Task};
use super::rabbit;
use super::{Served, process, serve, unique};
use crate::harness::{Proxy, Reply, Setup, Upstream, until};

const GET: &str = "http.GetRequestV2";
const POST: &str = "http.PostRequestV2";

/// Publishes a request whose answers go elsewhere than to its runtime bundle.
async fn ask(bundle: &Bundle, implementation: &str, id: &str, url: &str, change: &[(&str, &str)]) {
    let variables = process(json!({"url": url}));
    let mut request = bundle.request(&Task::of(implementation), "e", id, &variables);
    for (field, to) in change {
        request[*field] = json!(to);
    }
    let body = request.to_string();
    bundle.publish(implementation, body.as_bytes(), id).await;
}

/// Begins an execution whose answer comes back, and waits for that.
async fn goes_well(bundle: &Bundle, url: &str) -> Map<String, Value> {
    let variables = process(json!({"url": url}));
    let execution = bundle.begin(&Task::of(POST), &variables).await;
    bundle.outputs(&execution).await
}

async fn counts(proxy: &Proxy, state: &str, count: usize) {
    until(&format!("{count} are {state}"), async || {
        proxy.rows(&["--state", state]).await.len() == count
    })
    .await;
}

#[tokio::test]
async fn a_runtime_bundle_that_is_gone_holds_up_no_other() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let (bundle, url) = (served.bundle().await, upstream.url("/"));
    let gone = format!("integrationResult_gone{}", unique());
    // As many as the message broker hands over at once.
    for at in 0..10 {
        let id = format!("gone-{at}");
        ask(&bundle, POST, &id, &url, &[("resultDestination", &gone)]).await;
    }
    goes_well(&bundle, &url).await;
    counts(&served.proxy, "finished", 10).await;
    let waiting = format!("answers that wait for {gone}: 10");
    until("it is told", async || {
        served.proxy.problems().await.contains(&waiting)
    })
    .await;
    let proxy = served.proxy.kill().await.serve().await;
    goes_well(&bundle, &url).await;
    until("the next process tells it as well", async || {
        proxy.problems().await.contains(&waiting)
    })
    .await;
    // The runtime bundle is back, and gets what waited.
    let rabbit = rabbit::shared().await;
    rabbit.bind_queue(&gone).await;
    counts(&proxy, "delivered", 10).await;
    until("all are there", async || {
        rabbit
            .queue(&gone)
            .await
            .is_some_and(|(ready, _)| ready >= 10)
    })
    .await;
    until("all is well", async || {
        !proxy.problems().await.contains("activiti")
    })
    .await;
    assert_eq!(upstream.seen().len(), 12, "each ran once");
}

#[tokio::test]
async fn an_answer_waits_for_the_queue_of_its_runtime_bundle() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let late = format!("integrationResult_late{}", unique());
    let change = [("resultDestination", late.as_str())];
    ask(&bundle, POST, "late", &upstream.url("/"), &change).await;
    served
        .proxy
        .log_line(&["cannot be delivered yet", &late])
        .await;
    let rabbit = rabbit::shared().await;
    rabbit.bind_queue(&late).await;
    until("it has arrived", async || {
        rabbit.queue(&late).await == Some((1, 0))
    })
    .await;
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_that_nobody_ever_takes_is_given_up_and_can_be_had_again() {
    let served = serve("serve = [\"http.*\"]\nanswer_patience = \"1s\"").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let nobody = format!("nobody-listens-here{}", unique());
    for to in [nobody.as_str(), "amq.topic"] {
        let change = [("resultDestination", to)];
        ask(&bundle, POST, to, &upstream.url("/"), &change).await;
    }
    counts(&served.proxy, "undeliverable", 2).await;
    until("they do not wait any more", async || {
        !served.proxy.problems().await.contains("activiti")
    })
    .await;
    let rabbit = rabbit::shared().await;
    rabbit.bind_queue(&nobody).await;
    let rows = served.proxy.rows(&["--state", "undeliverable"]).await;
    let row = rows
        .iter()
        .find(|row| row.callback.as_deref().unwrap().contains(&nobody));
    let again = served.proxy.ledger(&["replay", &row.unwrap().id]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    until("it has arrived", async || {
        rabbit.queue(&nobody).await == Some((1, 0))
    })
    .await;
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn a_result_that_can_go_nowhere_becomes_an_error() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    for to in ["amq.nope", &"x".repeat(300)] {
        let variables = process(json!({"url": upstream.url("/")}));
        let change = |request: &mut Value| request["resultDestination"] = json!(to);
        let task = Task::of(POST);
        let execution = bundle.begin_changed(&task, &variables, change).await;
        let error = bundle.failure(&execution).await;
        let message = error["errorMessage"].as_str().unwrap();
        assert!(message.starts_with("result_undeliverable"), "{message}");
        assert!(message.contains("the command has run"), "{message}");
    }
    assert_eq!(upstream.seen().len(), 2);
    counts(&served.proxy, "succeeded", 2).await;
    assert_eq!(served.proxy.rows(&["--state", "failed"]).await.len(), 0);
}

#[tokio::test]
async fn a_late_result_that_can_go_nowhere_becomes_an_error_as_well() {
    let policy = "serve = [\"http.*\"]\n[connectors.http.policy]\nasync_after = \"0s\"";
    let served = serve(policy).await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    let change = |request: &mut Value| request["resultDestination"] = json!("amq.nope");
    let task = Task::of(POST);
    let execution = bundle.begin_changed(&task, &variables, change).await;
    let error = bundle.failure(&execution).await;
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("result_undeliverable"), "{message}");
    counts(&served.proxy, "undeliverable", 1).await;
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn what_nobody_can_be_told_is_kept_with_what_its_command_has_done() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let nowhere = [
        ("resultDestination", "amq.nope"),
        ("errorDestination", "amq.no"),
    ];
    for (implementation, effect) in [(POST, "done"), (GET, "none")] {
        ask(
            &bundle,
            implementation,
            effect,
            &upstream.url("/"),
            &nowhere,
        )
        .await;
        until("it is kept", async || {
            let rows = served.proxy.rows(&["--state", "failed"]).await;
            rows.iter().any(|row| {
                row.code.as_deref() == Some("unusable_message")
                    && row.effect.as_deref() == Some(effect)
            })
        })
        .await;
    }
    let queue = served.queue(POST);
    until("nothing waits", async || {
        rabbit::shared().await.queue(&queue).await == Some((0, 1))
    })
    .await;
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn without_the_ledger_a_request_is_acknowledged_only_once_its_answer_is_in_a_queue() {
    let config = format!("serve = [\"{POST}\"]\n[store]\nurl = \"none\"");
    let served = Served::start(Setup::new(), &config).await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let to = format!("integrationResult_nobody{}", unique());
    let change = [("resultDestination", to.as_str())];
    ask(&bundle, POST, "x", &upstream.url("/"), &change).await;
    served
        .proxy
        .log_line(&["cannot be delivered yet", &to])
        .await;
    assert!(served.proxy.problems().await.contains(&to));
    let queue = served.queue(POST);
    served.proxy.kill().await;
    // It was handed out and never acknowledged: it is there again.
    until("it is back", async || {
        rabbit::shared().await.queue(&queue).await == Some((1, 0))
    })
    .await;
    assert_eq!(upstream.seen().len(), 1);
}
