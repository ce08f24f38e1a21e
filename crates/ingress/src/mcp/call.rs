//! `tools/call`: runs a command.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_broker::Ended;
use crosspoint_broker::access::Right;
use crosspoint_core::{Arguments, Call, Ingress, Invalid, Json, Kind, Origin, nearest, shorten};
use futures_util::future::BoxFuture;
use futures_util::{Stream, stream};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::asker::Asker;
use super::fault::Fault;
use super::message::Id;
use super::meta::{Beside, Params};
use super::reply::{Members, Text, notification};
use super::revision::Revision;
use super::server::{Mcp, Settings};
use super::sessions::UnderWay;
use super::tools::{Tool, Toolbox};
use super::{answer, reply};
use crate::rights;

/// How often progress is told.
const PULSE: Duration = Duration::from_secs(1);

/// A call under way. It runs while this is polled; dropping it leaves the call to the broker, as any
/// caller's that goes away.
pub(crate) struct Pending {
    id: Id,
    revision: Revision,
    /// What is called, for people.
    command: String,
    /// With which token progress is told.
    progress: Option<Json>,
    begun: Instant,
    result: BoxFuture<'static, Result<Members, Fault>>,
}

/// What is asked for, once it has been read.
struct Wanted {
    tool: String,
    arguments: Arguments,
    beside: Beside,
}

/// Begins a call, or says everything that is wrong with the request.
pub(crate) fn begin(
    mcp: &Mcp,
    settings: &Arc<Settings>,
    asker: Asker,
    revision: Revision,
    id: Id,
    params: Params,
) -> Result<Pending, Fault> {
    let Wanted {
        tool,
        arguments,
        beside,
    } = read(&params, &asker)?;
    let toolbox = mcp.toolbox(settings);
    let tool = allowed(&toolbox, &tool, &asker)?;
    let command = tool.id.clone();
    let sent = arguments.clone();
    let mut origin = Origin::of(Ingress::Mcp);
    origin.caller = asker.caller();
    let mut call = Call::new(command.clone(), arguments, origin);
    call.id = asker.call;
    call.request_id = asker.request_id;
    call.key = beside.key.or(asker.idempotency_key);
    call.profile = beside.profile;
    call.trace = beside.trace.or(asker.trace);
    call.headers = asker.headers;
    let (broker, profile) = (mcp.broker().clone(), call.profile.clone());
    let shown = command.to_string();
    let ended = broker.call(call, settings.deadline);
    let result = async move {
        let ended: Ended = ended.await;
        let wrong = |kind| kind == Kind::Invalid(Invalid::Arguments);
        let mistakes = match &ended.result {
            Err(failure) if wrong(failure.kind) => {
                let entry = broker.catalogue().find(&command);
                entry.map(|entry| entry.mistakes(sent, profile.as_deref()))
            }
            _ => Ok(Vec::new()),
        };
        answer::ended(ended, &mistakes.unwrap_or_default())
    };
    Ok(Pending {
        id,
        revision,
        command: shown,
        progress: beside.progress,
        begun: Instant::now(),
        result: Box::pin(result),
    })
}

fn read(params: &Params, asker: &Asker) -> Result<Wanted, Fault> {
    let (mut mistakes, own) = (Vec::new(), &params.own);
    let tool = own.get("name").and_then(Json::as_text);
    if tool.is_none() {
        mistakes.push("'name' must be the name of a tool".to_owned());
    }
    let given = own.get("arguments").filter(|json| json.first() != b'n');
    let arguments = given.map(|json| Arguments::parse(json.bytes()));
    let arguments = arguments.transpose().unwrap_or_else(|_| {
        mistakes.push("'arguments' must be an object".to_owned());
        None
    });
    let beside = params.beside().unwrap_or_else(|wrong| {
        mistakes.extend(wrong);
        Beside::default()
    });
    if let (Some(own), Some(header)) = (&beside.key, &asker.idempotency_key)
        && own != header
    {
        let differs = "_meta 'crosspoint/idempotencyKey' differs from the header Idempotency-Key";
        mistakes.push(format!("{differs}: send one of them"));
    }
    match tool.filter(|_| mistakes.is_empty()) {
        Some(tool) => Ok(Wanted {
            tool,
            arguments: arguments.unwrap_or_default(),
            beside,
        }),
        None => Err(Fault::invalid_params(mistakes.join("; "))),
    }
}

/// The tool, if it is there and the key of the caller is good for it.
fn allowed<'a>(toolbox: &'a Toolbox, name: &str, asker: &Asker) -> Result<&'a Tool, Fault> {
    let key = asker.key.as_deref();
    if let Some(key) = key.filter(|key| !key.scopes.allow(Right::Call)) {
        let (name, scopes) = (&key.name, &key.scopes);
        return Err(Fault::invalid_params(format!(
            "the key '{name}' may not call tools: it needs the scope call, and has {scopes}"
        )));
    }
    let Some(tool) = toolbox.find(name) else {
        let name = shorten(name);
        let hint = match nearest(&name, toolbox.names(key))[..] {
            [] => "tools/list lists them".to_owned(),
            ref near => format!("did you mean {}?", near.join(", ")),
        };
        return Err(Fault::invalid_params(format!(
            "unknown tool: {name} ({hint})"
        )));
    };
    match key.and_then(|key| rights::refusal_of(key, &tool.id.connector)) {
        Some(refusal) => Err(Fault::invalid_params(format!(
            "unknown tool: {} ({refusal})",
            tool.name
        ))),
        None => Ok(tool),
    }
}

// === impl Pending ===

impl Pending {
    /// Its end. May be dropped and asked for again.
    pub(crate) async fn answer(&mut self) -> Text {
        let members = match (&mut self.result).await {
            Ok(members) => members,
            Err(fault) => return Text::of(fault.text(Some(&self.id))),
        };
        members.answer(&self.id, self.revision)
    }

    /// Progress where that is wanted, and then its end; which does not come if it is cancelled first.
    pub(crate) fn messages(
        self,
        under_way: Option<UnderWay>,
    ) -> impl Stream<Item = Text> + Send + use<> {
        let mut pulse = interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let begin = (Some(self), under_way, pulse);
        stream::unfold(begin, |(pending, under_way, mut pulse)| async move {
            let mut pending = pending?;
            let never = CancellationToken::new();
            let cancelled = under_way.as_ref().map_or(&never, |u| &u.cancelled);
            let wants_progress = pending.progress.is_some();
            tokio::select! {
                biased;
                () = cancelled.cancelled() => None,
                text = pending.answer() => Some((text, (None, under_way, pulse))),
                _ = pulse.tick(), if wants_progress => {
                    let text = pending.progress();
                    Some((text, (Some(pending), under_way, pulse)))
                }
            }
        })
    }

    /// How it goes: for how long it has been running. When it ends is not known.
    fn progress(&self) -> Text {
        let elapsed = self.begun.elapsed();
        let params = json!({
            "progressToken": self.progress,
            "progress": elapsed.as_secs_f64(),
            "message": format!("{} has been running for {} s", self.command, elapsed.as_secs()),
        });
        notification(reply::PROGRESS, &params)
    }
}
