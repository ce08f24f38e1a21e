//! The row of a call: made before the connector is asked, ended before the caller is answered.

use std::sync::Arc;

use crosspoint_core::{
    Call, CallId, Effect, Failure, Ingress, Kind, Mask, Outcome, Refusal, Safety,
};
use futures_util::FutureExt;

use crate::catalogue::Entry;
use crate::layers::long::{self, Plan};
use crate::layers::recognise::{self, Known};
use crate::ledger::{
    About, Begun, Bodies, End, Ending, Flight, Key, Listed, NewRow, Reader, Recorded, Recorder,
    Repeat, State, StoreError, Wait, declared_secrets, ending, key, now, seal_call, seal_result,
    unavailable,
};
use crate::pipeline::Job;

/// The row of a call under way. Nothing where the call has none.
pub(crate) struct Recording(Option<Open>);

/// What is needed to end a row.
pub(crate) struct Open {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) id: String,
    /// Under which the caller was answered 202.
    pub(crate) asked: CallId,
    pub(crate) entry: Arc<Entry>,
    pub(crate) flight: Arc<Flight>,
    pub(crate) plan: Option<Plan>,
    pub(crate) repeat: Repeat,
    /// The call is repeated under its key, or delivered: its result is kept whole.
    pub(crate) kept: bool,
    /// The row was made for this attempt.
    pub(crate) new: bool,
    /// It is the one call of its process, which has the time to wait for its end.
    pub(crate) alone: bool,
    /// The caller keeps its request until the end is recorded.
    pub(crate) kept_outside: bool,
    pub(crate) secrets: Mask,
    pub(crate) _listed: Option<Listed>,
}

/// Goes on with the row of the call, or with the answer that there is for it already.
pub(crate) async fn layer(
    recorder: Option<Arc<Recorder>>,
    mut job: Box<Job>,
) -> Result<(Box<Job>, Recording), Box<Result<Outcome, Failure>>> {
    let Some(recorder) = recorder else {
        return match without(&job.call, &job.entry) {
            None => Ok((begun(job), Recording(None))),
            Some(failure) => Err(Box::new(job.trace.end(Err(failure)))),
        };
    };
    let key = key(&job.call, &job.entry.policy);
    let plan = long::plan(&recorder, &mut job);
    let must = key.is_some() || plan.is_some();
    let wait = wait(&recorder, job.entry.command.safety, must);
    loop {
        let id = job.call.id.to_string();
        let listed = must.then(|| recorder.flights.list(&id, &job.flight));
        let open = Open::new(&recorder, &job, id, plan.clone(), listed);
        let row = new_row(&open, &job, key.clone());
        match recorder.store.begin(row, wait).await {
            Ok(Begun::New) => return Ok((begun(job), Recording(Some(open)))),
            Ok(Begun::Known(row)) => {
                drop(open);
                let (known, state) = (row.id.parse().unwrap_or(job.call.id), row.state);
                match recognise::known(&recorder, &job, key.as_ref(), plan.as_ref(), *row).await {
                    Known::Free => {}
                    Known::Answered(result) => {
                        job.flight.note(known, state);
                        return Err(Box::new(job.trace.end(result)));
                    }
                    Known::Again(id, listed) => {
                        // Another attempt of the same call.
                        job.call.id = known;
                        job.flight.note(known, State::Running);
                        let mut open = Open::new(&recorder, &job, id, plan, Some(listed));
                        open.new = false;
                        return Ok((begun(job), Recording(Some(open))));
                    }
                }
            }
            Err(error) if must => {
                return Err(Box::new(job.trace.end(Err(unavailable(&error)))));
            }
            Err(error) => {
                recorder.unrecorded(&job.call, &error);
                return Ok((begun(job), Recording(None)));
            }
        }
    }
}

fn begun(job: Box<Job>) -> Box<Job> {
    job.flight.begin();
    job
}

