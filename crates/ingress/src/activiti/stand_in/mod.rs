//! Ready mappings that let our built-in connectors stand in for connectors of Activiti Enterprise,
//! with their documented actions, inputs and outputs. As documented these always succeed: what goes
//! wrong is an output.

mod inputs;
mod parameters;

use std::time::Duration;

use crosspoint_core::{Arguments, CommandId, Failure, Kind, Outcome, alike};
use serde_json::{Map, Value};

use self::inputs::{Inputs, email, rest, slack};
use self::parameters::{EMAIL, REST, SLACK};
use super::outputs::{Output, Source};
use super::settings::Bound;

pub use self::parameters::{Documented, Parameters};

/// A connector that is stood in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandIn {
    /// `restConnector`, by `http`.
    Rest,
    /// `emailConnector`, by `smtp`.
    Email,
    /// `slackConnector`, by `slack`.
    Slack,
}

/// The verbs of `restConnector`.
const VERBS: [(&str, &str); 8] = [
    ("GET", "GetRequestV2"),
    ("HEAD", "HeadRequestV2"),
    ("POST", "PostRequestV2"),
    ("PUT", "PutRequestV2"),
    ("PATCH", "PatchRequestV2"),
    ("DELETE", "DeleteRequestV2"),
    ("OPTIONS", "OptionsRequestV2"),
    ("TRACE", "TraceRequestV2"),
];

// === impl StandIn ===

impl StandIn {
    /// All of them.
    pub const ALL: [StandIn; 3] = [StandIn::Rest, StandIn::Email, StandIn::Slack];

    /// The name in `implementation`.
    pub const fn name(self) -> &'static str {
        match self {
            StandIn::Rest => "restConnector",
            StandIn::Email => "emailConnector",
            StandIn::Slack => "slackConnector",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<StandIn> {
        StandIn::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The documented action of that name, capitals and signs apart.
    pub fn bound_to(self, action: &str) -> Option<Bound> {
        let mut all = self.bound();
        let names = all.iter().map(|bound| bound.action());
        let found = alike(action, names)?.to_owned();
        let at = all.iter().position(|bound| bound.action() == found)?;
        Some(all.swap_remove(at))
    }

    /// The connector that stands in.
    pub const fn connector(self) -> &'static str {
        match self {
            StandIn::Rest => "http",
            StandIn::Email => "smtp",
            StandIn::Slack => "slack",
        }
    }

    /// Its configuration parameters.
    pub const fn parameters(self) -> &'static [Documented] {
        match self {
            StandIn::Rest => &REST,
            StandIn::Email => &EMAIL,
            StandIn::Slack => &SLACK,
        }
    }

    /// Its actions, each with the command that runs.
    pub fn bound(self) -> Vec<Bound> {
        let actions: &[(&str, &str)] = match self {
            StandIn::Rest => &VERBS,
            StandIn::Email => &[("SEND", "SendEmail")],
            StandIn::Slack => &[("SEND_MESSAGE", "PostMessage")],
        };
        let bound = actions.iter().map(|(action, command)| Bound {
            implementation: format!("{}.{action}", self.name()),
            command: CommandId::new(self.connector(), *command),
            declared: None,
            inputs: Vec::new(),
            outputs: self.outputs(action),
            stand_in: Some(self),
            variant: None,
            parameters: Parameters::default(),
        });
        bound.collect()
    }

    fn outputs(self, action: &str) -> Vec<Output> {
        let output = |name: &str, kind: &str, source| Output {
            name: name.to_owned(),
            kind: Some(kind.to_owned()),
            source,
        };
        if self != StandIn::Rest {
            // They bring back nothing but what goes wrong: a field that is never there.
            let nothing = Source::Field(vec!["\u{0}".to_owned()]);
            return vec![output(self.error(), "string", nothing)];
        }
        let mut outputs = vec![
            output("restStatus", "integer", Source::Status),
            output("restResponseHeaders", "json", Source::Headers),
        ];
        if !matches!(action, "HEAD" | "OPTIONS") {
            outputs.push(output("restResult", "json", Source::Body));
        }
        outputs
    }

    /// The output that says what went wrong.
    pub(crate) const fn error(self) -> &'static str {
        match self {
            StandIn::Rest => "restError",
            StandIn::Email => "email.error",
            StandIn::Slack => "slackError",
        }
    }

    /// The arguments of the command. Fails with what the task is told.
    pub(crate) fn arguments(
        self,
        variables: &Arguments,
        command: &CommandId,
        parameters: &Parameters,
    ) -> Result<Arguments, String> {
        let inputs = Inputs(variables, parameters);
        match self {
            StandIn::Rest => rest(&inputs, command),
            StandIn::Email => email(&inputs),
            StandIn::Slack => slack(&inputs),
        }
    }

    /// How long the task lets the call take, if it says so: `timeout` in milliseconds.
    pub(crate) fn limit(self, variables: &Arguments) -> Option<Duration> {
        let text = String::from_utf8_lossy(variables.get("timeout")?.as_bytes()).into_owned();
        let milliseconds: u64 = text.trim_matches('"').trim().parse().ok()?;
        (self == StandIn::Rest && milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// Whether the system gave an answer that came with the failure. `http` makes up a status of 500 where
    /// there was none, as the packages do; one that came has a code that says so.
    pub(crate) fn answered(failure: &Failure) -> bool {
        let made_up = |status| status == 500 && !failure.code.starts_with("HttpError");
        let outcome = failure.outcome.as_ref();
        failure.kind == Kind::Reported && outcome.is_some_and(|one| !made_up(one.status))
    }

    /// What came with a failure, for the outputs that a task gets beside the error.
    pub(crate) fn outcome(failure: &Failure) -> Outcome {
        match &failure.outcome {
            Some(outcome) => (**outcome).clone(),
            None => Outcome::json(Value::Null.into()).with_status(0),
        }
    }

    /// Adds what went wrong. Without an answer there is no status either.
    pub(crate) fn tell(self, variables: &mut Map<String, Value>, answered: bool, what: &str) {
        if !answered {
            variables.clear();
        }
        // An engine would not take a result in which it finds an expression.
        let what = what.replace("${", "$ {");
        let error = serde_json::json!({"type": "string", "value": what});
        variables.insert(self.error().to_owned(), error);
    }
}

#[cfg(test)]
mod tests;
