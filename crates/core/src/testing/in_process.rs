//! A connector in this process, run as the broker runs it: arguments checked, a context with a
//! deadline, panics and overruns caught, secrets masked.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use super::subject::{
    Abilities, Ended, Fault, Listed, ListedParameter, Listing, Observed, Probe, Stage, Subject,
};
use crate::{
    Arguments, Body, Call, CallId, Command, CommandId, Connector, Context, Failure, Ingress, Kind,
    Mask, Origin, Outcome, Parameter, Profile, inner_status,
};

/// How long after its deadline a connector may still answer. Ample: this is about hanging, not
/// about speed.
const GRACE: Duration = Duration::from_secs(10);

/// A connector in this process.
pub struct InProcess {
    connector: Arc<dyn Connector>,
    name: String,
    only: Option<String>,
    profile: Arc<Profile>,
}

// === impl InProcess ===

impl InProcess {
    /// All commands of a connector, under its own name.
    pub fn new(connector: Arc<dyn Connector>) -> InProcess {
        let name = connector.manifest().name.clone();
        InProcess::published(connector, name)
    }

    /// All commands of a connector, under the name that a mount gave it.
    pub fn published(connector: Arc<dyn Connector>, name: impl Into<String>) -> InProcess {
        InProcess {
            connector,
            name: name.into(),
            only: None,
            profile: Arc::default(),
        }
    }

    /// Leaves out all commands but one.
    pub fn only(mut self, command: impl Into<String>) -> InProcess {
        self.only = Some(command.into());
        self
    }

    /// Calls it with that account.
    pub fn with_profile(mut self, profile: Arc<Profile>) -> InProcess {
        self.profile = profile;
        self
    }

    async fn call(&self, probe: &Probe) -> Observed {
        let Some((connector, command)) = probe.command.split_once('/') else {
            return failed(&Failure::unknown_command("that is no id of a command"));
        };
        let arguments = match Arguments::parse(Bytes::from(probe.arguments.clone())) {
            Ok(arguments) => arguments,
            Err(error) => return failed(&Failure::arguments(error.to_string())),
        };
        let manifest = self.connector.manifest();
        let mut commands = manifest.commands.iter().map(|known| &**known);
        let known = commands.find(|known| known.name == command);
        // An unknown one goes through: its connector must say so by itself.
        let checked = known.map_or(Ok(arguments.clone()), |known| known.check(arguments));
        let arguments = match checked {
            Ok(arguments) => arguments,
            Err(failure) => return failed(&failure),
        };
        let cx = context(known, &arguments, probe.deadline).with_profile(self.profile.clone());
        let id = CommandId::new(connector, command);
        let call = Call::new(id, arguments, Origin::of(Ingress::Cli));
        self.observe(call, &cx, probe.cancel).await
    }

    async fn observe(&self, call: Call, cx: &Context, cancel: Option<Duration>) -> Observed {
        // In a block, so that a panic before the first await is caught too.
        let running = AssertUnwindSafe(async { self.connector.call(call, cx).await });
        let running = timeout_at(cx.deadline + GRACE, running.catch_unwind());
        let ended = match cancel {
            None => running.await,
            Some(after) => match timeout(after, running).await {
                Ok(ended) => ended,
                Err(_) => {
                    cx.cancelled.cancel();
                    return Observed::of(Ended::Dropped);
                }
            },
        };
        match ended {
            Ok(Ok(result)) => match cx.finish(result) {
                Ok(outcome) => succeeded(&outcome),
                Err(failure) => failed(&failure),
            },
            Ok(Err(panic)) => Observed::broke(format!("a panic: {}", panic_text(&*panic))),
            Err(_) => Observed::of(Ended::Overran),
        }
    }
}

impl Subject for InProcess {
    fn abilities(&self) -> Abilities {
        Abilities {
            reads_json: false,
            takes_deadline: true,
        }
    }

    fn list(&self) -> BoxFuture<'_, Result<Listing, String>> {
        let wanted = |c: &&Arc<Command>| self.only.as_ref().is_none_or(|only| *only == c.name);
        let commands = self.connector.manifest().commands.iter().filter(wanted);
        let listing = Listing {
            commands: commands
                .map(|command| listed(&self.name, command))
                .collect(),
            faults: Vec::new(),
        };
        Box::pin(std::future::ready(Ok(listing)))
    }

    fn run<'a>(&'a self, probe: &'a Probe) -> BoxFuture<'a, Observed> {
        Box::pin(self.call(probe))
    }
}

