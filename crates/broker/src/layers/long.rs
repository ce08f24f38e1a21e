//! Long calls: the caller is answered 202, and the result is delivered to the callback or asked for.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Completion, Effect, Failure, Outcome, Refusal, Safety};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument;

use crate::callbacks::is_carried;
use crate::layers::record::Recording;
use crate::ledger::{Recorder, State, StoreError, Wait, now};
use crate::pipeline::{self, Job};

/// The pause before a store that cannot be written is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a caller waits at the most who only wants to know that the call is accepted.
const ACCEPTING: Duration = Duration::from_secs(15);

/// A call that may be answered by callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// After how long.
    pub(crate) after: Duration,
    /// Where the result goes. None: the caller asks for it.
    pub(crate) callback: Option<String>,
}

/// Whether the call may be answered by callback: its policy says so and its callback leads to an
/// engine that is known. Then the connector does not get the callback, since only one may answer,
/// and has the time of a long call. Or its caller has said that nobody waits.
pub(crate) fn plan(recorder: &Recorder, job: &mut Job) -> Option<Plan> {
    if job.call.polled {
        job.flight.poll();
        job.due = job.due.min(Instant::now() + ACCEPTING);
        return Some(Plan {
            after: Duration::ZERO,
            callback: job.call.callback.take(),
        });
    }
    let after = job.entry.policy.async_after?;
    let callback = job.call.callback.as_ref()?;
    if let Some(carrier) = recorder.carrier.get().filter(|_| is_carried(callback)) {
        let limit = job.entry.policy.deadline.unwrap_or(carrier.deadline());
        job.deadline = Instant::now() + limit;
        let callback = job.call.callback.take();
        return Some(Plan { after, callback });
    }
    let callbacks = recorder.callbacks.load();
    let Some(engine) = callbacks.engine(job.call.origin.ingress, callback) else {
        tracing::warn!(
            id = %job.call.id, command = %job.entry.id, callback = %crate::callbacks::origin_of(callback),
            "The callback of this call is not of an origin that is configured (spiff.engine_url, \
             api.callback_origins): the call is answered when it has ended."
        );
        return None;
    };
    let limit = job.entry.policy.deadline.unwrap_or(engine.deadline);
    job.deadline = Instant::now() + limit;
    let callback = job.call.callback.take()?;
    Some(Plan {
        after,
        callback: Some(callback),
    })
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
        if plan.callback.is_some() {
            recorder.expect_answer(asked);
            flight.promise();
        }
        flight.note(asked, State::Accepted);
        tokio::spawn(start_later(recorder, job, recording).instrument(span));
        return Ok(accepted());
    }
    let mut running: BoxFuture<'static, _> = finish(job, recording).boxed();
    let Some(callback) = plan.callback else {
        // Another attempt of a call that is known by its key, for which nobody waits.
        tokio::spawn(running.instrument(span));
        return Ok(accepted());
    };
    if let Ok(result) = timeout(plan.after, &mut running).await {
        return result;
    }
    // The promise is in the ledger before it is made.
    while let Err(error) = recorder.store.promise(&id, &callback).await {
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
    flight.note(asked, State::Running);
    tokio::spawn(running.instrument(span));
    Ok(accepted())
}

/// The call itself and the end of its records.
pub(crate) async fn finish(job: Box<Job>, recording: Recording) -> Result<Outcome, Failure> {
    let (mut work, flight, counted) = job.begun();
    let result = pipeline::begun(&mut work).await;
    if let Some(secrets) = work.asked.secrets.take() {
        flight.protect(secrets);
    }
    let result = recording.end(result).await;
    drop(counted);
    work.trace.end(result)
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
    let mut in_doubt = false;
    loop {
        if recorder.stopping.is_cancelled() {
            return recording.leave();
        }
        match recorder.store.start(&id, now(), Wait::Committed).await {
            Ok(()) => break,
            Err(StoreError::Unavailable(_)) => {
                in_doubt = true;
                sleep(PAUSE).await;
            }
            // Only this process starts it: what was waited for in vain was written all the same.
            Err(StoreError::NotAllowed {
                from: State::Running,
                ..
            }) if in_doubt => break,
            Err(error @ StoreError::TakenOver(_)) => {
                tracing::warn!(id, %error, "An accepted call does not run here.");
                return recording.leave();
            }
            Err(error) => {
                tracing::error!(id, %error, "An accepted call does not run here.");
                return recording.leave();
            }
        }
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
