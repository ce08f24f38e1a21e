//! Takes results that are due, and delivers them.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Failure, Ingress, Outcome, Span, Trace};
use crosspoint_net::{NetError, Request, Response};
use http::Method;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::judge::{Verdict, judge};
use super::{Engine, carry, is_carried, origin_of};
use crate::ledger::{Due, Recorder, Row, StoreError, now, open_call, open_result};
use crate::spans;

/// How often is looked for results that are due though nothing has happened here.
const LOOK: Duration = Duration::from_secs(1);

/// How many results are under way at once.
const TOGETHER: usize = 32;

/// For how long a result is taken: longer than an attempt may last.
const LEASE: Duration = Duration::from_secs(60);

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(20);

/// The pause before the first attempt. The engine must have read the 202 and noted that the task
/// waits; a result that comes earlier can put the process into error.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The pauses after attempts that failed: doubled each time.
const BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(300);

/// The longest of them where an ingress carries: its connection is there already.
const LONGEST_BACK_OFF_CARRIED: Duration = Duration::from_secs(30);

/// How long a result is tried whose engine is not configured any more, or that an ingress carries.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// More than an engine says to a result.
const LONGEST_ANSWER: usize = 1 << 20;

/// Delivers until the process stops.
pub(crate) async fn run(recorder: Arc<Recorder>) {
    let slots = Arc::new(Semaphore::new(TOGETHER));
    loop {
        tokio::select! {
            () = recorder.stopping.cancelled() => return,
            _ = timeout(LOOK, recorder.finished.notified()) => {}
        }
        loop {
            let taken = Instant::now();
            // The store says aloud by itself when it cannot be reached.
            let due = recorder.store.due(LEASE, free(&slots)).await;
            let due = due.unwrap_or_default();
            if due.is_empty() {
                break;
            }
            for due in due {
                let Ok(slot) = slots.clone().acquire_owned().await else {
                    return;
                };
                let recorder = recorder.clone();
                let task = recorder.clone();
                task.deliveries.spawn(async move {
                    deliver(&recorder, due, taken).await;
                    drop(slot);
                    // Others may wait for the slot.
                    recorder.finished.notify_one();
                });
            }
        }
    }
}

fn free(slots: &Semaphore) -> u32 {
    u32::try_from(slots.available_permits()).unwrap_or(u32::MAX)
}

/// Delivers a result that was taken at `taken`.
async fn deliver(recorder: &Recorder, due: Due, taken: Instant) {
    let Due { row, result } = due;
    let result = match result {
        Ok(Some(sealed)) => open_result(&sealed).map_err(|error| error.to_string()),
        Ok(None) => Err("its result was not kept".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let verdict = match (result, &row.about.callback) {
        (Err(why), _) => Verdict::GivenUp(why),
        (_, None) => Verdict::GivenUp("it has no callback".to_owned()),
        (Ok(result), Some(callback)) => {
            if row.delivery.attempts == 0 && !is_carried(callback) {
                sleep(FIRST_PAUSE).await;
            }
            if has_lost(recorder, taken, LEASE - ATTEMPT) {
                tracing::warn!(id = row.id, "A delivery is left to whoever takes it next.");
                return;
            }
            attempt(recorder, &row, callback, result).await
        }
    };
    let verdict = match verdict {
        Verdict::Later(why) if is_over(&row, patience(recorder, &row)) => Verdict::GivenUp(why),
        Verdict::Away(why) if is_over(&row, PATIENCE) => Verdict::GivenUp(why),
        verdict => verdict,
    };
    if let (Verdict::GivenUp(_), Some(carrier)) = (&verdict, recorder.carrier.get()) {
        carrier.given_up(&row.id);
    }
    if verdict != Verdict::Delivered && has_lost(recorder, taken, LEASE) {
        tracing::warn!(id = row.id, "A delivery is left to whoever takes it next.");
        return;
    }
    tell(&row, &verdict);
    recorder.metrics.delivery(&verdict);
    // The ledger may be away for a moment; when it stays away, the result is delivered once more,
    // and the engine says that it has it.
    for attempt in 0..5 {
        match note(recorder, &row, &verdict).await {
            Err(StoreError::Unavailable(_)) => sleep(BACK_OFF).await,
            // It was written although nobody heard of it.
            Err(StoreError::NotAllowed { .. }) if attempt > 0 => return,
            Err(error @ (StoreError::TakenOver(_) | StoreError::NotAllowed { .. })) => {
                tracing::warn!(id = row.id, %error, "Another process has delivered this result.");
                return;
            }
            Err(error) => {
                tracing::error!(id = row.id, %error, "A delivery is not recorded.");
                return;
            }
            Ok(()) => return,
        }
    }
}

/// Whether somebody else may have taken what was taken here for so long: this process was stopped in
/// between, or could not tell others that it is alive.
fn has_lost(recorder: &Recorder, taken: Instant, lease: Duration) -> bool {
    taken.elapsed() > lease || !recorder.store.alive_since(taken)
}

async fn attempt(
    recorder: &Recorder,
    row: &Row,
    callback: &str,
    result: Result<Outcome, Failure>,
) -> Verdict {
    if is_carried(callback) {
        return carry::hand_over(recorder, row, result).await;
    }
    let callbacks = recorder.callbacks.load_full();
    let Some(engine) = engine(&callbacks, row, callback) else {
        let why = "no engine of this origin is configured any more (spiff.engine_url, \
                   api.callback_origins)";
        return Verdict::Later(why.to_owned());
    };
    let failed = result.is_err();
    let trace = trace_of(recorder, row).await;
    let mut span = spans::delivery(&recorder.tracing, row, trace.as_ref());
    let answer = put(engine, row, callback, result, &span).await;
    let verdict = judge(&answer, engine.once, failed, &row.delivery);
    spans::delivered(&mut span, &answer, &verdict);
    verdict
}

/// The span of the call, which is kept with what is needed to run it again. Not read where nobody
/// is told.
async fn trace_of(recorder: &Recorder, row: &Row) -> Option<Trace> {
    if !recorder.tracing.is_on() {
        return None;
    }
    let sealed = recorder.store.replay(&row.id).await.ok()??;
    open_call(&row.id, &sealed).ok()?.trace
}

fn engine<'c>(callbacks: &'c super::Callbacks, row: &Row, callback: &str) -> Option<&'c Engine> {
    let ingress = Ingress::named(&row.about.ingress)?;
    callbacks.engine(ingress, callback)
}