fn listed(connector: &str, command: &Command) -> Listed {
    Listed {
        id: format!("{connector}/{}", command.name),
        description: Some(command.description.clone()),
        parameters: command.parameters.iter().map(parameter).collect(),
        open: Some(command.open),
        coerces: Some(command.coerce),
        safety: Some(command.safety),
    }
}

fn parameter(parameter: &Parameter) -> ListedParameter {
    ListedParameter {
        name: parameter.name.clone(),
        description: Some(parameter.description.clone()),
        kind: parameter.spiff_type().to_owned(),
        required: parameter.required,
        secret: Some(parameter.secret),
        schema: parameter.schema.read().ok(),
        default: parameter.default().cloned(),
    }
}

/// A context as the broker makes one: what is declared secret is protected.
fn context(command: Option<&Command>, arguments: &Arguments, limit: Duration) -> Context {
    let cx = Context::new(CallId::generate(), Instant::now() + limit, Mask::default());
    let parameters = command.iter().flat_map(|command| &command.parameters);
    for parameter in parameters.filter(|p| p.secret) {
        if let Some(text) = arguments.get(&parameter.name).and_then(|v| v.as_text()) {
            cx.protect(&text);
        }
    }
    cx
}

fn succeeded(outcome: &Outcome) -> Observed {
    let body = body(&outcome.body);
    Observed {
        status: Some(outcome.status),
        mimetype: Some(outcome.mimetype.to_string()),
        faults: faults(outcome),
        logs: outcome.logs.clone(),
        whole: json!({"status": outcome.status, "mimetype": outcome.mimetype, "body": body})
            .to_string(),
        body: Some(body),
        ..Observed::of(Ended::Succeeded)
    }
}

fn failed(failure: &Failure) -> Observed {
    let stage = match failure.kind {
        Kind::Invalid(_) | Kind::Refused(_) => Stage::Refused,
        Kind::Reported | Kind::Transport => Stage::Reported,
        Kind::Raised | Kind::Crashed | Kind::Unknown => Stage::Raised,
    };
    let with = failure.outcome.as_deref();
    Observed {
        status: Some(inner_status(failure)),
        mimetype: with.map(|outcome| outcome.mimetype.to_string()),
        body: with.map(|outcome| body(&outcome.body)),
        logs: with.map(|outcome| outcome.logs.clone()).unwrap_or_default(),
        detail: failure.detail.clone(),
        faults: with.map(faults).unwrap_or_default(),
        whole: format!("{} failure {failure}", failure.kind.name()),
        ..Observed::of(Ended::Failed(Fault {
            stage,
            code: failure.code.to_string(),
            message: failure.message.clone(),
            effect: Some(failure.effect),
        }))
    }
}

fn body(body: &Body) -> Value {
    match body {
        Body::Json(json) => json.read().unwrap_or_default(),
        Body::Text(text) => text.as_str().into(),
        Body::Bytes(bytes) => STANDARD.encode(bytes).into(),
    }
}

/// What is wrong with an outcome that no ingress could repair.
fn faults(outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    let statuses = [
        Some(outcome.status),
        outcome.verbatim.as_ref().map(|v| v.status),
    ];
    for status in statuses.into_iter().flatten() {
        if !(100..=599).contains(&status) {
            faults.push(format!("the status {status} is not between 100 and 599"));
        }
    }
    if !is_mimetype(&outcome.mimetype) {
        faults.push(format!("{:?} is not a media type", outcome.mimetype));
    }
    match &outcome.body {
        // A bare answer of version 1 says JSON whatever it is.
        Body::Text(text) if outcome.verbatim.is_none() && is_json(&outcome.mimetype) => {
            if let Err(error) = crate::Json::parse(text.clone()) {
                faults.push(format!("the media type is JSON, and the text is {error}"));
            }
        }
        _ => {}
    }
    for (name, value) in &outcome.headers {
        let plain = name.bytes().all(|b| b.is_ascii_graphic()) && !name.is_empty();
        if !plain || value.contains(['\r', '\n', '\0']) {
            faults.push(format!("the header {name:?} cannot be written"));
        }
    }
    faults
}

fn is_json(mimetype: &str) -> bool {
    let plain = mimetype.split(';').next().unwrap_or_default().trim();
    plain == "application/json" || plain.ends_with("+json")
}

/// `type/subtype`, then perhaps parameters, all of it printable.
pub(super) fn is_mimetype(text: &str) -> bool {
    let token = |part: &str| {
        let part = part.trim();
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+*".contains(&b))
    };
    let plain = text.split(';').next().unwrap_or_default();
    let printable = !text.chars().any(char::is_control);
    printable
        && plain
            .split_once('/')
            .is_some_and(|(a, b)| token(a) && token(b))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
