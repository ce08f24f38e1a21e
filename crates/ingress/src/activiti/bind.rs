//! The exchanges and queues of service tasks: made as Java replicas make them, and made again when
//! somebody has deleted them.

use std::sync::Arc;

use lapin::options::{
    BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::protocol::AMQPSoftError;
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer, ExchangeKind};
use tokio::time::sleep;

use super::connection::{LOOK, Shared};
use super::publisher::{declare_exchange, is, is_there};
use super::served::Served;

/// Makes the queue, exactly as a Java replica does, and begins to consume. What is there already with
/// other properties is used as it is.
pub(crate) async fn bind(
    shared: &Shared,
    connection: &Connection,
    served: &Served,
) -> lapin::Result<(Channel, Consumer)> {
    let (exchange, queue) = (served.exchange.as_str(), served.queue.as_str());
    if served.bound.stand_in.is_some() {
        look_for_others(shared, connection, served).await?;
    }
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
    bind_queue(&channel, served).await?;
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

async fn bind_queue(channel: &Channel, served: &Served) -> lapin::Result<()> {
    let (exchange, queue) = (served.exchange.as_str(), served.queue.as_str());
    let (binding, none) = (QueueBindOptions::default(), FieldTable::default());
    channel
        .queue_bind(queue.into(), exchange.into(), "#".into(), binding, none)
        .await
}

/// Says where others may listen at the exchange of a stand-in. Who does cannot be seen; but where there
/// is no exchange, nobody does.
async fn look_for_others(
    shared: &Shared,
    connection: &Connection,
    served: &Served,
) -> lapin::Result<()> {
    let (exchange, queue) = (served.exchange.as_str(), served.queue.as_str());
    if !shared.looks_at_first(exchange) || !is_there(connection, exchange).await? {
        return Ok(());
    }
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let ours = channel.queue_declare(queue.into(), options, FieldTable::default());
    match ours.await {
        Ok(_) => {
            let _ = channel.close(200, "done".into()).await;
            tracing::info!(
                exchange,
                queue,
                "The exchange and the queue of this stand-in are there from an earlier start. A Java \
                 connector of that name under another group would get a copy of each request."
            );
        }
        Err(error) if is(&error, AMQPSoftError::NOTFOUND) => tracing::warn!(
            exchange,
            "The exchange of this stand-in was there before it: a runtime bundle has made it, or a \
             Java connector of that name, which gets a copy of each request as long as it runs, and \
             both do everything. Stop it first."
        ),
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Binds the queues again and again, until the connection is lost. An exchange that somebody deletes
/// takes its bindings with it, and nobody is told: without them no request comes, though all looks well,
/// also when the engine has made the exchange anew.
pub(crate) async fn keep_bound(shared: Arc<Shared>, connection: Arc<Connection>) {
    let mut channel = None;
    loop {
        sleep(LOOK).await;
        for served in shared.bound() {
            if let Err(error) = bind_again(&connection, &mut channel, &served).await {
                let (exchange, queue) = (&served.exchange, &served.queue);
                tracing::debug!(exchange, queue, %error, "A queue cannot be bound again.");
                channel = None;
            }
        }
    }
}

/// Binds a queue, whose exchange is made again where there is none.
async fn bind_again(
    connection: &Connection,
    held: &mut Option<Channel>,
    served: &Served,
) -> lapin::Result<()> {
    let channel = match held.take().filter(|channel| channel.status().connected()) {
        Some(channel) => channel,
        None => connection.create_channel().await?,
    };
    match bind_queue(&channel, served).await {
        Ok(()) => {
            *held = Some(channel);
            return Ok(());
        }
        Err(error) if is(&error, AMQPSoftError::NOTFOUND) => {}
        Err(error) => return Err(error),
    }
    let channel = connection.create_channel().await?;
    declare_exchange(&channel, &served.exchange).await?;
    // Without the queue its consumer has ended, and makes it again.
    bind_queue(&channel, served).await?;
    tracing::warn!(
        exchange = served.exchange,
        queue = served.queue,
        "The exchange was gone; it is made and bound again."
    );
    *held = Some(channel);
    Ok(())
}
