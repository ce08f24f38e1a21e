//! The objects in the message broker: exactly those of Java connectors, so that either may come first.

use futures_util::StreamExt;
use lapin::ExchangeKind;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection};
use serde_json::{Value, json};

use super::bundle::{Bundle, Task};
use super::{process, rabbit, serve, unique};
use crate::harness::{Reply, Setup, Upstream, soon, until};

const GET: &str = "http.GetRequestV2";

/// As Java's connectors and runtime bundles declare: durable, with no arguments.
async fn as_java(channel: &Channel, exchange: &str, queue: Option<&str>) -> lapin::Result<()> {
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let none = FieldTable::default;
    channel
        .exchange_declare(exchange.into(), ExchangeKind::Topic, durable, none())
        .await?;
    let Some(queue) = queue else { return Ok(()) };
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    channel.queue_declare(queue.into(), durable, none()).await?;
    let bind = QueueBindOptions::default();
    channel
        .queue_bind(queue.into(), exchange.into(), "#".into(), bind, none())
        .await
}

async fn channel(connection: &Connection) -> Channel {
    connection.create_channel().await.unwrap()
}

#[tokio::test]
async fn a_java_replica_may_declare_the_same_and_nothing_else() {
    let served = serve(&format!("serve = [\"{GET}\"]")).await;
    let (connection, first) = rabbit::shared().await.channel().await;
    let queue = served.queue(GET);
    let exchange = queue.strip_suffix(".crosspoint").unwrap();
    as_java(&first, exchange, Some(&queue)).await.unwrap();

    // The message broker compares: what differs in anything is refused.
    let mut arguments = FieldTable::default();
    arguments.insert("x-message-ttl".into(), AMQPValue::LongInt(1000));
    for (options, arguments) in [
        (QueueDeclareOptions::default(), FieldTable::default()),
        (
            QueueDeclareOptions {
                durable: true,
                auto_delete: true,
                ..QueueDeclareOptions::default()
            },
            FieldTable::default(),
        ),
        (
            QueueDeclareOptions {
                durable: true,
                ..QueueDeclareOptions::default()
            },
            arguments,
        ),
    ] {
        let channel = channel(&connection).await;
        let declared = channel.queue_declare(queue.as_str().into(), options, arguments);
        assert!(declared.await.is_err(), "{options:?}");
    }
    for (kind, options) in [
        (ExchangeKind::Topic, ExchangeDeclareOptions::default()),
        (
            ExchangeKind::Direct,
            ExchangeDeclareOptions {
                durable: true,
                ..ExchangeDeclareOptions::default()
            },
        ),
        (
            ExchangeKind::Topic,
            ExchangeDeclareOptions {
                durable: true,
                auto_delete: true,
                ..ExchangeDeclareOptions::default()
            },
        ),
    ] {
        let channel = channel(&connection).await;
        let none = FieldTable::default();
        let declared = channel.exchange_declare(exchange.into(), kind.clone(), options, none);
        assert!(declared.await.is_err(), "{kind:?} {options:?}");
    }
}

#[tokio::test]
async fn the_queue_is_bound_for_every_routing_key() {
    let served = serve(&format!("serve = [\"{GET}\"]")).await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let (_connection, channel) = rabbit::shared().await.channel().await;
    let queue = served.queue(GET);
    let exchange = queue.strip_suffix(".crosspoint").unwrap();
    let task = Task::of(GET);
    let variables = process(json!({"url": upstream.url("/")}));
    let publish = async |key: &str| {
        let request = bundle.request(&task, "e", &unique(), &variables);
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let body = request.to_string();
        let published = channel.basic_publish(
            exchange.into(),
            key.into(),
            options,
            body.as_bytes(),
            properties,
        );
        published.await.unwrap();
    };
    for key in ["", "integrationContext.rb.app", exchange] {
        publish(key).await;
    }
    bundle.answered(3).await;
    // By nothing but that one binding.
    let none = FieldTable::default();
    channel
        .queue_unbind(queue.as_str().into(), exchange.into(), "#".into(), none)
        .await
        .unwrap();
    publish(exchange).await;
    let request = bundle.request(&task, "e", "last", &variables);
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let body = request.to_string();
    // The default exchange leads to each queue by its name.
    let published = channel.basic_publish(
        "".into(),
        queue.as_str().into(),
        options,
        body.as_bytes(),
        properties,
    );
    published.await.unwrap();
    until("the last has come", async || {
        let answers = bundle.answers();
        let mut ids = answers
            .iter()
            .map(|answer| &answer["integrationContext"]["id"]);
        ids.any(|id| *id == json!("last"))
    })
    .await;
    assert_eq!(bundle.answers().len(), 4);
}

