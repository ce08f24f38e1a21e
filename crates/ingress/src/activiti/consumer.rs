//! Takes requests from one queue, and answers each once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::Trace;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
    BasicRejectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::protocol::AMQPSoftError;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Acker, Channel, Connection, Consumer, ExchangeKind};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::connection::Shared;
use super::metrics::Taken;
use super::park::park;
use super::publisher::{Publisher, Unpublished, declare_exchange, is};
use super::served::Served;
use super::work::{Fate, Message, work};

/// The pauses before something is tried again that the message broker did not take.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Consumes until `stop`, or until the connection is lost. `first` is told when the first attempt to
/// bind the queue has ended.
pub(crate) async fn consume(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    publisher: Arc<Publisher>,
    served: Arc<Served>,
    stop: CancellationToken,
    first: oneshot::Sender<()>,
) {
    let (mut first, mut pause) = (Some(first), SHORTEST_PAUSE);
    loop {
        let bound = bind(&shared, &connection, &served).await;
        match bound {
            Ok((channel, consumer)) => {
                shared.status.queue_works(&served.queue);
                pause = SHORTEST_PAUSE;
                drop(first.take());
                take(&shared, &publisher, &served, channel, consumer, &stop).await;
                if !stop.is_cancelled() && connection.status().connected() {
                    let queue = &served.queue;
                    tracing::warn!(
                        queue,
                        "The message broker ended the consumer; binding again."
                    );
                }
            }
            Err(error) => {
                let why = error.to_string();
                if connection.status().connected()
                    && shared.status.queue_failed(&served.queue, &why)
                {
                    let queue = &served.queue;
                    tracing::error!(queue, why, "Binding a queue failed; it is tried again.");
                }
                drop(first.take());
            }
        }
        if stop.is_cancelled() || !connection.status().connected() {
            return;
        }
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = stop.cancelled() => return,
        }
    }
}

/// Makes the queue, exactly as a Java replica does, and begins to consume. What is there already with
/// other properties is used as it is.
async fn bind(
    shared: &Shared,
    connection: &Connection,
    served: &Served,
) -> lapin::Result<(Channel, Consumer)> {
    let (exchange, queue) = (served.exchange.as_str(), served.queue.as_str());
    let mut channel = connection.create_channel().await?;
    if let Err(error) = declare_exchange(&channel, exchange).await {
        if !is(&error, AMQPSoftError::PRECONDITIONFAILED) {
            return Err(error);
        }
        tracing::warn!(
            exchange,
            "The exchange is there with other properties; it is used as it is."
        );
        channel = connection.create_channel().await?;
        let options = ExchangeDeclareOptions {
            passive: true,
            ..ExchangeDeclareOptions::default()
        };
        let none = FieldTable::default();
        let kind = ExchangeKind::Topic;
        channel
            .exchange_declare(exchange.into(), kind, options, none)
            .await?;
    }
    let mut options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let declared = channel
        .queue_declare(queue.into(), options, FieldTable::default())
        .await;
    if let Err(error) = declared {
        if !is(&error, AMQPSoftError::PRECONDITIONFAILED) {
            return Err(error);
        }
        tracing::warn!(
            queue,
            "The queue is there with other properties; it is used as it is."
        );
        channel = connection.create_channel().await?;
        options.passive = true;
        channel
            .queue_declare(queue.into(), options, FieldTable::default())
            .await?;
    }
    let none = FieldTable::default();
    let binding = QueueBindOptions::default();
    channel
        .queue_bind(queue.into(), exchange.into(), "#".into(), binding, none)
        .await?;
    let prefetch = shared.settings.prefetch;
    channel
        .basic_qos(prefetch, BasicQosOptions::default())
        .await?;
    let none = FieldTable::default();
    let consumer = channel
        .basic_consume(
            queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            none,
        )
        .await?;
    Ok((channel, consumer))
}

/// Hands each delivery to a task of its own, as many at once as there are places.
async fn take(
    shared: &Arc<Shared>,
    publisher: &Arc<Publisher>,
    served: &Arc<Served>,
    channel: Channel,
    mut consumer: Consumer,
    stop: &CancellationToken,
) {
    loop {
        let delivery = tokio::select! {
            delivery = consumer.next() => delivery,
            () = stop.cancelled() => {
                let (tag, options) = (consumer.tag(), BasicCancelOptions::default());
                let _ = channel.basic_cancel(tag, options).await;
                // What it has handed over and nobody has begun. The channel stays open for what was,
                // and would keep it for as long.
                while let Some(Ok(delivery)) = consumer.next().await {
                    give_back(&delivery.acker).await;
                }
                return;
            }
        };
        // The consumer was cancelled, or the channel is gone: what was not answered comes again.
        let Some(Ok(delivery)) = delivery else { return };
        // Without a place when the end comes: somebody else takes it.
        let place = tokio::select! {
            place = shared.places.clone().acquire_owned() => place.ok(),
            () = stop.cancelled() => None,
        };
        let Some(place) = place else {
            give_back(&delivery.acker).await;
            continue;
        };
        let (shared, publisher) = (shared.clone(), publisher.clone());
        let (served, channel) = (served.clone(), channel.clone());
        let tracker = shared.under_way.clone();
        tracker.spawn(async move {
            handle(&shared, &publisher, &served, delivery).await;
            drop(place);
            // It stays open until the last delivery of it is acknowledged.
            drop(channel);
        });
    }
}

