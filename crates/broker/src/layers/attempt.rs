//! One attempt: what the connector gets, how long it has, and what leaves it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use crosspoint_core::{
    Call, Context, Effect, Failure, Json, Kind, Outcome, Refusal, Safety, inner_status,
};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};

use crate::catalogue::Entry;
use crate::layers::account;
use crate::ledger::{Bodies, secret_texts};
use crate::pipeline::Asked;
use crate::spans;

/// How long after its deadline a connector may still answer by itself, which tells more than our
/// cutting it off does. Small beside the 5 s between SpiffArena's patience and our deadline.
const GRACE: Duration = Duration::from_secs(1);

/// How an attempt went.
pub(crate) struct Tried {
    pub(crate) result: Result<Outcome, Failure>,
    /// Whether the connector was asked at all.
    pub(crate) asked: bool,
    /// Which token it went with.
    token: Option<i64>,
}

/// Runs the connector once, with what its profile comes to at the moment. Its deadline is the total
/// one or the attempt's own, whichever comes first; a connector that overruns it by [`GRACE`] is
/// dropped. A panic ends this attempt alone. `more`: there may be another attempt, for which the call
/// is kept.
///
/// A system that does not take the token any more has done nothing, so that the call is asked once
/// more with a fresh one, whatever it does.
pub(crate) async fn layer(entry: &Entry, asked: &mut Asked, total: Instant, more: bool) -> Tried {
    let deadline = match entry.policy.timeout {
        Some(timeout) => total.min(Instant::now() + timeout),
        None => total,
    };
    if !asked.profile.has_token() {
        return once(entry, asked, deadline, more, None).await;
    }
    // Boxed, so that the calls without tokens are no larger for it.
    Box::pin(with_token(entry, asked, deadline, more)).await
}

async fn with_token(entry: &Entry, asked: &mut Asked, deadline: Instant, more: bool) -> Tried {
    let first = once(entry, asked, deadline, true, None).await;
    let expired = first.token.is_some() && asked.profile.has_expired(&first.result);
    if !expired || Instant::now() >= deadline {
        return first;
    }
    let mut lines = logs_of(first.result);
    lines.push("The system did not take the token; asking once more with a fresh one".to_owned());
    let mut second = once(entry, asked, deadline, more, first.token).await;
    // The system was asked, if in vain.
    second.asked = true;
    second.result = with_logs(lines, second.result);
    second
}

async fn once(
    entry: &Entry,
    asked: &mut Asked,
    deadline: Instant,
    more: bool,
    stale: Option<i64>,
) -> Tried {
    let Some(call) = &asked.call else {
        return Tried::unasked(broken());
    };
    let mut span = spans::attempt(entry, call);
    let prepared = match asked.profile.at_once() {
        Some(profile) => Ok((profile, None)),
        None => Box::pin(account::resolve(&asked.profile, stale, deadline))
            .await
            .map(|resolved| (resolved.profile, resolved.token)),
    };
    let prepared = prepared.and_then(|(profile, token)| {
        let stand_ins = match asked.profile.stands_in() {
            true => account::stand_ins(&entry.command, call, &profile)?,
            false => Vec::new(),
        };
        Ok((profile, token, stand_ins))
    });
    let (profile, token, stand_ins) = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => {
            let tried = Tried::unasked(failure);
            spans::end(&mut span, &tried.result);
            return tried;
        }
    };
    let mut cx = Context::new(call.id, deadline, entry.mask.clone()).with_profile(profile);
    cx.trace = match span.trace() {
        Some(trace) => Some(trace.clone()),
        None => call.trace.as_ref().map(crosspoint_core::Trace::child),
    };
    cx.tracing = entry.tracing.clone();
    protect_declared(entry, call, &stand_ins, &cx);
    if let Some(cancelled) = kept_or_taken(&mut asked.cancelled, more) {
        cx.cancelled = cancelled;
    }
    let running = async {
        // Only here, so that this future does not hold the call once more.
        match kept_or_taken(&mut asked.call, more) {
            Some(call) => {
                entry
                    .connector
                    .call(standing_in(call, stand_ins), &cx)
                    .await
            }
            None => Err(broken()),
        }
    };
    let running = AssertUnwindSafe(running).catch_unwind();
    let result = match timeout_at(deadline + GRACE, running).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(broken()),
        Err(_) => Err(overrun(entry)),
    };
    if entry.policy.bodies == Bodies::Full {
        // What the connector found to be a secret may come back in the result, which people read.
        asked.secrets = Some(cx.secrets());
    }
    let result = cx.finish(result);
    spans::end(&mut span, &result);
    Tried {
        result,
        asked: true,
        token,
    }
}

fn standing_in(mut call: Call, stand_ins: Vec<(String, Json)>) -> Call {
    for (name, json) in stand_ins {
        call.arguments.insert(name, json);
    }
    call
}

fn logs_of(result: Result<Outcome, Failure>) -> Vec<String> {
    match result {
        Ok(outcome) => outcome.logs,
        Err(failure) => failure.outcome.map(|o| o.logs).unwrap_or_default(),
    }
}

fn with_logs(mut lines: Vec<String>, result: Result<Outcome, Failure>) -> Result<Outcome, Failure> {
    let mut result = result;
    let logs = match &mut result {
        Ok(outcome) => &mut outcome.logs,
        Err(failure) => {
            let status = inner_status(failure);
            let empty = || Box::new(Outcome::empty(status));
            &mut failure.outcome.get_or_insert_with(empty).logs
        }
    };
    lines.append(logs);
    *logs = lines;
    result
}

// === impl Tried ===

impl Tried {
    fn unasked(failure: Failure) -> Tried {
        Tried {
            result: Err(failure),
            asked: false,
            token: None,
        }
    }
}

fn kept_or_taken<T: Clone>(from: &mut Option<T>, keep: bool) -> Option<T> {
    match keep {
        true => from.clone(),
        false => from.take(),
    }
}

/// Values of parameters that are declared secret must not come back in messages and logs.
fn protect_declared(entry: &Entry, call: &Call, stand_ins: &[(String, Json)], cx: &Context) {
    let stands_in = |name: &str| stand_ins.iter().find(|(stand_in, _)| stand_in == name);
    let value_of = |name: &str| {
        let given = call.arguments.get(name);
        given.or_else(|| stands_in(name).map(|(_, json)| json))
    };
    for text in secret_texts(&entry.command, value_of) {
        cx.protect(&text);
    }
}

/// The panic itself is in the log, with the ids of the call's span; see the binary's panic hook.
fn broken() -> Failure {
    let message = "the connector broke down while running this command; \
                   the log has more under this request's id";
    Failure::new(Kind::Raised, "connector_panicked", message)
}

fn overrun(entry: &Entry) -> Failure {
    let effect = match entry.command.safety {
        Safety::ReadOnly => Effect::None,
        Safety::Idempotent | Safety::Effectful => Effect::Maybe,
    };
    let message = format!("{} did not answer before its deadline", entry.id);
    Failure::refused(Refusal::DeadlineExceeded, message).with_effect(effect)
}
