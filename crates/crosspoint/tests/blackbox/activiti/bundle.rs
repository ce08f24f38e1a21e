//! A runtime bundle, as far as connectors see one: it sends requests and takes results and errors. What
//! it does with them is in `engine`.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions,
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ExchangeKind};
use serde_json::{Map, Value, json};

use super::engine::{Execution, State, judge, take};
pub use super::engine::{Task, Way};
use super::rabbit::Rabbit;
use crate::harness::{soon, until};

/// A runtime bundle that is running.
pub struct Bundle {
    pub name: String,
    connection: Connection,
    channel: Channel,
    state: Arc<Mutex<State>>,
    /// What comes before the destinations of requests.
    prefix: String,
}

// === impl Bundle ===

impl Bundle {
    /// Connects, and listens for results and errors.
    pub async fn start(rabbit: &Rabbit, name: &str, prefix: &str) -> Bundle {
        let state = Arc::new(Mutex::new(State::default()));
        let (connection, channel) = connect(rabbit, name, &state).await;
        Bundle {
            name: name.to_owned(),
            connection,
            channel,
            state,
            prefix: prefix.to_owned(),
        }
    }

    /// Connects anew, after the message broker was away.
    pub async fn reconnect(&mut self, rabbit: &Rabbit) {
        (self.connection, self.channel) = connect(rabbit, &self.name, &self.state).await;
    }

    /// Begins an execution of a task, and sends its request. Gives the execution.
    pub async fn begin(&self, task: &Task, process: &Map<String, Value>) -> String {
        let execution = self.enter(task, process);
        self.send(task, &execution, process).await;
        execution
    }

    fn enter(&self, task: &Task, process: &Map<String, Value>) -> String {
        let mut state = self.state.lock().unwrap();
        state.count += 1;
        let execution = format!("{}-execution-{}", self.name, state.count);
        let begun = Execution {
            task: task.clone(),
            process: process.clone(),
            way: Way::Waiting,
        };
        state.executions.insert(execution.clone(), begun);
        execution
    }

    fn wait_for(&self, id: &str, execution: &str) {
        let mut state = self.state.lock().unwrap();
        state.rows.insert(id.to_owned(), execution.to_owned());
    }

    /// How many integration contexts wait for an answer.
    pub fn rows(&self) -> usize {
        self.state.lock().unwrap().rows.len()
    }

    /// What an administrator does for a task that failed: a new request for the same execution.
    pub async fn replay(&self, execution: &str, process: &Map<String, Value>) {
        let task = {
            let mut state = self.state.lock().unwrap();
            let execution = state.executions.get_mut(execution).unwrap();
            execution.way = Way::Waiting;
            execution.process = process.clone();
            execution.task.clone()
        };
        self.send(&task, execution, process).await;
    }

    async fn send(&self, task: &Task, execution: &str, process: &Map<String, Value>) {
        let id = format!("{execution}-{}", unique());
        self.wait_for(&id, execution);
        let request = self.request(task, execution, &id, process);
        self.publish(&task.implementation, request.to_string().as_bytes(), &id)
            .await;
    }

    /// The message for a task.
    pub fn request(
        &self,
        task: &Task,
        execution: &str,
        id: &str,
        process: &Map<String, Value>,
    ) -> Value {
        let instance = format!("{}-process-1", self.name);
        json!({
            "appName": "default-app", "appVersion": "1", "serviceName": self.name,
            "serviceFullName": self.name, "serviceType": "runtime-bundle", "serviceVersion": "",
            "integrationContext": {
                "id": id, "inBoundVariables": task.mapping.inputs(process), "outBoundVariables": {},
                "processInstanceId": instance, "rootProcessInstanceId": instance,
                "processDefinitionId": "Model:1:2b6c3a52", "executionId": execution,
                "processDefinitionKey": "Model", "processDefinitionVersion": 1,
                "clientId": task.id, "clientName": "A task", "clientType": "ServiceTask",
                "appVersion": "1", "connectorType": task.implementation,
            },
            "resultDestination": format!("integrationResult_{}", self.name),
            "errorDestination": format!("integrationError_{}", self.name),
        })
    }

    /// Sends a request for an execution that was changed on the way: what comes back is for another
    /// task than the one that waits.
    pub async fn begin_changed(
        &self,
        task: &Task,
        process: &Map<String, Value>,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let (execution, id) = (self.enter(task, process), unique());
        self.wait_for(&id, &execution);
        let mut request = self.request(task, &execution, &id, process);
        change(&mut request);
        self.publish(&task.implementation, request.to_string().as_bytes(), &id)
            .await;
        execution
    }

