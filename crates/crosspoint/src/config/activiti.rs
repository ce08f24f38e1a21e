//! Service tasks of Activiti Cloud: `[activiti]`. The comments here are the configuration reference
//! that users read.

use std::collections::BTreeMap;

use crosspoint_ingress::activiti;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definitions::Imported;
use super::durations::Span;
use super::reference::KeyText;

/// Service tasks of Activiti Cloud, over RabbitMQ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Activiti {
    /// The message broker: `amqp://user:password@host:5672/vhost`, or `amqps://` with TLS; or a
    /// reference to that, such as `env:AMQP_URL`. When there is no such setting, no service task is
    /// served. Whoever may publish to the broker may call what is served.
    pub amqp: Option<KeyText>,

    /// The name of this connector as a consumer: the queue of an action is `<action>.<group>`.
    /// Replicas of one group share the work; another group gets a copy of each request, and does
    /// everything once more.
    pub group: String,

    /// The commands that service tasks may call as they are: `connector.Command`, with `*` for any
    /// characters, such as `http.*`. In the connector's name `_` is written `-`, or as it is.
    pub serve: Vec<String>,

    /// Definitions of connectors whose actions run commands of ours, by names that only this file
    /// knows. They are served whatever `serve` says.
    pub definitions: BTreeMap<String, Imported>,

    /// The connectors of Activiti Enterprise that built-in connectors stand in for, with the
    /// documented actions. Their configuration parameters, such as `EMAIL_HOST`, are fields of the
    /// default profile of the connector that stands in, or environment variables. A Java connector of the name that still runs gets a copy of each request, and
    /// both do everything: stop it first.
    pub stand_in_for: Vec<StandIn>,

    /// How many requests are taken from each queue before the first of them is answered.
    #[schemars(range(min = 1, max = 65535))]
    pub prefetch: u16,

    /// How many calls run at once, those of all queues together.
    #[schemars(range(min = 1, max = 100_000))]
    pub concurrency: u32,

    /// The total time that a call may take, all attempts together. RabbitMQ takes a request back
    /// that is not answered within its own limit (`consumer_timeout`, 30 minutes unless it is set).
    pub deadline: Span,

    /// How often a request is tried that failed without an effect and in a way that may pass, such
    /// as a connection that was refused. The engine repeats nothing by itself.
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u16,

    /// The pause before a request is tried again. It doubles each time, to 10 s.
    pub retry_pause: Span,

    /// For how long an answer is tried that the broker has no queue for, as when the runtime bundle
    /// was never there. It waits in the ledger meanwhile, and is undeliverable there after that.
    pub answer_patience: Span,

    /// What happens to outputs that hold `${…}`, which a runtime bundle takes for an expression, so
    /// that it does not take the result.
    pub expressions: Expressions,

    /// How we call ourselves in answers: `serviceName`. When there is no such setting, `group`.
    pub service_name: Option<String>,

    /// `appName` in answers. When there is no such setting, that of the request.
    pub app_name: Option<String>,

    /// `appVersion` in answers.
    pub app_version: String,

    /// Requests of applications with a lower version are passed over.
    pub min_app_version: Option<u32>,

    /// Requests of applications with a higher version are passed over.
    pub max_app_version: Option<u32>,

    /// What stands before each destination. As in the runtime bundle; the variable
    /// `ACT_MESSAGING_DEST_PREFIX` sets it, too.
    pub destination_prefix: String,

    /// One character between the parts of a destination. As in the runtime bundle; the variable
    /// `ACT_MESSAGING_DEST_SEPARATOR` sets it, too.
    pub destination_separator: String,

    /// Whether `destination_transformers` count. As in the runtime bundle; the variable
    /// `ACT_MESSAGING_DEST_TRANSFORMERS_ENABLED` sets it, too.
    pub destination_transformers_enabled: bool,

    /// What is done to each destination, in this order. As in the runtime bundle; the variable
    /// `ACT_MESSAGING_DEST_TRANSFORMERS` sets it, too.
    pub destination_transformers: Vec<Transformer>,

    /// What stands for a character that a destination may not have. As in the runtime bundle.
    pub destination_replacement: String,

    /// Rules for single destinations, by what service tasks write, in any case. As in the runtime
    /// bundle (`activiti.cloud.messaging.destinations`).
    pub destinations: BTreeMap<String, Destination>,

    /// Where all results go, whatever requests say. The variable `ACT_INT_RES_CONSUMER` sets it, too.
    pub result_destination: Option<String>,

    /// Where all errors go, whatever requests say. The variable `ACT_INT_ERR_CONSUMER` sets it, too.
    pub error_destination: Option<String>,
}

/// A connector of Activiti Enterprise that is stood in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StandIn {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS` and `TRACE`, by `http`.
    #[serde(rename = "restConnector")]
    Rest,
    /// `SEND`, by `smtp`.
    #[serde(rename = "emailConnector")]
    Email,
    /// `SEND_MESSAGE`, by `slack`.
    #[serde(rename = "slackConnector")]
    Slack,
}

/// What happens to outputs that hold an expression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Expressions {
    /// The task gets a technical error that names the output. The command has run.
    #[default]
    Refuse,
    /// A space goes between `$` and `{`.
    Escape,
}

/// What is done to each destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Transformer {
    /// Capitals become small letters.
    ToLowerCase,
    /// White space, `*`, `#` and `:` are replaced.
    EscapeIllegalChars,
}

/// The rule for one destination; what is absent is as for all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Destination {
    /// What stands before it.
    pub prefix: Option<String>,

    /// One character between its parts.
    pub separator: Option<String>,

    /// Its name instead of its own.
    pub name: Option<String>,

    /// What stands after it.
    pub scope: Option<String>,
}

impl StandIn {
    /// As the service knows it.
    pub fn get(self) -> activiti::StandIn {
        match self {
            StandIn::Rest => activiti::StandIn::Rest,
            StandIn::Email => activiti::StandIn::Email,
            StandIn::Slack => activiti::StandIn::Slack,
        }
    }
}

impl Default for Activiti {
    fn default() -> Activiti {
        Activiti {
            amqp: None,
            group: "crosspoint".to_owned(),
            serve: Vec::new(),
            definitions: BTreeMap::new(),
            stand_in_for: Vec::new(),
            prefetch: 10,
            concurrency: 100,
            deadline: Span::seconds(60 * 60),
            attempts: 3,
            retry_pause: Span::seconds(1),
            answer_patience: Span::seconds(10 * 60),
            expressions: Expressions::default(),
            service_name: None,
            app_name: None,
            app_version: String::new(),
            min_app_version: None,
            max_app_version: None,
            destination_prefix: String::new(),
            destination_separator: "_".to_owned(),
            destination_transformers_enabled: false,
            destination_transformers: vec![
                Transformer::ToLowerCase,
                Transformer::EscapeIllegalChars,
            ],
            destination_replacement: "-".to_owned(),
            destinations: BTreeMap::new(),
            result_destination: None,
            error_destination: None,
        }
    }
}
