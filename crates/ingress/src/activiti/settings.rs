//! How service tasks are served.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{CommandId, Secret};

use super::answer::Identity;
use super::names::Naming;
use super::outputs::{Expressions, Output};
use super::stand_in::{Parameters, StandIn};

/// How service tasks are served.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the message broker is, with user and password.
    pub amqp: Secret<String>,
    /// Certificates of private authorities, in PEM, for `amqps`.
    pub authorities: Option<String>,
    /// The name that our consumers share: replicas of one group share the work.
    pub group: String,
    /// Which commands are served as they are, as `connector.Command` with `*` for any characters.
    pub serve: Vec<String>,
    /// Which actions of definitions are served.
    pub bound: Vec<Bound>,
    /// How destinations are called.
    pub naming: Naming,
    /// How we call ourselves.
    pub identity: Identity,
    /// How many requests the message broker hands over from each queue before the first is answered.
    pub prefetch: u16,
    /// How many calls run at once.
    pub concurrency: usize,
    /// How long a call may take.
    pub deadline: Duration,
    /// How often a call is tried that failed without an effect, in a way that may pass.
    pub attempts: u32,
    /// The pause before it is tried again; doubled each time.
    pub retry_pause: Duration,
    /// For how long an answer is held that the message broker cannot hand to anybody.
    pub patience: Duration,
    /// What happens to outputs in which engines would find an expression.
    pub expressions: Expressions,
    /// The lowest version of an application whose requests are served.
    pub min_app_version: Option<i64>,
    /// The highest.
    pub max_app_version: Option<i64>,
}

/// An action of a definition, and the command behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What service tasks write.
    pub implementation: String,
    /// What runs.
    pub command: CommandId,
    /// The names of the inputs that its definition declares. None: no definition says which there are.
    pub declared: Option<Vec<String>>,
    /// Variables whose parameters have other names: the variable, the parameter.
    pub inputs: Vec<(String, String)>,
    /// What it brings back. Where none are declared, everything.
    pub outputs: Vec<Output>,
    /// The connector that it stands in for, whose rules then count for inputs and failures.
    pub stand_in: Option<StandIn>,
    /// The variant of the connector that runs it: its configuration parameters.
    pub variant: Option<Arc<str>>,
    /// Values of configuration parameters that are needed to make the call.
    pub parameters: Parameters,
}

// === impl Bound ===

impl Bound {
    /// What is after the last dot of what service tasks write.
    pub fn action(&self) -> &str {
        self.implementation.rsplit('.').next().unwrap_or_default()
    }
}