    /// Publishes bytes for an implementation as the engine does: it declares the exchange alone.
    pub async fn publish(&self, implementation: &str, body: &[u8], id: &str) {
        let exchange = format!("{}{implementation}", self.prefix);
        declare(&self.channel, &exchange).await;
        let mut headers = FieldTable::default();
        for (name, value) in [
            ("integrationContextId", id),
            ("connectorType", implementation),
            ("appVersion", "1"),
            ("serviceType", "runtime-bundle"),
        ] {
            if !id.is_empty() {
                headers.insert(name.into(), AMQPValue::LongString(value.into()));
            }
        }
        headers.insert("processDefinitionVersion".into(), AMQPValue::LongInt(1));
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(2)
            .with_headers(headers);
        let options = BasicPublishOptions::default();
        let name = exchange.as_str();
        let published =
            self.channel
                .basic_publish(name.into(), name.into(), options, body, properties);
        let confirming = async { published.await.unwrap().await.unwrap() };
        let confirmed = soon("a confirmation", confirming).await;
        assert!(matches!(confirmed, Confirmation::Ack(_)), "{confirmed:?}");
    }

    pub fn way(&self, execution: &str) -> Way {
        self.state.lock().unwrap().executions[execution].way.clone()
    }

    /// Waits until an execution does not wait any more.
    pub async fn goes_on(&self, execution: &str) -> Way {
        until(&format!("{execution} goes on"), async || {
            self.way(execution) != Way::Waiting
        })
        .await;
        self.way(execution)
    }

    /// What came back for an execution that went on.
    pub async fn outputs(&self, execution: &str) -> Map<String, Value> {
        match self.goes_on(execution).await {
            Way::Completed { outputs, .. } => outputs,
            other => panic!("{other:?}"),
        }
    }

    /// The error that an execution was left with.
    pub async fn failure(&self, execution: &str) -> Value {
        match self.goes_on(execution).await {
            Way::Failed(error) => error,
            other => panic!("{other:?}"),
        }
    }

    /// Answers to what nobody waits for.
    pub fn ignored(&self) -> usize {
        self.state.lock().unwrap().ignored
    }

    /// Every answer so far.
    pub fn answers(&self) -> Vec<Value> {
        self.state.lock().unwrap().answers.clone()
    }

    /// Those to the context of this id.
    pub fn answers_to(&self, id: &str) -> Vec<Value> {
        let mut answers = self.answers();
        answers.retain(|answer| answer["integrationContext"]["id"] == id);
        answers
    }

    /// Waits for so many answers.
    pub async fn answered(&self, count: usize) {
        until(&format!("{count} answers have come"), async || {
            self.answers().len() >= count
        })
        .await;
    }
}

async fn connect(rabbit: &Rabbit, name: &str, state: &Arc<Mutex<State>>) -> (Connection, Channel) {
    let connection = rabbit.connect().await;
    for channel in ["integrationResult", "integrationError"] {
        listen(
            &connection,
            &format!("{channel}_{name}"),
            name,
            state.clone(),
        )
        .await;
    }
    let channel = connection.create_channel().await.unwrap();
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
    (connection, channel)
}

async fn declare(channel: &Channel, exchange: &str) {
    let options = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let none = FieldTable::default();
    let declared = channel.exchange_declare(exchange.into(), ExchangeKind::Topic, options, none);
    declared.await.unwrap();
}

async fn listen(connection: &Connection, exchange: &str, group: &str, state: Arc<Mutex<State>>) {
    let channel = connection.create_channel().await.unwrap();
    declare(&channel, exchange).await;
    let queue = format!("{exchange}.{group}");
    let options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let none = FieldTable::default;
    channel
        .queue_declare(queue.as_str().into(), options, none())
        .await
        .unwrap();
    let bind = QueueBindOptions::default();
    channel
        .queue_bind(
            queue.as_str().into(),
            exchange.into(),
            "#".into(),
            bind,
            none(),
        )
        .await
        .unwrap();
    let consume = BasicConsumeOptions::default();
    let consumer = channel
        .basic_consume(queue.as_str().into(), "".into(), consume, none())
        .await;
    let mut consumer = consumer.unwrap();
    tokio::spawn(async move {
        while let Some(Ok(delivery)) = consumer.next().await {
            let answer: Value = serde_json::from_slice(&delivery.data).unwrap();
            let headers = delivery.properties.headers().clone().unwrap_or_default();
            // As Java's: the routing key is the name of the destination.
            assert_eq!(delivery.exchange, delivery.routing_key);
            judge(&answer, &delivery.properties, &headers);
            take(&mut state.lock().unwrap(), answer);
            if delivery
                .acker
                .ack(BasicAckOptions::default())
                .await
                .is_err()
            {
                break;
            }
        }
        drop(channel);
    });
}

pub fn unique() -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    format!(
        "{:x}-{}",
        nanos.as_nanos(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}
