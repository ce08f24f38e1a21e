//! What happens when the message broker, its queues, or the proxy itself go away.

use lapin::ExchangeKind;
use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use serde_json::json;

use super::bundle::{Task, Way};
use super::rabbit::{self, Rabbit};
use super::{Served, process, serve};
use crate::harness::{Database, Gate, Reply, Setup, Upstream, closed_port, until, until_within};

const POST: &str = "http.PostRequestV2";

fn post() -> Task {
    Task::of(POST)
}

/// An upstream whose answers wait for a gate.
async fn gated(answer: &'static str) -> (Gate, Upstream) {
    let gate = Gate::new();
    let own = gate.clone();
    let upstream = Upstream::start(move |_| Reply::json(answer).behind(&own)).await;
    (gate, upstream)
}

#[tokio::test]
async fn a_broker_that_restarts_loses_no_call_and_runs_none_twice() {
    let mut rabbit = Rabbit::start().await;
    let served = Served::at(&rabbit, Setup::new(), "serve = [\"http.*\"]").await;
    let (gate, upstream) = gated("{\"done\": true}").await;
    let mut bundle = served.bundle_at(&rabbit).await;
    let mut executions = Vec::new();
    for at in 0..5 {
        let variables = process(json!({"url": upstream.url("/"), "data": {"n": at}}));
        executions.push(bundle.begin(&post(), &variables).await);
    }
    upstream.arrived(5).await;
    rabbit.stop();
    // They end while nobody can be told.
    gate.open();
    until("the loss is seen", async || {
        served.proxy.problems().await.contains("activiti")
    })
    .await;
    served
        .proxy
        .counts("crosspoint_activiti_connected", 0.0)
        .await;
    rabbit.start_again().await;
    bundle.reconnect(&rabbit).await;
    for execution in &executions {
        until_within(
            std::time::Duration::from_secs(120),
            "it goes on",
            async || bundle.way(execution) != Way::Waiting,
        )
        .await;
        bundle.outputs(execution).await;
    }
    assert_eq!(upstream.seen().len(), 5, "each ran once");
    until("all is well again", async || {
        !served.proxy.problems().await.contains("activiti")
    })
    .await;
    for (name, value) in [
        ("connected", 1.0),
        ("reconnections_total", 1.0),
        ("requests_redelivered_total", 5.0),
        ("requests_total{outcome=\"lost\"}", 5.0),
        ("requests_total{outcome=\"result\"}", 5.0),
    ] {
        let name = format!("crosspoint_activiti_{name}");
        served.proxy.counts(&name, value).await;
    }
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_end_of_its_row_and_the_request_does() {
    let served = serve("serve = [\"http.*\"]").await;
    let (gate, upstream) = gated("{}").await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    let execution = bundle.begin(&post(), &variables).await;
    upstream.arrived(1).await;
    let ledger = served.proxy.path().join(".crosspoint/crosspoint.db");
    let lock = Database::file(&ledger).lock().await;
    gate.open();
    bundle.outputs(&execution).await;
    // The request was not acknowledged: it comes again, and nobody knows of the end.
    let setup = served.proxy.kill().await;
    drop(lock);
    let proxy = setup.serve().await;
    bundle.answered(2).await;
    assert_eq!((bundle.ignored(), upstream.seen().len()), (1, 1));
    assert_eq!(proxy.rows(&["--state", "unknown"]).await.len(), 1);
}

#[tokio::test]
async fn a_proxy_that_dies_leaves_its_requests_to_the_next() {
    let served = serve("serve = [\"http.*\"]").await;
    let (gate, upstream) = gated("{}").await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    let get = Task {
        implementation: "http.GetRequestV2".to_owned(),
        ..post()
    };
    let reads = bundle.begin(&get, &variables).await;
    let writes = bundle.begin(&post(), &variables).await;
    upstream.arrived(2).await;
    let setup = served.proxy.kill().await;
    gate.open();
    let proxy = setup.serve().await;
    // Reading may be repeated. Whether the other has happened nobody knows, and the engine is told so.
    bundle.outputs(&reads).await;
    let error = bundle.failure(&writes).await;
    assert!(
        error["errorMessage"]
            .as_str()
            .unwrap()
            .starts_with("outcome_unknown"),
        "{error}"
    );
    assert_eq!(upstream.seen_by("POST"), 1);
    assert_eq!(proxy.rows(&["--state", "unknown"]).await.len(), 1);
}

#[tokio::test]
async fn a_proxy_that_is_told_to_stop_answers_what_is_under_way() {
    let served = serve("serve = [\"http.*\"]").await;
    let (gate, upstream) = gated("{\"last\": 1}").await;
    let bundle = served.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    let execution = bundle.begin(&post(), &variables).await;
    upstream.arrived(1).await;
    served.proxy.terminate();
    served.proxy.log_line(&["Stopping"]).await;
    gate.open();
    let ended = served.proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(bundle.outputs(&execution).await.contains_key("last"));
}

#[tokio::test]
async fn a_deleted_queue_is_made_again() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let rabbit = rabbit::shared().await;
    let queue = served.queue(POST);
    rabbit.delete_queue(&queue).await;
    until("it is there again", async || {
        rabbit.queue(&queue).await == Some((0, 1))
    })
    .await;
    let variables = process(json!({"url": upstream.url("/")}));
    let execution = bundle.begin(&post(), &variables).await;
    bundle.outputs(&execution).await;
}

