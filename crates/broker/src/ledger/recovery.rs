//! What becomes of calls whose process has ended, and of those that somebody wants to run again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crosspoint_core::{Call, Effect, Failure, Kind, Outcome, Safety};
use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::settle::may_run_again;
use super::{
    End, Ending, NotRun, Recorder, Repeat, Row, State, StoreError, Version, Wait, ending, now,
    open_call, seal_result,
};
use crate::catalogue::Entry;
use crate::inner::Inner;
use crate::layers::account;
use crate::layers::long::{begin_and_finish, finish};
use crate::layers::record::{Open, Recording};
use crate::layers::trace::Record;
use crate::pipeline::Job;
use crate::profiles::Choice;

/// How many rows are taken over at a time.
const STEP: u32 = 500;

/// How many calls run again at once.
const TOGETHER: usize = 64;

/// How long a call may take that runs again, when no policy says so.
const LIMIT: Duration = Duration::from_secs(3600);

/// How often is looked for processes that have ended, where there may be several, at the least; and the
/// pause after a ledger did not answer.
const LOOK: Duration = Duration::from_secs(5);

/// The pause before a ledger that does not answer is asked again about a call that was taken over.
const PAUSE: Duration = Duration::from_millis(500);

/// What becomes of a call that was taken over.
enum Fate {
    /// It runs: for the first time, or once more.
    Runs(Box<Call>),
    /// It ends so.
    Ends(State, Failure),
}

/// Takes over the calls of processes that have ended: once, or again and again where several
/// processes share the ledger. Every connector must have loaded, since what becomes of a call
/// depends on its command.
pub(crate) async fn run(inner: Arc<Inner>, recorder: Arc<Recorder>) {
    let slots = Arc::new(Semaphore::new(TOGETHER));
    let look = recorder.store.lease().map_or(LOOK, |l| (l / 3).min(LOOK));
    loop {
        let recovered = tokio::select! {
            () = recorder.stopping.cancelled() => return,
            recovered = recover(&inner, &recorder, &slots) => recovered,
        };
        let failed = recovered.is_err();
        match recovered {
            Ok(0) => {}
            Ok(calls) => tracing::info!(calls, "Took over calls of a process that has ended."),
            Err(error) => tracing::warn!(%error, "Taking over calls failed; it is tried again."),
        }
        if !failed && !recorder.store.is_shared() {
            return;
        }
        tokio::select! {
            () = recorder.stopping.cancelled() => return,
            () = sleep(look) => {}
        }
    }
}

async fn recover(
    inner: &Arc<Inner>,
    recorder: &Arc<Recorder>,
    slots: &Arc<Semaphore>,
) -> Result<usize, StoreError> {
    let mut count = 0;
    loop {
        let rows = recorder.store.recover(STEP).await?;
        if rows.is_empty() {
            return Ok(count);
        }
        count += rows.len();
        let one = |row| recover_one(inner, recorder, slots, row);
        join_all(rows.into_iter().map(one)).await;
    }
}

async fn recover_one(
    inner: &Arc<Inner>,
    recorder: &Arc<Recorder>,
    slots: &Arc<Semaphore>,
    row: Row,
) {
    let call = match patiently(recorder, || kept(recorder, &row)).await {
        Ok(call) => Some(call),
        // The process ends before anything is known: the next one takes the row.
        Err(NotRun::Store(StoreError::Unavailable(_))) => return,
        Err(NotRun::NotKept(_)) => None,
        Err(error) => {
            tracing::error!(id = row.id, %error, "A call cannot run again.");
            None
        }
    };
    match fate(inner, &row, call) {
        Fate::Ends(state, failure) => end(recorder, &row, state, failure).await,
        Fate::Runs(call) => {
            let Ok(slot) = slots.clone().acquire_owned().await else {
                return;
            };
            if let Err(error) = resume(inner, recorder, &row, *call, slot).await {
                tracing::error!(id = row.id, %error, "A call cannot run again.");
            }
        }
    }
}

/// An accepted call was never begun, so that it runs now. Of those that were running, an idempotent
/// one runs again where somebody is to have the result; nobody knows how the others ended.
fn fate(inner: &Inner, row: &Row, call: Option<Call>) -> Fate {
    let polled = call.as_ref().is_some_and(|call| call.polled);
    let wanted = row.key.is_some() || row.about.callback.is_some() || polled;
    let begun = row.state == State::Running;
    let id = format!("{}/{}", row.about.connector, row.about.command);
    let entry = id.parse().ok();
    let entry = entry.and_then(|id| inner.catalogue().find(&id).ok());
    let repeat = match (&entry, &call) {
        (Some(entry), Some(call)) => Some(Repeat::of(call, &entry.command)),
        (Some(entry), None) => Some(Repeat {
            safety: entry.command.safety,
            key_honoured: false,
        }),
        (None, _) => None,
    };
    let harmless = !begun || repeat.is_some_and(Repeat::harmless);
    match call {
        Some(call) if entry.is_some() && harmless && wanted => Fate::Runs(Box::new(call)),
        _ => interrupted(row, repeat.map(|repeat| repeat.safety), harmless),
    }
}

fn interrupted(row: &Row, safety: Option<Safety>, harmless: bool) -> Fate {
    let failure =
        |kind, code, message: &str, effect| Failure::new(kind, code, message).with_effect(effect);
    let promised = row.about.callback.is_some();
    let message = match row.state {
        State::Running => "the process that ran this call ended before its result was recorded",
        _ => {
            "the process that accepted this call ended before it began, and it cannot begin here: its \
             command is gone, or what was kept of it cannot be read"
        }
    };
    if !harmless {
        let failure = failure(Kind::Unknown, "outcome_unknown", message, Effect::Maybe);
        return Fate::Ends(State::Unknown, failure);
    }
    let effect = match safety {
        _ if row.state != State::Running => Effect::None,
        Some(Safety::ReadOnly) => Effect::None,
        _ => Effect::Maybe,
    };
    let state = if promised {
        State::Finished
    } else {
        State::Failed
    };
    Fate::Ends(
        state,
        failure(Kind::Crashed, "interrupted", message, effect),
    )
}

