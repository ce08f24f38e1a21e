//! Publishes answers, and tells whether the message broker has them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crosspoint_core::shorten;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ErrorKind, ExchangeKind};
use tokio::time::timeout;

use super::answer::Answer;

/// The longest name that the protocol can carry.
const LONGEST_NAME: usize = 255;

/// How long the message broker may take to make ready for a message, and then to confirm it.
const PUBLISHING: Duration = Duration::from_secs(10);

/// Why a message broker does not read what it is sent, for people.
pub(crate) const BLOCKED: &str =
    "it takes no messages at the moment, being short of memory or disk";

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
    /// Nothing was sent: the connection or the channel broke off, or the message broker is silent.
    #[error("{0}")]
    NotSent(String),
    /// It was sent, and nobody knows whether it has arrived.
    #[error("{0}")]
    Unconfirmed(String),
    /// Nothing was sent: the message broker has said that it reads nothing.
    #[error("the message broker cannot be told: {BLOCKED}")]
    Blocked,
    /// No queue is bound to the exchange yet.
    #[error("no queue is bound to the exchange {0}: is its runtime bundle there?")]
    Unroutable(String),
    /// The message broker, or a queue that is full, does not take it at the moment.
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
        if self.connection.status().blocked() {
            return Err(Unpublished::Blocked);
        }
        let ready = async {
            self.exchange(exchange).await?;
            Ok::<_, Unpublished>(self.channel().await?)
        };
        let channel = match timeout(PUBLISHING, ready).await {
            Ok(ready) => ready?,
            Err(_) => return Err(Unpublished::NotSent(self.silent("answer"))),
        };
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
        match timeout(PUBLISHING, confirmed).await {
            Err(_) => Err(Unpublished::Unconfirmed(self.silent("confirm the message"))),
            Ok(Ok(Confirmation::Ack(None))) => Ok(()),
            Ok(Ok(Confirmation::Ack(Some(_)))) => {
                // Somebody may have removed the exchange with its queues.
                self.forget(exchange);
                Err(Unpublished::Unroutable(shorten(exchange)))
            }
            Ok(Ok(_)) => Err(Unpublished::NotTaken),
            Ok(Err(error)) => {
                self.forget(exchange);
                Err(Unpublished::Unconfirmed(error.to_string()))
            }
        }
    }

    /// What the message broker has not done in time.
    fn silent(&self, what: &str) -> String {
        let why = match self.connection.status().blocked() {
            true => format!(": {BLOCKED}"),
            false => String::new(),
        };
        let seconds = PUBLISHING.as_secs();
        format!("the message broker does not {what} within {seconds} s{why}")
    }

    /// Whether there is such an exchange. From then on it is not declared before a message.
    pub(crate) async fn finds(&self, exchange: &str) -> Result<bool, Unpublished> {
        let found = match timeout(PUBLISHING, is_there(&self.connection, exchange)).await {
            Ok(found) => found?,
            Err(_) => return Err(Unpublished::NotSent(self.silent("answer"))),
        };
        if found {
            self.declared().insert(exchange.to_owned());
        }
        Ok(found)
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

/// Whether there is an exchange of this name, whatever its properties.
pub(crate) async fn is_there(connection: &Connection, exchange: &str) -> lapin::Result<bool> {
    // Where there is none, this channel is closed.
    let channel = connection.create_channel().await?;
    let options = ExchangeDeclareOptions {
        passive: true,
        ..ExchangeDeclareOptions::default()
    };
    let (kind, none) = (ExchangeKind::Topic, FieldTable::default());
    let found = channel.exchange_declare(exchange.into(), kind, options, none);
    match found.await {
        Ok(()) => {
            let _ = channel.close(200, "done".into()).await;
            Ok(true)
        }
        Err(error) if is(&error, AMQPSoftError::NOTFOUND) => Ok(false),
        Err(error) => Err(error),
    }
}

impl From<lapin::Error> for Unpublished {
    fn from(error: lapin::Error) -> Unpublished {
        Unpublished::NotSent(error.to_string())
    }
}

/// Whether the message broker said this.
pub(crate) fn is(error: &lapin::Error, what: AMQPSoftError) -> bool {
    match error.kind() {
        ErrorKind::ProtocolError(error) => *error.kind() == AMQPErrorKind::Soft(what),
        _ => false,
    }
}
