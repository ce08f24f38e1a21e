//! The path of a call: the one list of layers, outermost first.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Call, CallId, Failure, Mask, Outcome, Refusal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::catalogue::Entry;
use crate::layers::hand_over::Held;
use crate::layers::{
    account, attempt, breaker, deadline, long, places, rate, record, retry, trace::Record,
};
use crate::ledger::{Flight, Recorder};
use crate::profiles::Choice;

/// A call on its way through the layers.
pub(crate) struct Job {
    pub(crate) entry: Arc<Entry>,
    pub(crate) call: Call,
    /// With which profile it runs.
    pub(crate) profile: Choice,
    /// The id under which the caller knows the call; that of its row may be an earlier one.
    pub(crate) asked: CallId,
    pub(crate) trace: Record,
    pub(crate) flight: Arc<Flight>,
    pub(crate) cancelled: CancellationToken,
    /// When the caller must have an answer.
    pub(crate) due: Instant,
    /// When the call must have ended. Later than `due` for a call that is answered by callback.
    pub(crate) deadline: Instant,
    /// Tells those who wait for the mount's last call that it has ended.
    pub(crate) _counted: TaskTrackerToken,
}

/// What the layers behind the ledger work on: a call that has begun.
pub(crate) struct Work {
    pub(crate) entry: Arc<Entry>,
    pub(crate) asked: Asked,
    pub(crate) trace: Record,
    /// When the call must have ended.
    pub(crate) deadline: Instant,
    /// Whether the last try came as far as an attempt.
    pub(crate) attempted: bool,
}

/// What the connector gets. The last try takes it.
pub(crate) struct Asked {
    pub(crate) call: Option<Call>,
    pub(crate) cancelled: Option<CancellationToken>,
    pub(crate) profile: Choice,
    /// What the connector of the last attempt found to be secrets, where people may read the result.
    pub(crate) secrets: Option<Mask>,
}

/// Sends a call through the layers.
///
/// The order is a promise. Checking comes before anything is written or handed over, so that a
/// wrong call costs nothing and is answered with its mistakes even while the process drains. The
/// row comes before the connector is asked, so that no effect is without one. What is promised to a
/// callback is a row before it is a 202. What comes behind the ledger is in [`begun`].
pub(crate) fn run(
    stopping: &CancellationToken,
    recorder: Option<&Arc<Recorder>>,
    (entry, counted): (Arc<Entry>, TaskTrackerToken),
    mut call: Call,
    limit: Duration,
) -> Held {
    // Counted, measured, and one line in the log when it ends, however it ends.
    let trace = Record::begin(entry.clone(), &mut call);
    // With which profile, and then all mistakes of the arguments at once, before anything outside is
    // touched.
    let profile =
        match account::choose(&entry, &call).and_then(|p| account::check(&entry, &mut call, p)) {
            Ok(profile) => profile,
            Err(failure) => return Held::ended(trace.end(Err(failure))),
        };
    if stopping.is_cancelled() {
        let message = "crosspoint is shutting down and takes no new calls";
        let failure = Failure::refused(Refusal::ShuttingDown, message);
        return Held::ended(trace.end(Err(failure)));
    }
    let due = Instant::now() + entry.policy.deadline.unwrap_or(limit);
    // From here the call is the broker's own; whoever asked waits for it.
    Held::new(
        Box::new(Job::new(entry, call, profile, trace, due, counted)),
        |job| layers(recorder.cloned(), job),
    )
}

/// Boxed, since each layer's future would hold the job once more.
async fn layers(recorder: Option<Arc<Recorder>>, job: Box<Job>) -> Result<Outcome, Failure> {
    // A row in the ledger; a call that is known by its key is answered from there.
    let (job, recording) = match record::layer(recorder, job).await {
        Ok(recorded) => recorded,
        Err(answer) => return *answer,
    };
    // Answered by callback where it takes too long. Inside: the call itself, and the end of its row.
    long::layer(job, recording).await
}

/// Goes on with a call that has begun.
///
/// The order is a promise here, too. Whatever a call waits for counts against its total deadline,
/// and the pause before a retry holds no place. A retry is a call like any other to each limit.
/// What a limit refuses has not asked the system, so that the breaker, which comes last, learns of
/// attempts alone.
pub(crate) async fn begun(work: &mut Work) -> Result<Outcome, Failure> {
    // The total deadline: a moment that each layer from here on keeps. Nothing begins after it.
    // Tried again, where the failure may pass and the policy says so.
    retry::layer(work).await
}

/// One try of it. `more`: there may be another.
pub(crate) async fn once(work: &mut Work, more: bool) -> Result<Outcome, Failure> {
    work.attempted = false;
    // No try begins after the total deadline.
    deadline::layer(work.deadline, &work.entry)?;
    let limits = &work.entry.limits;
    // So many calls in a time. Each try takes a token of its own.
    rate::layer(limits.rate.as_deref())?;
    // So many at once; others wait for a place, in a queue that may be full.
    let _place = places::layer(limits.places.as_deref(), work.deadline).await?;
    // A system that fails again and again is left alone for a while.
    let watched = breaker::layer(limits.breaker.as_deref())?;
    work.attempted = true;
    // One attempt: its own time, the profile with its secrets, the connector, and the mask.
    let tried = attempt::layer(&work.entry, &mut work.asked, work.deadline, more).await;
    if tried.asked {
        watched.judge(&tried.result);
    }
    tried.result
}

// === impl Job ===

impl Job {
    pub(crate) fn new(
        entry: Arc<Entry>,
        call: Call,
        profile: Choice,
        trace: Record,
        due: Instant,
        counted: TaskTrackerToken,
    ) -> Job {
        Job {
            flight: Arc::new(Flight::new(entry.command.safety)),
            entry,
            asked: call.id,
            call,
            profile,
            trace,
            cancelled: CancellationToken::new(),
            due,
            deadline: due,
            _counted: counted,
        }
    }

    /// What is left of it once its row is there.
    pub(crate) fn begun(self: Box<Job>) -> (Work, Arc<Flight>, TaskTrackerToken) {
        let work = Work {
            entry: self.entry,
            asked: Asked {
                call: Some(self.call),
                cancelled: Some(self.cancelled),
                profile: self.profile,
                secrets: None,
            },
            trace: self.trace,
            deadline: self.deadline,
            attempted: false,
        };
        (work, self.flight, self._counted)
    }
}

#[cfg(test)]
#[path = "pipeline_tests/mod.rs"]
mod tests;
