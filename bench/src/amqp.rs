//! Service tasks of Activiti over RabbitMQ, beside a bare echo of messages.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind};
use serde::{Deserialize, Serialize};

use crate::measure::LINE;
use crate::programs::Programs;
use crate::rabbit::Rabbit;
use crate::rows::{Row, Target as Goal};
use crate::run::Pace;
use crate::stats::median;

/// The exchange of the echo. Crosspoint has that of its command.
const ECHO: &str = "bench.echo";

/// `logging/Write`, as service tasks call it.
const COMMAND: &str = "logging.Write";

/// How many requests are under way where many are.
const WINDOW: usize = 100;

/// How many each consumer is handed at once.
const PREFETCH: u16 = 50;

#[derive(clap::Args, Clone)]
pub(crate) struct Plan {
    /// The message broker
    #[arg(long)]
    url: String,
    /// Where requests go
    #[arg(long)]
    exchange: String,
    /// How many are under way
    #[arg(long)]
    window: usize,
    /// Milliseconds that are not counted
    #[arg(long)]
    warm_up: u64,
    /// Milliseconds that are counted
    #[arg(long)]
    duration: u64,
}

#[derive(clap::Args)]
pub(crate) struct EchoPlan {
    /// The message broker
    #[arg(long)]
    url: String,
}

/// What the one who sends saw.
#[derive(Serialize, Deserialize)]
pub(crate) struct Seen {
    per_second: f64,
    p50_us: f64,
}

// === impl Plan ===

impl Plan {
    /// The same as arguments of the role `amqp-load`.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let pairs = [
            ("--url", self.url.clone()),
            ("--exchange", self.exchange.clone()),
            ("--window", self.window.to_string()),
            ("--warm-up", self.warm_up.to_string()),
            ("--duration", self.duration.to_string()),
        ];
        let words = pairs
            .into_iter()
            .map(|(name, value)| [name.to_owned(), value]);
        words.flatten().collect()
    }
}

/// Messages a second with two consumers on either side, and what one service task takes.
pub(crate) async fn rows(programs: &Programs, pace: &Pace) -> Result<Vec<Row>> {
    let rabbit = Rabbit::start().await;
    let config = format!(
        "[activiti]\namqp = \"{}\"\nserve = [\"{COMMAND}\"]\nprefetch = {PREFETCH}\n",
        rabbit.url()
    );
    let _ours = [
        programs.crosspoint_with(&config).await?,
        programs.crosspoint_with(&config).await?,
    ];
    let _echoes = [
        programs.amqp_echo(&rabbit.url()).await?,
        programs.amqp_echo(&rabbit.url()).await?,
    ];
    // Whoever has said its address has yet to bind its queue.
    for name in [format!("{COMMAND}.crosspoint"), format!("{ECHO}.bench")] {
        while rabbit
            .queue(&name)
            .await
            .is_none_or(|(_, consumers)| consumers < 2)
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let (mut many, mut one) = (Vec::new(), Vec::new());
    for round in 0..pace.rounds {
        eprintln!("  service tasks: round {} of {}", round + 1, pace.rounds);
        let mut seen = Vec::new();
        for window in [WINDOW, 1] {
            for exchange in [COMMAND, ECHO] {
                let plan = Plan {
                    url: rabbit.url(),
                    exchange: exchange.to_owned(),
                    window,
                    warm_up: pace.warm_up,
                    duration: pace.duration,
                };
                seen.push(programs.amqp_load(&plan).await?);
            }
        }
        many.push((seen[0].per_second, seen[1].per_second));
        one.push((seen[2].p50_us - seen[3].p50_us, seen[3].p50_us));
    }
    Ok(vec![
        Row::new(
            "service tasks, logging.Write",
            "messages/s",
            "bare lapin echo",
            &many,
        )
        .how(format!(
            "two processes on one queue each, {WINDOW} requests under way; with the ledger"
        ))
        .target(Goal::RatioAtLeast(0.5)),
        Row::new(
            "added by Crosspoint to a round trip of RabbitMQ, p50",
            "µs",
            "bare lapin echo, p50",
            &one,
        )
        .how("one request under way; with the ledger")
        .target(Goal::RatioAtMost(1.0)),
    ])
}

/// Sends requests and counts answers.
pub(crate) async fn load(plan: Plan) -> Result<Seen> {
    let connection = connect(&plan.url).await?;
    let channel = connection.create_channel().await?;
    let results = format!("bench.results-{}", std::process::id());
    let mut consumer = consumer(&channel, &results, "bench", 1000).await?;
    let begin = Instant::now() + Duration::from_millis(plan.warm_up);
    let end = begin + Duration::from_millis(plan.duration);
    let (mut sent, mut count) = (HashMap::new(), 0u64);
    let mut seen = Vec::new();
    for _ in 0..plan.window {
        count += 1;
        request(&channel, &plan.exchange, &results, count, &mut sent).await?;
    }
    while Instant::now() < end {
        let left = end.saturating_duration_since(Instant::now());
        let Ok(delivery) = tokio::time::timeout(left, consumer.next()).await else {
            break;
        };
        let delivery = delivery.context("the answers end")??;
        let id = id_of(&delivery.data).context("an answer without its id")?;
        let now = Instant::now();
        if let Some(at) = sent.remove(&id)
            && at >= begin
        {
            seen.push((now - at).as_secs_f64() * 1_000_000.0);
        }
        count += 1;
        request(&channel, &plan.exchange, &results, count, &mut sent).await?;
    }
    ensure!(!seen.is_empty(), "no answer came in time");
    Ok(Seen {
        per_second: seen.len() as f64 * 1000.0 / plan.duration as f64,
        p50_us: median(seen),
    })
}

/// Publishes what it gets to where the request says, confirmed, and acknowledges it then.
pub(crate) async fn echo(plan: EchoPlan) -> Result<()> {
    let connection = connect(&plan.url).await?;
    let channel = connection.create_channel().await?;
    let answers = connection.create_channel().await?;
    answers
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    let mut consumer = consumer(&channel, ECHO, "bench", PREFETCH).await?;
    println!("listening on http://127.0.0.1:0");
    let answers = Arc::new(answers);
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        let answers = answers.clone();
        tokio::spawn(async move {
            let to = destination_of(&delivery.data).unwrap_or_default();
            let published = publish(&answers, &to, &delivery.data).await;
            if published.is_ok() {
                let _ = delivery.acker.ack(BasicAckOptions::default()).await;
            }
        });
    }
    Ok(())
}