#[tokio::test]
async fn a_deleted_exchange_is_made_and_bound_again() {
    let served = serve("serve = [\"http.*\"]").await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let (rabbit, exchange) = (rabbit::shared().await, served.exchange(POST));
    let variables = process(json!({"url": upstream.url("/")}));
    rabbit.delete_exchange(&exchange).await;
    served
        .proxy
        .log_line(&["WARN", "The exchange was gone", &exchange])
        .await;
    let execution = bundle.begin(&post(), &variables).await;
    bundle.outputs(&execution).await;
    // The engine makes it anew itself, and what it sends before the queue is bound is lost.
    rabbit.delete_exchange(&exchange).await;
    let mut sent = Vec::new();
    until("one comes", async || {
        sent.push(bundle.begin(&post(), &variables).await);
        sent.iter().any(|one| bundle.way(one) != Way::Waiting)
    })
    .await;
    let last = bundle.begin(&post(), &variables).await;
    bundle.outputs(&last).await;
    assert!(!served.proxy.problems().await.contains("activiti"));
}

#[tokio::test]
async fn replicas_share_a_queue_and_another_group_gets_copies() {
    let one = serve("serve = [\"http.*\"]").await;
    let config = std::fs::read_to_string(one.proxy.path().join("crosspoint.toml")).unwrap();
    let replica = Setup::new().config(&config).serve().await;
    let other = Setup::new()
        .config(&config.replace("[activiti]", "[activiti]\ngroup = \"other\""))
        .serve()
        .await;
    let rabbit = rabbit::shared().await;
    until("all are there", async || {
        let other = one.queue(POST).replace(".crosspoint", ".other");
        rabbit.queue(&one.queue(POST)).await == Some((0, 2))
            && rabbit.queue(&other).await == Some((0, 1))
    })
    .await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = one.bundle().await;
    let variables = process(json!({"url": upstream.url("/")}));
    for _ in 0..4 {
        bundle.begin(&post(), &variables).await;
    }
    bundle.answered(8).await;
    assert_eq!((upstream.seen().len(), bundle.ignored()), (8, 4));
    let rows = (
        one.proxy.rows(&[]).await.len(),
        replica.rows(&[]).await.len(),
    );
    assert_eq!((rows.0 + rows.1, other.rows(&[]).await.len()), (4, 4));
}

#[tokio::test]
async fn a_queue_that_is_there_with_other_properties_is_used_as_it_is() {
    let prefix = format!("p{}", super::unique());
    let (_connection, channel) = rabbit::shared().await.channel().await;
    let exchange = format!("{prefix}_{POST}");
    let options = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let none = FieldTable::default();
    let kind = ExchangeKind::Topic;
    channel
        .exchange_declare(exchange.as_str().into(), kind, options, none)
        .await
        .unwrap();
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let mut arguments = FieldTable::default();
    arguments.insert("x-message-ttl".into(), AMQPValue::LongInt(3_600_000));
    let queue = format!("{exchange}.crosspoint");
    channel
        .queue_declare(queue.as_str().into(), durable, arguments)
        .await
        .unwrap();
    let url = rabbit::shared().await.url();
    let config = format!(
        "[activiti]\namqp = \"{url}\"\nserve = [\"{POST}\"]\ndestination_prefix = \"{prefix}\""
    );
    let proxy = Setup::new().config(&config).serve().await;
    proxy.log_line(&["other properties", &queue]).await;
    until("it is consumed", async || {
        rabbit::shared().await.queue(&queue).await == Some((0, 1))
    })
    .await;
    assert!(!proxy.problems().await.contains("activiti"));
}

#[tokio::test]
async fn a_wrong_address_password_or_virtual_host_is_said_and_everything_else_serves() {
    let (_socket, closed) = closed_port();
    let wrong_password = rabbit::shared()
        .await
        .url()
        .replace("guest:guest", "guest:w0rng-p4ss");
    let wrong_host = format!("{}/nowhere", rabbit::shared().await.url());
    let none = "amqp://guest:guest@nowhere.invalid".to_owned();
    for (url, part) in [
        (format!("amqp://guest:guest@{closed}"), "is it running"),
        (wrong_password, "does not accept the user"),
        (wrong_host, "virtual host 'nowhere'"),
        (none, "lookup"),
    ] {
        let config = format!("[activiti]\namqp = \"{url}\"\nserve = [\"http.*\"]");
        let proxy = Setup::new().config(&config).serve().await;
        proxy
            .log_line(&["ERROR", "connecting to amqp://", part, "activiti.amqp"])
            .await;
        until("it is ready", async || {
            proxy.get("/readyz").await.status == 200
        })
        .await;
        assert!(proxy.problems().await.contains("activiti: connecting to"));
        assert_eq!(proxy.get("/v1/commands").await.status, 200);
        assert!(!proxy.log().contains("w0rng-p4ss"), "{}", proxy.log());
        assert_eq!(proxy.stop().await.code, Some(0));
    }
}

#[tokio::test]
async fn when_nothing_is_served_the_line_to_add_is_said() {
    let served = serve("").await;
    served
        .proxy
        .log_line(&["WARN", "serve = [\"http.*\"]"])
        .await;
    let served = serve("serve = [\"htp.*\"]").await;
    assert!(served.proxy.problems().await.contains("htp.*"));
}
