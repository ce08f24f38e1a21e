//! A call whose key is known: it waits for the one under way, gets its answer, or runs once more.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Effect, Failure, Invalid, Kind, Outcome, Refusal};
use tokio::time::{Instant, sleep, timeout};

use crate::layers::long::{self, Plan};
use crate::ledger::{
    Key, Listed, Recorder, Row, State, StoreError, Version, now, open_result, unavailable,
};
use crate::pipeline::Job;

/// How often a call that runs in another process is looked at: at first, and at the most.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LAST_LOOK: Duration = Duration::from_secs(1);

/// What becomes of a call whose key is known.
pub(crate) enum Known {
    /// It is answered.
    Answered(Result<Outcome, Failure>),
    /// It runs as another attempt of the row with this id.
    Again(String, Listed),
    /// The row is gone: nobody has the key any more.
    Free,
}

/// What to do about a row as it is.
enum Next {
    Done(Known),
    /// Look again; the time until then is given.
    Wait(Duration),
}

/// Waits until it is known what becomes of the call.
pub(crate) async fn known(
    recorder: &Arc<Recorder>,
    job: &Job,
    key: Option<&Key>,
    plan: Option<&Plan>,
    mut row: Row,
) -> Known {
    if row.key.as_ref().map(|key| key.fingerprint) != key.map(|key| key.fingerprint) {
        return Known::Answered(Err(conflict(&row)));
    }
    let mut look = FIRST_LOOK;
    loop {
        let pause = match next(recorder, job, plan, row.clone(), look).await {
            Ok(Next::Done(known)) => return known,
            Ok(Next::Wait(pause)) => pause,
            Err(error) if Instant::now() >= job.due => {
                return Known::Answered(Err(unavailable(&error)));
            }
            Err(_) => look,
        };
        if Instant::now() >= job.due {
            return Known::Answered(Err(still_running(&row)));
        }
        sleep(pause.min(job.due.saturating_duration_since(Instant::now()))).await;
        look = (look * 2).min(LAST_LOOK);
        match recorder.store.find(&row.id).await {
            Ok(Some(found)) => row = found,
            Ok(None) => return Known::Free,
            Err(_) => {}
        }
    }
}

async fn next(
    recorder: &Arc<Recorder>,
    job: &Job,
    plan: Option<&Plan>,
    row: Row,
    look: Duration,
) -> Result<Next, StoreError> {
    let may_pass = row.ending.as_ref().is_some_and(|ending| ending.may_pass);
    let runs_again = may_pass && matches!(row.state, State::Failed | State::Delivered);
    if job.call.polled && !runs_again {
        // Whatever has become of it or will, the caller asks for it.
        return Ok(Next::Done(Known::Answered(Ok(long::accepted()))));
    }
    let pending = row.state.is_open() || row.state == State::Finished;
    let promised = plan.and_then(|plan| plan.callback.as_ref());
    let same_callback = promised.is_some() && row.about.callback.as_ref() == promised;
    if pending && same_callback {
        // The answer to the first of them may have been lost on the way.
        return Ok(Next::Done(Known::Answered(Ok(long::accepted()))));
    }
    if row.state.is_open() {
        return Ok(under_way(recorder, job, &row, look).await);
    }
    if row.state == State::Unknown {
        return Ok(Next::Done(Known::Answered(Err(unknown(&row)))));
    }
    if runs_again {
        return again(recorder, job, row).await;
    }
    let stored = stored(recorder, &row).await?;
    tracing::info!(row = row.id, "Answered from the ledger: the key is known.");
    Ok(Next::Done(Known::Answered(stored)))
}

/// Waits with the call that runs in this process; one of another process is looked at again.
async fn under_way(recorder: &Recorder, job: &Job, row: &Row, look: Duration) -> Next {
    let Some(mut landed) = recorder.flights.find(&row.id) else {
        return Next::Wait(look);
    };
    let left = job.due.saturating_duration_since(Instant::now());
    // In between it may be promised to the callback that this call has, too.
    match timeout(left.min(LAST_LOOK), landed.wait_for(Option::is_some)).await {
        Ok(Ok(result)) => match &*result {
            Some(result) => Next::Done(Known::Answered(result.clone())),
            None => Next::Wait(Duration::ZERO),
        },
        // It ended without a word, or not yet.
        Ok(Err(_)) | Err(_) => Next::Wait(Duration::ZERO),
    }
}

async fn again(recorder: &Arc<Recorder>, job: &Job, row: Row) -> Result<Next, StoreError> {
    // Listed first, so that whoever sees it run finds it.
    let listed = recorder.flights.list(&row.id, &job.flight);
    let version = Version {
        state: row.state,
        attempts: row.attempts,
    };
    match recorder.store.again(&row.id, version, now()).await? {
        true => Ok(Next::Done(Known::Again(row.id, listed))),
        // Somebody else was faster.
        false => Ok(Next::Wait(Duration::ZERO)),
    }
}

/// The answer that was given before.
async fn stored(recorder: &Recorder, row: &Row) -> Result<Result<Outcome, Failure>, StoreError> {
    let why = match recorder.store.result(&row.id).await {
        Ok(Some(sealed)) => match open_result(&sealed) {
            Ok(result) => return Ok(result),
            Err(error) => error.to_string(),
        },
        Ok(None) => "its result was not kept".to_owned(),
        Err(error @ StoreError::Sealed { .. }) => error.to_string(),
        Err(error) => return Err(error),
    };
    let ending = row.ending.clone().unwrap_or_default();
    let Some(code) = ending.code else {
        let message = format!(
            "call {} with this key has succeeded, and its result cannot be shown again: {why}",
            row.id
        );
        let failure = Failure::new(Kind::Unknown, "result_not_kept", message);
        return Ok(Err(failure.with_effect(Effect::Done)));
    };
    let failure = Failure::reported(code, ending.message.unwrap_or_default());
    let effect = ending.effect.unwrap_or(Effect::Done);
    Ok(Err(failure.with_effect(effect)))
}

fn conflict(row: &Row) -> Failure {
    let message = format!(
        "this idempotency key belongs to call {} of {}/{} with other arguments: \
         use a new key for another call",
        row.id, row.about.connector, row.about.command
    );
    let kind = Kind::Invalid(Invalid::Conflict);
    Failure::new(kind, "idempotency_conflict", message)
}

fn unknown(row: &Row) -> Failure {
    let message = format!(
        "nobody knows whether call {id} with this key has happened, so it is not repeated; \
         find out, then say so: crosspoint ledger settle {id}",
        id = row.id
    );
    Failure::new(Kind::Unknown, "outcome_unknown", message)
}

fn still_running(row: &Row) -> Failure {
    let message = format!(
        "call {} with this key is still running; ask again later",
        row.id
    );
    Failure::refused(Refusal::DeadlineExceeded, message).with_effect(Effect::Maybe)
}