async fn connect(url: &str) -> Result<Connection> {
    let connected = Connection::connect(url, ConnectionProperties::default()).await;
    connected.context("connecting to RabbitMQ")
}

/// A consumer of a durable queue at a topic exchange.
async fn consumer(
    channel: &Channel,
    exchange: &str,
    group: &str,
    prefetch: u16,
) -> Result<Consumer> {
    let queue = format!("{exchange}.{group}");
    let none = FieldTable::default;
    let topic = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .exchange_declare(exchange.into(), ExchangeKind::Topic, topic, none())
        .await?;
    channel
        .queue_declare(queue.as_str().into(), durable, none())
        .await?;
    let bind = QueueBindOptions::default();
    channel
        .queue_bind(
            queue.as_str().into(),
            exchange.into(),
            "#".into(),
            bind,
            none(),
        )
        .await?;
    channel
        .basic_qos(prefetch, BasicQosOptions::default())
        .await?;
    let options = BasicConsumeOptions {
        // Answers are counted and forgotten.
        no_ack: exchange != ECHO,
        ..BasicConsumeOptions::default()
    };
    let consumer = channel
        .basic_consume(queue.as_str().into(), "".into(), options, none())
        .await;
    Ok(consumer?)
}

async fn request(
    channel: &Channel,
    exchange: &str,
    results: &str,
    count: u64,
    sent: &mut HashMap<String, Instant>,
) -> Result<()> {
    let id = format!("b-{}-{count}", std::process::id());
    let body = format!(
        r#"{{"integrationContext":{{"id":"{id}","inBoundVariables":{{"message":{{"type":"string","value":"{LINE}"}}}},"executionId":"e","clientId":"c"}},"serviceFullName":"bench","appName":"bench","resultDestination":"{results}","errorDestination":"{results}"}}"#
    );
    sent.insert(id, Instant::now());
    publish_only(channel, exchange, body.as_bytes()).await?;
    Ok(())
}

async fn publish(channel: &Channel, exchange: &str, body: &[u8]) -> Result<()> {
    publish_only(channel, exchange, body).await?.await?;
    Ok(())
}

async fn publish_only(
    channel: &Channel,
    exchange: &str,
    body: &[u8],
) -> Result<lapin::PublisherConfirm> {
    let properties = BasicProperties::default().with_delivery_mode(2);
    let options = BasicPublishOptions::default();
    let published =
        channel.basic_publish(exchange.into(), exchange.into(), options, body, properties);
    Ok(published.await?)
}

/// What stands after a key of a message, up to the next quote: a bare echo reads no more of it.
fn after(body: &[u8], key: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once(key)?;
    Some(rest.split('"').next().unwrap_or_default().to_owned())
}

fn id_of(body: &[u8]) -> Option<String> {
    after(body, r#""id":""#)
}

fn destination_of(body: &[u8]) -> Option<String> {
    after(body, r#""resultDestination":""#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_message_are_found() {
        let body = br#"{"a":{"id":"b-1"},"resultDestination":"r"}"#;
        assert_eq!(id_of(body).as_deref(), Some("b-1"));
        assert_eq!(destination_of(body).as_deref(), Some("r"));
        assert_eq!(id_of(b"\xff"), None);
    }
}
