//! One attempt: what the connector gets, how long it has, and what leaves it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use crosspoint_core::{Call, Context, Effect, Failure, Kind, Outcome, Refusal, Safety};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};

use crate::catalogue::Entry;
use crate::ledger::Bodies;
use crate::pipeline::Asked;
use crate::spans;

/// How long after its deadline a connector may still answer by itself, which tells more than our
/// cutting it off does. Small beside the 5 s between SpiffArena's patience and our deadline.
const GRACE: Duration = Duration::from_secs(1);

/// Runs the connector once. Its deadline is the total one or the attempt's own, whichever comes
/// first; a connector that overruns it by [`GRACE`] is dropped. A panic ends this attempt alone.
/// `more`: there may be another attempt, for which the call is kept.
pub(crate) async fn layer(
    entry: &Entry,
    asked: &mut Asked,
    total: Instant,
    more: bool,
) -> Result<Outcome, Failure> {
    let deadline = match entry.policy.timeout {
        Some(timeout) => total.min(Instant::now() + timeout),
        None => total,
    };
    let Some(call) = &asked.call else {
        return Err(broken());
    };
    let mut cx = Context::new(call.id, deadline, entry.mask.clone());
    let mut span = spans::attempt(entry, call);
    cx.trace = match span.trace() {
        Some(trace) => Some(trace.clone()),
        None => call.trace.as_ref().map(crosspoint_core::Trace::child),
    };
    cx.tracing = entry.tracing.clone();
    protect_declared(entry, call, &cx);
    if let Some(cancelled) = kept_or_taken(&mut asked.cancelled, more) {
        cx.cancelled = cancelled;
    }
    let running = async {
        // Only here, so that this future does not hold the call once more.
        match kept_or_taken(&mut asked.call, more) {
            Some(call) => entry.connector.call(call, &cx).await,
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
    result
}

fn kept_or_taken<T: Clone>(from: &mut Option<T>, keep: bool) -> Option<T> {
    match keep {
        true => from.clone(),
        false => from.take(),
    }
}

/// Values of parameters that are declared secret must not come back in messages and logs.
fn protect_declared(entry: &Entry, call: &Call, cx: &Context) {
    for parameter in entry.command.parameters.iter().filter(|p| p.secret) {
        if let Some(text) = call
            .arguments
            .get(&parameter.name)
            .and_then(|json| json.as_text())
        {
            cx.protect(&text);
        }
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