/// Whether a call needs the ledger that is switched off.
fn without(call: &Call, entry: &Entry) -> Option<Failure> {
    let what = match (key(call, &entry.policy), call.polled) {
        (Some(_), _) => "an idempotency key",
        (None, true) => "a call whose result is asked for later",
        (None, false) => return None,
    };
    let message = format!(
        "{what} needs the ledger, which is switched off here (store.url = \"none\"); nothing was \
         done"
    );
    Some(Failure::refused(Refusal::LedgerOff, message))
}

/// Whether the row must be there before the connector is asked. A ledger that cannot be written
/// keeps nobody waiting who does not need it.
fn wait(recorder: &Recorder, safety: Safety, must: bool) -> Wait {
    let effectful = || safety == Safety::Effectful && recorder.store.health().problem.is_none();
    match must || effectful() {
        true => Wait::Committed,
        false => Wait::No,
    }
}

fn new_row(open: &Open, job: &Job, key: Option<Key>) -> NewRow {
    let call = &job.call;
    let origin = &call.origin;
    let promised = open.plan.as_ref().filter(|plan| plan.after.is_zero());
    NewRow {
        id: open.id.clone(),
        key,
        about: About {
            ingress: origin.ingress.name().to_owned(),
            caller: origin.caller.as_deref().map(str::to_owned),
            instance: origin.instance.clone(),
            model: origin.model.clone(),
            task: origin.task.clone(),
            request_id: call.request_id.to_string(),
            connector: call.command.connector.to_string(),
            command: call.command.command.to_string(),
            created: created(call),
            arguments: open.reader().arguments(&call.arguments),
            argument_bytes: size(call),
            callback: promised.and_then(|plan| plan.callback.clone()),
            profile: job.profile.recorded(),
            uses: job.profile.uses(),
        },
        state: match promised {
            Some(_) => State::Accepted,
            None => State::Running,
        },
        replay: open.kept.then(|| seal_call(call)),
    }
}

/// When the call came in. Usually the time of its id, by which the row is found; ids go on where a
/// clock was set back, and times do not.
fn created(call: &Call) -> i64 {
    let (by_id, by_clock) = (call.id.milliseconds(), now());
    match (by_clock - by_id).abs() < 1000 {
        true => by_id,
        false => by_clock,
    }
}

fn size(call: &Call) -> u64 {
    let sizes = call.arguments.iter();
    let sizes = sizes.map(|(name, json)| name.len() + json.as_bytes().len());
    sizes.sum::<usize>() as u64
}

// === impl Open ===

impl Open {
    fn new(
        recorder: &Arc<Recorder>,
        job: &Job,
        id: String,
        plan: Option<Plan>,
        listed: Option<Listed>,
    ) -> Open {
        let (entry, call) = (&job.entry, &job.call);
        Open {
            kept: listed.is_some(),
            _listed: listed,
            recorder: recorder.clone(),
            id,
            asked: job.asked,
            entry: entry.clone(),
            flight: job.flight.clone(),
            plan,
            repeat: Repeat::of(call, &entry.command),
            new: true,
            alone: call.origin.ingress == Ingress::Cli,
            kept_outside: call.kept_outside,
            secrets: match entry.policy.bodies {
                Bodies::None => Mask::default(),
                _ => declared_secrets(&entry.command, &call.arguments),
            },
        }
    }