async fn handle(shared: &Shared, publisher: &Publisher, served: &Served, delivery: Delivery) {
    let _in_flight = shared.metrics.begin(delivery.redelivered);
    let taken = answer(shared, publisher, served, delivery).await;
    shared.metrics.taken(taken);
}

async fn answer(
    shared: &Shared,
    publisher: &Publisher,
    served: &Served,
    delivery: Delivery,
) -> Taken {
    let body = Bytes::from(delivery.data);
    let header = header(&delivery.properties, "integrationContextId");
    let (broker, settings) = (&shared.broker, &shared.settings);
    let trace = trace(&delivery.properties);
    let message = Message {
        body: body.clone(),
        id: header.as_deref(),
        trace,
    };
    let acknowledge = || delivery.acker.ack(BasicAckOptions::default());
    let reason = match work(broker, settings, served, message).await {
        Fate::Answer(answer, recorded) => match deliver(shared, publisher, &answer).await {
            Delivered::Yes => {
                if let Some(recorded) = recorded {
                    recorded.wait().await;
                }
                let (to, verdict) = (&answer.destination, answer.verdict.name());
                tracing::debug!(
                    request = header,
                    queue = served.queue,
                    to,
                    verdict,
                    "Answered."
                );
                // Where the connection is gone the request comes again, and so does the answer.
                let _ = acknowledge().await;
                return Taken::Answered(answer.verdict);
            }
            Delivered::Lost => return Taken::Lost,
            Delivered::NotNow => None,
            Delivered::Never(why) => Some(why),
        },
        Fate::PassOver => {
            let _ = acknowledge().await;
            return Taken::PassedOver;
        }
        Fate::Promised => {
            let _ = acknowledge().await;
            return Taken::Promised;
        }
        Fate::GiveBack => None,
        Fate::Park(reason) => Some(reason),
    };
    if let Some(reason) = reason
        && keep(shared, served, header.as_deref(), &body, &reason).await
    {
        // Not to come again. Where the queue has a dead letter exchange, it goes there.
        let _ = delivery.acker.reject(BasicRejectOptions::default()).await;
        return Taken::Parked;
    }
    give_back(&delivery.acker).await;
    Taken::GivenBack
}

/// Puts a message back into its queue.
async fn give_back(acker: &Acker) {
    let options = BasicNackOptions {
        requeue: true,
        ..BasicNackOptions::default()
    };
    // Where the connection is gone it is back already.
    let _ = acker.nack(options).await;
}

/// Keeps a message in the ledger, however long that is away. False: the process ends before that.
async fn keep(
    shared: &Shared,
    served: &Served,
    id: Option<&str>,
    body: &Bytes,
    reason: &str,
) -> bool {
    let mut pause = SHORTEST_PAUSE;
    while let Err(error) = park(&shared.broker, served, id, body, reason).await {
        tracing::error!(queue = served.queue, id, reason, %error, "A message cannot be kept.");
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = shared.broker.stopping() => return false,
        }
    }
    true
}

/// What became of an answer.
enum Delivered {
    Yes,
    /// The connection is gone. The request comes again, and its answer is known by its key.
    Lost,
    /// The process ends.
    NotNow,
    Never(String),
}

/// Publishes an answer until it is in a queue.
async fn deliver(
    shared: &Shared,
    publisher: &Publisher,
    answer: &super::answer::Answer,
) -> Delivered {
    let (begun, mut pause) = (Instant::now(), SHORTEST_PAUSE);
    loop {
        let published = publisher.publish(answer).await;
        shared.metrics.published(answer.verdict, &published);
        let why = match published {
            Ok(()) => return Delivered::Yes,
            Err(Unpublished::Never(why)) => return Delivered::Never(why),
            Err(Unpublished::Lost(error)) if !publisher.is_connected() => {
                tracing::debug!(%error, "The connection was lost before an answer was confirmed.");
                return Delivered::Lost;
            }
            Err(why) => why,
        };
        if begun.elapsed() >= shared.settings.patience {
            return Delivered::Never(format!("its answer cannot be delivered: {why}"));
        }
        tracing::warn!(to = answer.destination, %why, "An answer cannot be delivered yet.");
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = shared.broker.stopping() => return Delivered::NotNow,
        }
    }
}

/// The caller's place in a trace, if the message says one.
fn trace(properties: &lapin::BasicProperties) -> Option<Trace> {
    let state = header(properties, "tracestate");
    Trace::parse(&header(properties, "traceparent")?, state.as_deref())
}

/// A header of a message, as text.
fn header(properties: &lapin::BasicProperties, name: &str) -> Option<String> {
    let table = properties.headers().as_ref()?;
    let (_, value) = table.inner().iter().find(|(own, _)| own.as_str() == name)?;
    match value {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}
