//! Commands to a runtime bundle: start a process, send a signal or a message.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::timeout;

use super::connect::{connect_or_say, place};
use super::publisher::{Publisher, Unpublished};
use super::settings::Settings;

/// How long the message broker may take to let us go.
const CLOSING: Duration = Duration::from_secs(2);

/// What a runtime bundle is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Starts a process.
    StartProcess {
        /// The key of its definition.
        key: String,
        /// The name of the instance.
        name: Option<String>,
        /// The key of the business case.
        business_key: Option<String>,
    },
    /// Sends a signal to whoever waits for it.
    Signal {
        /// The name of the signal.
        name: String,
    },
    /// Sends a message to the process that waits for it.
    ReceiveMessage {
        /// The name of the message.
        name: String,
        /// Which of those that wait.
        correlation_key: Option<String>,
    },
    /// Starts the process that begins with a message.
    StartMessage {
        /// The name of the message.
        name: String,
        /// The key of the business case.
        business_key: Option<String>,
    },
}

// === impl Command ===

impl Command {
    /// The body of the message. Variables are plain here, without envelopes.
    pub fn payload(&self, id: &str, variables: &Map<String, Value>) -> Value {
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let (kind, fields) = match self {
            Command::StartProcess {
                key,
                name,
                business_key,
            } => (
                "StartProcessPayload",
                vec![
                    ("processDefinitionKey", Some(key.as_str().into())),
                    ("name", text(name)),
                    ("businessKey", text(business_key)),
                ],
            ),
            Command::Signal { name } => {
                ("SignalPayload", vec![("name", Some(name.as_str().into()))])
            }
            Command::ReceiveMessage {
                name,
                correlation_key,
            } => (
                "ReceiveMessagePayload",
                vec![
                    ("name", Some(name.as_str().into())),
                    ("correlationKey", text(correlation_key)),
                ],
            ),
            Command::StartMessage { name, business_key } => (
                "StartMessagePayload",
                vec![
                    ("name", Some(name.as_str().into())),
                    ("businessKey", text(business_key)),
                ],
            ),
        };
        let mut payload = Map::new();
        payload.insert("payloadType".to_owned(), kind.into());
        payload.insert("id".to_owned(), id.into());
        for (name, value) in fields {
            if let Some(value) = value {
                payload.insert(name.to_owned(), value);
            }
        }
        payload.insert("variables".to_owned(), variables.clone().into());
        payload.into()
    }
}

/// Why nobody can say that a command is in its queue. The clauses are for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsent {
    /// It is not.
    Not(String),
    /// It may be, or may come there yet.
    Unknown(String),
}

/// Publishes a command to the runtime bundle of an application, and waits until the message broker has
/// it in the queue. Gives the exchange that it went to. Nothing is made at the message broker: where
/// there is no such exchange, that is the error.
pub async fn send(
    settings: &Settings,
    application: &str,
    payload: &Value,
) -> Result<String, Unsent> {
    let exchange = settings.naming.scoped("commandConsumer", Some(application));
    let connection = connect_or_say(settings).await.map_err(Unsent::Not)?;
    let connection = std::sync::Arc::new(connection);
    let publisher = Publisher::new(connection.clone());
    let body = payload.to_string();
    let sending = async {
        match publisher.finds(&exchange).await? {
            true => publisher.send(&exchange, body.as_bytes(), &[]).await,
            false => Err(Unpublished::Never(format!(
                "the message broker at {} has no exchange {exchange}: is '{application}' the name \
                 of the application, and has its runtime bundle been there?",
                place(settings)
            ))),
        }
    };
    let sent = sending.await;
    // One that is short of memory reads nothing more, the end neither.
    let _ = timeout(CLOSING, connection.close(200, "done".into())).await;
    match sent {
        Ok(()) => Ok(exchange),
        Err(Unpublished::Unconfirmed(why)) => Err(Unsent::Unknown(why)),
        Err(error) => Err(Unsent::Not(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_payload_has_what_is_known_and_plain_variables() {
        let command = Command::StartProcess {
            key: "Process_YjqRw3n2".to_owned(),
            name: Some("approval-process".to_owned()),
            business_key: Some("14240".to_owned()),
        };
        let variables = json!({"sender": "a@b.c"});
        assert_eq!(
            command.payload("c7b1", variables.as_object().unwrap()),
            json!({"payloadType": "StartProcessPayload", "id": "c7b1",
                   "processDefinitionKey": "Process_YjqRw3n2", "name": "approval-process",
                   "businessKey": "14240", "variables": {"sender": "a@b.c"}})
        );
        let command = Command::ReceiveMessage {
            name: "paid".to_owned(),
            correlation_key: None,
        };
        assert_eq!(
            command.payload("1", &Map::new()),
            json!({"payloadType": "ReceiveMessagePayload", "id": "1", "name": "paid", "variables": {}})
        );
    }
}