async fn put(
    engine: &Engine,
    row: &Row,
    callback: &str,
    result: Result<Outcome, Failure>,
    span: &Span,
) -> Result<Response, NetError> {
    let mut request = Request::new(Method::PUT, callback, Instant::now() + ATTEMPT);
    request.follow = false;
    request.trace = span.trace().cloned();
    request.max_answer = LONGEST_ANSWER;
    request.set_header("content-type", "application/json")?;
    if let Some(token) = &engine.token {
        request.set_header("authorization", &format!("Bearer {}", token.expose()))?;
    }
    request.body = Some((engine.write)(row, result));
    engine.http.send(request).await
}

/// Whether the time is over in which a delivery is tried: by the clock, and by the pauses that were
/// made. A clock that jumps does not give a result up, nor does a process that was not there.
fn is_over(row: &Row, patience: Duration) -> bool {
    let ended = row.ending.as_ref().map_or(0, |ending| ending.ended);
    let attempts = 0..=row.delivery.attempts;
    let paused: Duration = attempts.map(|n| back_off(n, longest(row), 0)).sum();
    let patience_ms = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
    now().saturating_sub(ended) > patience_ms && paused > patience
}

/// How long a delivery is tried that its engine does not take.
fn patience(recorder: &Recorder, row: &Row) -> Duration {
    let callback = row.about.callback.as_deref().unwrap_or_default();
    if is_carried(callback) {
        // Of messages that are ready the carrier knows.
        let carrier = recorder.carrier.get().filter(|_| !row.kept.replay);
        return carrier.map_or(PATIENCE, |carrier| carrier.patience());
    }
    let callbacks = recorder.callbacks.load_full();
    engine(&callbacks, row, callback).map_or(PATIENCE, |engine| engine.patience)
}

async fn note(recorder: &Recorder, row: &Row, verdict: &Verdict) -> Result<(), StoreError> {
    let store = &recorder.store;
    match verdict {
        Verdict::Delivered => store.delivered(&row.id).await,
        Verdict::GivenUp(why) => store.undeliverable(&row.id, why).await,
        Verdict::Later(why) | Verdict::Away(why) => {
            let pause = back_off(
                row.delivery.attempts,
                longest(row),
                RandomState::new().build_hasher().finish(),
            );
            store.delivery_failed(&row.id, pause, why).await
        }
    }
}

/// The pause after so many attempts before this one; between three quarters and five quarters of
/// the round number, so that what failed together does not come back together.
fn back_off(attempts: u32, longest: Duration, random: u64) -> Duration {
    let doubled = BACK_OFF.saturating_mul(1 << attempts.min(16));
    let pause = doubled.min(longest);
    pause * 3 / 4 + pause.mul_f64((random % 1024) as f64 / 2048.0)
}

fn longest(row: &Row) -> Duration {
    match row.about.callback.as_deref().is_some_and(is_carried) {
        true => LONGEST_BACK_OFF_CARRIED,
        false => LONGEST_BACK_OFF,
    }
}

fn tell(row: &Row, verdict: &Verdict) {
    let (id, attempt) = (&row.id, row.delivery.attempts + 1);
    let callback = origin_of(row.about.callback.as_deref().unwrap_or_default());
    match verdict {
        Verdict::Delivered => tracing::info!(id, attempt, callback, "Result delivered."),
        Verdict::Later(reason) | Verdict::Away(reason) => {
            tracing::warn!(
                id,
                attempt,
                callback,
                reason,
                "Delivering a result failed; it is tried again."
            );
        }
        Verdict::GivenUp(reason) => tracing::error!(
            id,
            attempt,
            callback,
            reason,
            "A result cannot be delivered; `crosspoint ledger replay` tries it once more."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_five_minutes_and_are_never_the_same() {
        let back_off = |attempts, random| back_off(attempts, LONGEST_BACK_OFF, random);
        assert_eq!(back_off(0, 0), Duration::from_millis(750));
        assert!(back_off(0, 1023) < Duration::from_millis(1250));
        assert_eq!(back_off(3, 512), Duration::from_secs(8));
        assert!(back_off(60, 1023) < Duration::from_secs(375));
    }
}
