//! Long calls: the caller is answered 202, and the result is delivered to the callback.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Completion, Effect, Failure, Outcome, Refusal, Safety};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument;

use crate::layers::attempt;
use crate::layers::record::Recording;
use crate::ledger::{Recorder, State, StoreError, Wait, now};
use crate::pipeline::Job;

/// The pause before a store that cannot be written is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// A call that may be answered by callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// After how long.
    pub(crate) after: Duration,
    /// Where the result goes.
    pub(crate) callback: String,
}

/// Whether the call may be answered by callback: its policy says so and its callback leads to an
/// engine that is known. Then the connector does not get the callback, since only one may answer,
/// and has the time of a long call.
pub(crate) fn plan(recorder: &Recorder, job: &mut Job) -> Option<Plan> {
    let after = job.entry.policy.async_after?;
    let callback = job.call.callback.as_ref()?;
    let callbacks = recorder.callbacks.load();
    let Some(engine) = callbacks.engine(job.call.origin.ingress, callback) else {
        tracing::warn!(
            id = %job.call.id, command = %job.entry.id, callback = %crate::callbacks::origin_of(callback),
            "The callback of this call is not of the engine that is configured (spiff.engine_url): \
             the call is answered when it has ended."
        );
        return None;
    };
    let limit = job.entry.policy.deadline.unwrap_or(engine.deadline);
    job.deadline = Instant::now() + limit;
    let callback = job.call.callback.take()?;
    Some(Plan { after, callback })
}

/// Runs the call; where it takes longer than its plan allows, promises the result and goes on in a
/// task of its own.
pub(crate) async fn layer(job: Box<Job>, recording: Recording) -> Result<Outcome, Failure> {
    let planned = recording.open().and_then(|open| {
        let plan = open.plan.clone()?;
        Some((plan, open.recorder.clone(), open.id.clone()))
    });
    let Some((plan, recorder, id)) = planned else {
        return finish(job, recording).await;
    };
    let (asked, flight, due, span) = (
        job.asked,
        job.flight.clone(),
        job.due,
        job.trace.span.clone(),
    );
    let reads = job.entry.command.safety == Safety::ReadOnly;
    let accepted_at_once = plan.after.is_zero() && recording.is_new();
    if accepted_at_once {
        recorder.expect_answer(asked);
        flight.promise();
        tokio::spawn(start_later(recorder, job, recording).instrument(span));
        return Ok(accepted());
    }
    let mut running: BoxFuture<'static, _> = finish(job, recording).boxed();
    if let Ok(result) = timeout(plan.after, &mut running).await {
        return result;
    }
    // The promise is in the ledger before it is made.
    while let Err(error) = recorder.store.promise(&id, &plan.callback).await {
        tracing::warn!(id, %error, "The ledger cannot take the promise of a result.");
        let left = due.saturating_duration_since(Instant::now());
        if let Ok(result) = timeout(left.min(PAUSE), &mut running).await {
            return result;
        }
        if Instant::now() >= due {
            tokio::spawn(running.instrument(span));
            return Err(too_late(reads));
        }
    }
    recorder.expect_answer(asked);
    flight.promise();
    tokio::spawn(running.instrument(span));
    Ok(accepted())
}

/// The attempt and the end of its records.
pub(crate) async fn finish(job: Box<Job>, recording: Recording) -> Result<Outcome, Failure> {
    let job = *job;
    let (trace, counted) = (job.trace, job._counted);
    let flight = job.flight;
    let result = attempt::layer(job.entry, job.call, job.deadline, job.cancelled, &flight).await;
    let result = recording.end(result).await;
    drop(counted);
    trace.end(result)
}

/// Runs a call that was accepted, once its 202 has left: the engine does not expect a result before
/// that.
async fn start_later(recorder: Arc<Recorder>, job: Box<Job>, recording: Recording) {
    recorder.left(job.asked).await;
    begin_and_finish(&recorder, job, recording).await;
}

/// Says in the ledger that an accepted call runs, and runs it. Where that cannot be said, or the
/// process is about to end, it stays accepted.
pub(crate) async fn begin_and_finish(
    recorder: &Arc<Recorder>,
    job: Box<Job>,
    recording: Recording,
) {
    let id = job.call.id.to_string();
    let mut asked = false;
    loop {
        if recorder.stopping.is_cancelled() {
            return recording.leave();
        }
        match recorder.store.start(&id, now(), Wait::Committed).await {
            Ok(()) => break,
            // What was said before has been written after all.
            Err(StoreError::NotAllowed { from, .. }) if asked && from == State::Running => break,
            Err(StoreError::Unavailable(_)) => sleep(PAUSE).await,
            Err(error @ StoreError::TakenOver(_)) => {
                tracing::warn!(id, %error, "An accepted call does not run here.");
                return recording.leave();
            }
            Err(error) => {
                tracing::error!(id, %error, "An accepted call does not run here.");
                return recording.leave();
            }
        }
        asked = true;
    }
    let _ = finish(job, recording).await;
}

/// The answer to a call whose result follows.
pub(crate) fn accepted() -> Outcome {
    let mut outcome = Outcome::empty(202);
    outcome.completion = Completion::Accepted;
    outcome
}

fn too_late(reads: bool) -> Failure {
    let message = "the call goes on, and takes longer than its caller waits; the ledger could not \
                   take the promise of a later answer";
    let effect = if reads { Effect::None } else { Effect::Maybe };
    Failure::refused(Refusal::DeadlineExceeded, message).with_effect(effect)
}