async fn end(recorder: &Recorder, row: &Row, state: State, failure: Failure) {
    let repeat = Repeat {
        safety: Safety::Idempotent,
        key_honoured: false,
    };
    let result: Result<Outcome, Failure> = Err(failure);
    let (_, ending) = ending(&result, repeat);
    let end = End {
        id: row.id.clone(),
        state,
        ending: Ending {
            status: None,
            ..ending
        },
        result: (state == State::Finished).then(|| seal_result(&result)),
    };
    if state == State::Unknown {
        recorder.metrics.unknown.inc();
    }
    if let Err(error) = recorder.store.end(end, Wait::Committed).await {
        tracing::error!(id = row.id, %error, "A call that was taken over cannot be ended.");
    }
    recorder.finished.notify_one();
}

async fn kept(recorder: &Recorder, row: &Row) -> Result<Call, NotRun> {
    if !row.kept.replay {
        return Err(NotRun::NotKept(row.id.clone()));
    }
    let sealed = recorder.store.replay(&row.id).await?;
    let sealed = sealed.ok_or_else(|| NotRun::NotKept(row.id.clone()))?;
    Ok(open_call(&row.id, &sealed)?)
}

/// Runs a call that was taken over, in a task of its own.
async fn resume(
    inner: &Arc<Inner>,
    recorder: &Arc<Recorder>,
    row: &Row,
    call: Call,
    slot: OwnedSemaphorePermit,
) -> Result<(), NotRun> {
    let (job, recording) = prepared(inner, recorder, row, call)?;
    let span = job.trace.span.clone();
    let recorder = recorder.clone();
    if row.state == State::Running {
        if let Err(error) = once_more(&recorder, row).await {
            recording.leave();
            return Err(error);
        }
        let running = finish(job, recording);
        tokio::spawn(async move { drop((running.await, slot)) }.instrument(span));
    } else {
        let running = async move {
            begin_and_finish(&recorder, job, recording).await;
            drop(slot);
        };
        tokio::spawn(running.instrument(span));
    }
    Ok(())
}

/// Runs a call of the ledger again and waits for its end.
pub(crate) async fn run_again(
    inner: &Arc<Inner>,
    recorder: &Arc<Recorder>,
    id: &str,
) -> Result<Result<Outcome, Failure>, NotRun> {
    let row = recorder.store.find(id).await?;
    let row = row.ok_or_else(|| StoreError::NotFound(id.to_owned()))?;
    may_run_again(&row)?;
    let call = kept(recorder, &row).await?;
    let (job, recording) = prepared(inner, recorder, &row, call)?;
    if let Err(error) = again(recorder, &row).await {
        recording.leave();
        return Err(error);
    }
    let span = job.trace.span.clone();
    // In a task of its own: whoever asked may go away.
    let running = tokio::spawn(finish(job, recording).instrument(span));
    let broken = |_| NotRun::Refused("the call broke down; the log has more".to_owned());
    running.await.map_err(broken)
}

async fn again(recorder: &Recorder, row: &Row) -> Result<(), NotRun> {
    let version = Version {
        state: row.state,
        attempts: row.attempts,
    };
    match recorder.store.again(&row.id, version, now()).await? {
        true => Ok(()),
        false => Err(NotRun::Changed(row.id.clone())),
    }
}

/// [`again`], for a row that nobody else has. An answer that was lost on the way is no reason to leave
/// it to nobody.
async fn once_more(recorder: &Recorder, row: &Row) -> Result<(), NotRun> {
    let asked = AtomicUsize::new(0);
    let again = || {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            match again(recorder, row).await {
                Err(NotRun::Changed(_)) if !first => Ok(()),
                result => result,
            }
        }
    };
    patiently(recorder, again).await
}

/// Asks a ledger again that does not answer, until the process stops.
async fn patiently<T, F>(recorder: &Recorder, ask: impl Fn() -> F) -> Result<T, NotRun>
where
    F: Future<Output = Result<T, NotRun>>,
{
    loop {
        match ask().await {
            Err(NotRun::Store(StoreError::Unavailable(_))) if !recorder.stopping.is_cancelled() => {
                sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}

fn prepared(
    inner: &Inner,
    recorder: &Arc<Recorder>,
    row: &Row,
    mut call: Call,
) -> Result<(Box<Job>, Recording), NotRun> {
    let (entry, counted) = inner
        .enter(&call)
        .map_err(|failure| NotRun::Refused(failure.message))?;
    let trace = Record::begin(entry.clone(), &mut call);
    let due = Instant::now() + limit(&entry);
    // One that cannot be used any more is how the call ends.
    let refused = |failure| Choice::Refused(Box::new(failure));
    let profile = account::choose(&entry, &call).unwrap_or_else(refused);
    let job = Box::new(Job::new(entry, call, profile, trace, due, counted));
    job.flight.begin();
    if job.call.polled {
        job.flight.poll();
    }
    if row.about.callback.is_some() && row.state != State::Delivered {
        job.flight.promise();
    }
    let open = Open::resumed(recorder, &job, &row.id);
    Ok((job, Recording::of(open)))
}

fn limit(entry: &Entry) -> Duration {
    entry.policy.deadline.unwrap_or(LIMIT)
}
