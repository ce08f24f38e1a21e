//! Takes requests from one queue, and answers each once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{Effect, Trace};
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicNackOptions, BasicRejectOptions};
use lapin::types::AMQPValue;
use lapin::{Acker, Channel, Connection, Consumer};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::bind::bind;
use super::connection::Shared;
use super::deliver::{Delivered, deliver_or_say};
use super::metrics::Taken;
use super::park::park;
use super::publisher::Publisher;
use super::served::Served;
use super::work::{Fate, Message, work};

/// The pauses before something is tried again that the message broker did not take.
pub(crate) const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

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
                shared.is_bound(&served, true);
                take(&shared, &publisher, &served, channel, consumer, &stop).await;
                shared.is_bound(&served, false);
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
        Fate::Answer(reply, recorded) => {
            let delivered = deliver_or_say(shared, publisher, served, &reply).await;
            if let (Delivered::Yes(_) | Delivered::Kept, Some(recorded)) = (&delivered, recorded) {
                recorded.wait().await;
            }
            match delivered {
                // Where the connection is gone the request comes again, and so does the answer.
                Delivered::Yes(verdict) => {
                    let (queue, verdict_name) = (&served.queue, verdict.name());
                    tracing::debug!(request = header, queue, verdict = verdict_name, "Answered.");
                    let _ = acknowledge().await;
                    return Taken::Answered(verdict);
                }
                Delivered::Kept => {
                    let _ = acknowledge().await;
                    return Taken::Waits;
                }
                Delivered::Lost => return Taken::Lost,
                Delivered::NotNow => None,
                Delivered::Never(why) => Some((why, reply.effect(broker, served))),
            }
        }
        Fate::PassOver => {
            let _ = acknowledge().await;
            return Taken::PassedOver;
        }
        Fate::Promised => {
            let _ = acknowledge().await;
            return Taken::Promised;
        }
        Fate::GiveBack => None,
        Fate::Park(reason, effect) => Some((reason, effect)),
    };
    if let Some((reason, effect)) = reason
        && park_patiently(shared, served, header.as_deref(), &body, (&reason, effect)).await
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
async fn park_patiently(
    shared: &Shared,
    served: &Served,
    id: Option<&str>,
    body: &Bytes,
    (reason, effect): (&str, Effect),
) -> bool {
    let mut pause = SHORTEST_PAUSE;
    while let Err(error) = park(&shared.broker, served, id, body, (reason, effect)).await {
        tracing::error!(queue = served.queue, id, reason, %error, "A message cannot be kept.");
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = shared.broker.stopping() => return false,
        }
    }
    true
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