    /// Of a row that is there already.
    pub(crate) fn resumed(recorder: &Arc<Recorder>, job: &Job, row: &str) -> Open {
        let listed = recorder.flights.list(row, &job.flight);
        Open::new(recorder, job, row.to_owned(), None, Some(listed))
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            bodies: self.entry.policy.bodies,
            command: &self.entry.command,
            masks: [
                &self.entry.mask,
                self.flight.secrets().unwrap_or(&self.secrets),
            ],
        }
    }

    /// Ends the row and waits for the commit. One that was taken over meanwhile, because this process
    /// was not heard of for too long, is settled where it has become unknown: it is known here.
    async fn end_aloud(&self, end: End, wait: Wait) {
        let store = &self.recorder.store;
        let id = &self.id;
        match store.end(end.clone(), wait).await {
            Ok(()) => {}
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::warn!(id, %error, "The end of this call waits to be recorded.");
            }
            Err(error @ StoreError::TakenOver(_)) => match store.settle(end).await {
                Ok(true) => tracing::info!(id, "This call was taken for lost, and has ended."),
                Ok(false) => {
                    tracing::warn!(id, %error, "The end of this call is not recorded: the other's counts.");
                }
                Err(_) => tracing::error!(id, %error, "The end of this call is not recorded."),
            },
            Err(error) => tracing::error!(id, %error, "The end of this call is not recorded."),
        }
    }

    /// Ends the row in a task of its own. Duplicates that wait have the result after that.
    fn end_behind(self, end: End, result: Result<Outcome, Failure>) {
        let recorded = Recorded::default();
        let promise = recorded.promise();
        self.flight.ahead(recorded);
        tokio::spawn(async move {
            self.end_aloud(end, Wait::Shared).await;
            self.flight.land(&result);
            drop(promise);
        });
    }

    fn outcome(result: &Result<Outcome, Failure>) -> Option<&Outcome> {
        match result {
            Ok(outcome) => Some(outcome),
            Err(failure) => failure.outcome.as_deref(),
        }
    }
}

// === impl Recording ===

impl Recording {
    pub(crate) fn of(open: Open) -> Recording {
        Recording(Some(open))
    }

    pub(crate) fn open(&self) -> Option<&Open> {
        self.0.as_ref()
    }

    /// Whether the row was made for this attempt.
    pub(crate) fn is_new(&self) -> bool {
        self.0.as_ref().is_some_and(|open| open.new)
    }

    /// Leaves the row as it is, for the next process to recover.
    pub(crate) fn leave(mut self) {
        self.0 = None;
    }

    /// Ends the row and hands the result on. A result that is repeated or delivered waits for the
    /// commit: whoever got an answer may rely on getting it again.
    pub(crate) async fn end(
        mut self,
        result: Result<Outcome, Failure>,
    ) -> Result<Outcome, Failure> {
        let Some(open) = self.0.take() else {
            return result;
        };
        let (state, mut ending) = ending(&result, open.repeat);
        ending.summary = Open::outcome(&result).and_then(|outcome| open.reader().outcome(outcome));
        let promised = open.flight.is_promised();
        let state = match state {
            State::Succeeded | State::Failed if promised => State::Finished,
            state => state,
        };
        if state == State::Unknown {
            open.recorder.metrics.unknown.inc();
        }
        let kept = open.kept || promised;
        let end = End {
            id: open.id.clone(),
            state,
            ending,
            result: kept.then(|| seal_result(&result)),
        };
        if promised {
            open.recorder.left(open.asked).await;
        }
        if kept && open.kept_outside && !promised {
            open.end_behind(end, result.clone());
            return result;
        }
        match kept || open.alone {
            true => open.end_aloud(end, Wait::Committed).await,
            // What goes wrong is counted by the store.
            false => drop(open.recorder.store.end(end, Wait::No).await),
        }
        if state == State::Finished {
            open.recorder.finished.notify_one();
        }
        open.flight.land(&result);
        result
    }
}

/// A call that was dropped on its way: nobody waits for a read any more, the process ends, or
/// something here broke.
impl Drop for Recording {
    fn drop(&mut self) {
        let Some(open) = self.0.take() else {
            return;
        };
        let reads = open.repeat.safety == Safety::ReadOnly;
        // The next process recovers what this one leaves.
        if (open.recorder.stopping.is_cancelled() && !reads) || open.flight.is_owed() {
            return;
        }
        let failure = Failure::new(
            Kind::Crashed,
            if reads { "abandoned" } else { "interrupted" },
            "the call was dropped before it ended",
        )
        .with_effect(if reads { Effect::None } else { Effect::Maybe });
        let (state, ending) = ending(&Err(failure), open.repeat);
        let end = End {
            id: open.id.clone(),
            state,
            ending: Ending {
                status: None,
                ..ending
            },
            result: None,
        };
        // Without waiting it is done at once.
        let _ = open.recorder.store.end(end, Wait::No).now_or_never();
    }
}