#[tokio::test]
async fn an_exchange_for_answers_is_declared_as_its_runtime_bundle_does() {
    let served = serve(&format!("serve = [\"{GET}\"]")).await;
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let bundle = served.bundle().await;
    let (connection, channel) = rabbit::shared().await.channel().await;
    let to = format!("integrationResult_new{}", unique());
    let variables = process(json!({"url": upstream.url("/")}));
    let mut request = bundle.request(&Task::of(GET), "e", &unique(), &variables);
    request["resultDestination"] = json!(to);
    bundle
        .publish(GET, request.to_string().as_bytes(), "x")
        .await;
    served
        .proxy
        .log_line(&["cannot be delivered yet", &to])
        .await;
    // The runtime bundle comes later, declares the same, and gets what waits.
    let queue = format!("{to}.rb");
    as_java(&channel, &to, Some(&queue)).await.unwrap();
    let mut consumer = consume(&connection, &queue).await;
    let answer = soon("a message", consumer.next()).await.unwrap().unwrap();
    assert_eq!(answer.routing_key.as_str(), to);
    assert_eq!(*answer.properties.delivery_mode(), Some(2));
    // Nor does the log of a library have what came back, byte by byte, where no mask finds a secret.
    let bytes: Vec<_> = upstream.url("/").bytes().map(|b| b.to_string()).collect();
    let log = served.proxy.log();
    assert!(!log.contains(&bytes.join(", ")), "{log}");
}

#[tokio::test]
async fn the_variables_of_activiti_make_the_names() {
    let rabbit = rabbit::shared().await;
    let (prefix, results) = (format!("Quix{}", unique()), format!("results-{}", unique()));
    let lower = format!("{}.", prefix.to_lowercase());
    let bundle = Bundle::start(rabbit, &format!("rb-{prefix}"), &lower).await;
    let (connection, channel) = rabbit.channel().await;
    as_java(&channel, &results, Some(&results)).await.unwrap();
    let mut consumer = consume(&connection, &results).await;
    let setup = Setup::new()
        .env("ACT_MESSAGING_DEST_PREFIX", prefix)
        .env("ACT_MESSAGING_DEST_SEPARATOR", ".")
        .env("ACT_MESSAGING_DEST_TRANSFORMERS_ENABLED", "true")
        .env("ACT_INT_RES_CONSUMER", results.as_str());
    let url = rabbit.url();
    let lines = format!("[activiti]\namqp = \"{url}\"\nserve = [\"{GET}\"]");
    let proxy = setup.config(&lines).serve().await;
    until("the queue is bound", async || {
        proxy.get("/readyz").await.status == 200
    })
    .await;
    let name = GET.to_lowercase();
    let queue = format!("{lower}{name}.crosspoint");
    assert_eq!(rabbit.queue(&queue).await, Some((0, 1)));
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let variables = process(json!({"url": upstream.url("/")}));
    // The exchange has the name that is made; the request the one that the diagram has.
    let request = bundle.request(&Task::of(GET), "e", "named", &variables);
    bundle
        .publish(&name, request.to_string().as_bytes(), "named")
        .await;
    let answer = soon("a message", consumer.next()).await.unwrap().unwrap();
    let answer: Value = serde_json::from_slice(&answer.data).unwrap();
    assert_eq!(answer["integrationContext"]["id"], json!("named"));
    assert!(answer.get("errorMessage").is_none(), "{answer}");
    // Errors have no such variable here.
    let bad = bundle.request(&Task::of(GET), "e", "bad", &process(json!({})));
    bundle
        .publish(&name, bad.to_string().as_bytes(), "bad")
        .await;
    bundle.answered(1).await;
    assert!(bundle.answers()[0]["errorMessage"].is_string());
}

async fn consume(connection: &Connection, queue: &str) -> lapin::Consumer {
    let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
    let channel = channel(connection).await;
    let consumer = channel.basic_consume(queue.into(), "".into(), options, none);
    consumer.await.unwrap()
}
