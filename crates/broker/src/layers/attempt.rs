//! One attempt: what the connector gets, how long it has, and what leaves it.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Call, Context, Effect, Failure, Outcome, Refusal, Safety};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::catalogue::Entry;

/// How long after its deadline a connector may still answer by itself, which tells more than our
/// cutting it off does. Small beside the 5 s between SpiffArena's patience and our deadline.
const GRACE: Duration = Duration::from_secs(1);

/// Runs the connector once. Its deadline is the total one or the attempt's own, whichever comes
/// first; a connector that overruns it by [`GRACE`] is dropped.
pub(crate) async fn layer(
    entry: Arc<Entry>,
    call: Call,
    total: Instant,
    cancelled: CancellationToken,
) -> Result<Outcome, Failure> {
    let deadline = match entry.policy.timeout {
        Some(timeout) => total.min(Instant::now() + timeout),
        None => total,
    };
    let mut cx = Context::new(call.id, deadline, entry.mask.clone());
    cx.cancelled = cancelled;
    cx.trace = call.trace.as_ref().map(crosspoint_core::Trace::child);
    protect_declared(&entry, &call, &cx);
    let result = match timeout_at(deadline + GRACE, entry.connector.call(call, &cx)).await {
        Ok(result) => result,
        Err(_) => Err(overrun(&entry)),
    };
    cx.finish(result)
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

fn overrun(entry: &Entry) -> Failure {
    let effect = match entry.command.safety {
        Safety::ReadOnly => Effect::None,
        Safety::Idempotent | Safety::Effectful => Effect::Maybe,
    };
    let message = format!("{} did not answer before its deadline", entry.id);
    Failure::refused(Refusal::DeadlineExceeded, message).with_effect(effect)
}
