//! Publishes answers, and tells whether the message broker has them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crosspoint_core::shorten;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ErrorKind, ExchangeKind};

use super::answer::Answer;

/// The longest name that the protocol can carry.
const LONGEST_NAME: usize = 255;

/// Persistent messages survive a restart of the message broker.
const PERSISTENT: u8 = 2;

/// Publishes over one connection.
pub(crate) struct Publisher {
    connection: std::sync::Arc<Connection>,
    channel: tokio::sync::Mutex<Option<Channel>>,
    /// Exchanges that are there.
    declared: Mutex<HashSet<String>>,
}

/// Why a message was not published for good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unpublished {
    /// The connection or the channel broke off: nobody knows.
    #[error("{0}")]
    Lost(#[from] lapin::Error),
    /// No queue is bound to the exchange yet.
    #[error("no queue is bound to the exchange {0}: is its runtime bundle there?")]
    Unroutable(String),
    /// The message broker does not take it at the moment.
    #[error("the message broker did not take the message")]
    NotTaken,
    /// It never will.
    #[error("{0}")]
    Never(String),
}

// === impl Publisher ===

impl Publisher {
    pub(crate) fn new(connection: std::sync::Arc<Connection>) -> Publisher {
        Publisher {
            connection,
            channel: tokio::sync::Mutex::default(),
            declared: Mutex::default(),
        }
    }

    /// Whether the connection still stands.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.status().connected()
    }

    /// Returns once the message broker has the message in a queue.
    pub(crate) async fn publish(&self, answer: &Answer) -> Result<(), Unpublished> {
        let headers = [
            ("targetAppName", answer.target_app.as_deref()),
            ("targetService", answer.target_service.as_deref()),
        ];
        self.send(&answer.destination, &answer.body, &headers).await
    }

    /// The same for any message of JSON.
    pub(crate) async fn send(
        &self,
        exchange: &str,
        body: &[u8],
        headers: &[(&str, Option<&str>)],
    ) -> Result<(), Unpublished> {
        self.exchange(exchange).await?;
        let channel = self.channel().await?;
        let mut table = FieldTable::default();
        for (name, value) in headers {
            if let Some(value) = value {
                let value = AMQPValue::LongString((*value).to_owned().into());
                table.insert((*name).into(), value);
            }
        }
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_headers(table);
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let name = ShortString::from(exchange);
        let published = channel.basic_publish(name.clone(), name, options, body, properties);
        let confirmed = async { published.await?.await };
        match confirmed.await {
            Ok(Confirmation::Ack(None)) => Ok(()),
            Ok(Confirmation::Ack(Some(_))) => {
                // Somebody may have removed the exchange with its queues.
                self.forget(exchange);
                Err(Unpublished::Unroutable(shorten(exchange)))
            }
            Ok(_) => Err(Unpublished::NotTaken),
            Err(error) => {
                self.forget(exchange);
                Err(error.into())
            }
        }
    }

    /// Sees to it that an exchange is there. Publishing to one that is not would close the channel,
    /// with what others have under way in it: this happens in a channel of its own.
    async fn exchange(&self, name: &str) -> Result<(), Unpublished> {
        if self.declared().contains(name) {
            return Ok(());
        }
        if name.is_empty() || name.len() > LONGEST_NAME {
            let length = name.len();
            let why = format!("an exchange cannot have a name of {length} bytes");
            return Err(Unpublished::Never(why));
        }
        let channel = self.connection.create_channel().await?;
        match declare_exchange(&channel, name).await {
            Ok(()) => {}
            // It is there, and of another kind: its owner knows why.
            Err(error) if is(&error, AMQPSoftError::PRECONDITIONFAILED) => {}
            Err(error) if is(&error, AMQPSoftError::ACCESSREFUSED) => {
                let why = format!("we may not declare the exchange {}", shorten(name));
                return Err(Unpublished::Never(why));
            }
            Err(error) => return Err(error.into()),
        }
        self.declared().insert(name.to_owned());
        let _ = channel.close(200, "done".into()).await;
        Ok(())
    }

    /// The channel in which messages are confirmed; a new one where the last was closed.
    async fn channel(&self) -> lapin::Result<Channel> {
        let mut held = self.channel.lock().await;
        if let Some(channel) = held.as_ref().filter(|channel| channel.status().connected()) {
            return Ok(channel.clone());
        }
        let channel = self.connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        *held = Some(channel.clone());
        Ok(channel)
    }

    fn forget(&self, exchange: &str) {
        self.declared().remove(exchange);
    }

    fn declared(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Declares an exchange exactly as engines and Java connectors do: the message broker refuses any
/// difference.
pub(crate) async fn declare_exchange(channel: &Channel, name: &str) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let arguments = FieldTable::default();
    channel
        .exchange_declare(name.into(), ExchangeKind::Topic, options, arguments)
        .await
}

/// Whether the message broker said this.
pub(crate) fn is(error: &lapin::Error, what: AMQPSoftError) -> bool {
    match error.kind() {
        ErrorKind::ProtocolError(error) => *error.kind() == AMQPErrorKind::Soft(what),
        _ => false,
    }
}
