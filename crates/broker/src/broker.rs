//! The broker: what ingresses call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use crosspoint_core::{
    Call, CallId, Completion, Effect, Failure, Ingress, Mask, Outcome, Safety, Tracing,
};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::callbacks::{self, Callbacks, Carry};
use crate::catalogue::{Catalogue, Clash, Entry};
use crate::connectors::{self, ConnectorState, Gauges};
use crate::inventory::{self, Offered};
use crate::layers::hand_over::Held;
use crate::ledger::{NotRun, Pruned, Recorder, Repeat, Retention, State, Store, ending, recovery};
use crate::limiters::Limiters;
use crate::metrics::Metrics;
use crate::mounts::{Member, Registration};
use crate::pipeline;
use crate::policy::Policies;
use crate::spans;

/// How often old rows are removed from the ledger.
const PRUNING: Duration = Duration::from_secs(600);

/// What a broker is made of beside its mounts.
#[derive(Debug, Default)]
pub struct Settings {
    /// The secrets of the configuration.
    pub mask: Mask,
    /// Policies by the connector's published name.
    pub policies: HashMap<String, Policies>,
    /// Where results of long calls may go.
    pub callbacks: Callbacks,
    /// Where spans are told to. Counts from the start; a reload does not change it.
    pub tracing: Tracing,
}

/// Finds commands and runs calls. Cheap to clone; all clones are one broker.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

pub(crate) struct Inner {
    stopping: CancellationToken,
    metrics: Metrics,
    tracing: Tracing,
    /// None: no call is recorded.
    recorder: Option<Arc<Recorder>>,
    catalogue: ArcSwap<Catalogue>,
    limiters: Arc<ArcSwap<Limiters>>,
    mounting: Mutex<Mounting>,
    /// Mounts that were replaced, until their last call has ended and they are closed.
    retiring: TaskTracker,
}

/// What is mounted, and the settings that count for it.
struct Mounting {
    settings: Settings,
    members: Vec<Member>,
    /// Connectors that are left out since another has their name.
    clashes: Vec<String>,
    /// Policies of commands that are not there.
    misplaced: Vec<String>,
    /// Whether every mount had settled when the catalogue was built.
    settled: bool,
}

/// Whether everything that is configured has been tried, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Every mount has finished its first attempt, and the process is not draining.
    pub ready: bool,
    /// What is not there and why, for people.
    pub problems: Vec<String>,
    /// What is configured for commands that are not there, for people. All else works.
    pub misplaced: Vec<String>,
}

/// What became of a call.
#[derive(Debug)]
pub struct Ended {
    /// The call: that of the request, or an earlier one with the same key.
    pub id: CallId,
    /// Where it is. Of a call without a row, where it would be.
    pub state: State,
    /// What it brought back. One whose result follows is a [`Completion::Accepted`].
    pub result: Result<Outcome, Failure>,
}

/// Why a broker keeps the mounts that it has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReplaced {
    /// Two of the new connectors want one name.
    #[error(transparent)]
    Clash(#[from] Clash),
    /// A new mount could not load anything that it is made of.
    #[error("{}", .0.join("\n"))]
    Problems(Vec<String>),
}

// === impl Broker ===

impl Broker {
    /// Puts the mounts together and follows their changes. Calls are recorded in `ledger`, if there
    /// is one. Must be called within a tokio runtime.
    pub fn new(
        settings: Settings,
        mounts: Vec<Registration>,
        ledger: Option<Arc<dyn Store>>,
    ) -> Result<Broker, Clash> {
        let mut metrics = Metrics::new();
        let stopping = CancellationToken::new();
        let recorder = ledger.map(|store| {
            let (callbacks, measured) = (settings.callbacks.clone(), metrics.ledger());
            let tracing = settings.tracing.clone();
            let stopping = stopping.clone();
            Arc::new(Recorder::new(store, callbacks, measured, tracing, stopping))
        });
        let members: Vec<_> = mounts.into_iter().map(Member::new).collect();
        let limiters = Limiters::new(&settings.policies, &Limiters::default(), &metrics);
        let limiters = Arc::new(ArcSwap::from_pointee(limiters));
        metrics.limits(Gauges(limiters.clone()));
        let offers = offers(&members);
        let catalogue = strict(Catalogue::build(
            &offers,
            &settings,
            &limiters.load(),
            &metrics,
        ))?;
        let broker = Broker(Arc::new(Inner {
            stopping,
            metrics,
            tracing: settings.tracing.clone(),
            recorder,
            mounting: Mutex::new(Mounting {
                misplaced: misplaced(&catalogue, &settings, &[]),
                settings,
                settled: settled(&members),
                members: members.clone(),
                clashes: Vec::new(),
            }),
            catalogue: ArcSwap::from_pointee(catalogue),
            limiters,
            retiring: TaskTracker::new(),
        }));
        members.iter().for_each(|member| broker.follow(member));
        Ok(broker)
    }

    /// Runs a call and waits for its end, at most `limit` unless the connector's policy says
    /// otherwise. Dropping the future gives up waiting; see [`crosspoint_core::Connector::call`]
    /// for what that means for the call. The call counts from here on, polled or not.
    pub fn submit(
        &self,
        call: Call,
        limit: Duration,
    ) -> impl Future<Output = Result<Outcome, Failure>> + Send + use<> {
        self.begin(call, limit).0
    }

    /// The same for those who want to know of which call the answer is.
    pub fn call(&self, call: Call, limit: Duration) -> impl Future<Output = Ended> + Send + use<> {
        let asked = call.id;
        let (held, repeat) = self.begin(call, limit);
        let flight = held.flight();
        async move {
            let mut result = held.await;
            if let Err(failure) = &mut result
                && repeat.safety == Safety::ReadOnly
            {
                // As its row says: whatever failed, nothing was changed.
                failure.effect = Effect::None;
            }
            let noted = flight.and_then(|flight| flight.noted());
            let state = match &result {
                Ok(outcome) if outcome.completion == Completion::Accepted => None,
                result => Some(ending(result, repeat).0),
            };
            Ended {
                id: noted.map_or(asked, |(id, _)| id),
                state: state.unwrap_or(noted.map_or(State::Accepted, |(_, state)| state)),
                result,
            }
        }
    }

    /// Takes a call whose result is asked for later, in the ledger and by its id, or delivered to its
    /// callback. When this returns with a [`Completion::Accepted`], the call is recorded, and runs in
    /// a task of its own, at most `limit` unless the connector's policy says otherwise. One that is
    /// known by its key is not taken twice. A failure is that of a call that is not taken.
    pub fn accept(
        &self,
        mut call: Call,
        limit: Duration,
    ) -> impl Future<Output = Ended> + Send + use<> {
        call.polled = true;
        self.call(call, limit)
    }

    /// Whether the result of a call that came in here may be delivered to this URL.
    pub fn takes_callback(&self, ingress: Ingress, callback: &str) -> bool {
        let recorder = self.0.recorder.as_ref();
        recorder.is_some_and(|recorder| {
            let callbacks = recorder.callbacks.load();
            callbacks.engine(ingress, callback).is_some()
        })
    }

    fn begin(&self, call: Call, limit: Duration) -> (Held, Repeat) {
        let inner = &self.0;
        match inner.enter(&call) {
            Ok(entered) => {
                let recorder = inner.recorder.as_ref();
                let repeat = Repeat::of(&call, &entered.0.command);
                let held = pipeline::run(&inner.stopping, recorder, entered, call, limit);
                (held, repeat)
            }
            Err(mut failure) => {
                inner.metrics.not_found.inc();
                if !self.health().problems.is_empty() {
                    let hint = "; some connectors did not load, GET /readyz says why";
                    failure.message.push_str(hint);
                }
                spans::not_found(&inner.tracing, &call, &failure);
                let (request, reason) = (&call.request_id, &failure.message);
                tracing::info!(id = %call.id, %request, reason, "Call failed.");
                let repeat = Repeat {
                    safety: Safety::ReadOnly,
                    key_honoured: false,
                };
                (Held::ended(Err(failure)), repeat)
            }
        }
    }

    /// All commands as they are now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.0.catalogue.load_full()
    }

    /// Every connector that can be called, and how it is at the moment, ordered by name.
    pub fn connectors(&self) -> Vec<ConnectorState> {
        connectors::states(&self.catalogue(), &self.0.limiters.load())
    }

    /// The connectors that are there, ordered by name, and then what should be there and is not.
    pub fn offered(&self) -> Vec<Offered> {
        let mounting = self.0.mounting();
        inventory::take(&self.catalogue(), &mounting.members, &mounting.clashes)
    }

    /// The ledger, if there is one.
    pub fn ledger(&self) -> Option<&dyn Store> {
        self.0.recorder.as_ref().map(|recorder| &*recorder.store)
    }

    /// Returns when the process is about to end and takes no new calls.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.stopping.clone().cancelled_owned()
    }

    /// Whether everything that is configured has been tried, and what is wrong.
    pub fn health(&self) -> Health {
        let mounting = self.0.mounting();
        let mounted: Vec<_> = mounting.members.iter().map(Member::mounted).collect();
        let mut problems: Vec<String> = mounted
            .iter()
            .flat_map(|mounted| mounted.problems.iter().cloned())
            .collect();
        problems.extend(mounting.clashes.iter().cloned());
        problems.extend(self.0.recorder.iter().flat_map(|r| r.problems()));
        Health {
            ready: mounting.settled && !self.0.stopping.is_cancelled(),
            problems,
            misplaced: mounting.misplaced.clone(),
        }
    }

    /// Waits until every mount has finished its first attempt, well or not.
    pub async fn settled(&self) {
        let members = self.0.mounting().members.clone();
        join_all(members.iter().map(Member::settled)).await;
        // The task that follows a mount may not have seen yet what was seen here.
        self.0.rebuild();
    }

    /// Replaces settings and mounts without dropping a call. A mount that is among the old ones,
    /// too, goes on as it is; one that is not is closed after its last call.
    ///
    /// Waits until every new mount has settled. When one of them could not load anything, or two
    /// connectors clash, the new mounts are closed and everything stays as it was. A mount with
    /// some problems is taken: they are in the health.
    pub async fn replace(
        &self,
        settings: Settings,
        mounts: Vec<Registration>,
    ) -> Result<(), NotReplaced> {
        let inner = &self.0;
        let settings = Settings {
            tracing: inner.tracing.clone(),
            ..settings
        };
        let old = inner.mounting().members.clone();
        let known = |new: &Registration| old.iter().find(|o| Arc::ptr_eq(&o.mount, &new.mount));
        let (mut members, mut added) = (Vec::new(), Vec::new());
        for registration in mounts {
            let calls = known(&registration).map(|old| old.calls.clone());
            let member = Member::new(registration);
            match calls {
                Some(calls) => members.push(Member { calls, ..member }),
                None => {
                    added.push(member.clone());
                    members.push(member);
                }
            }
        }
        join_all(added.iter().map(Member::settled)).await;
        let taken = inner.take(settings, members, &added);
        match taken {
            Ok(()) => added.iter().for_each(|member| self.follow(member)),
            Err(_) => drop(join_all(added.iter().map(|new| new.mount.close())).await),
        }
        taken
    }

    /// The metrics as Prometheus reads them.
    pub fn metrics(&self) -> String {
        if let Some(recorder) = &self.0.recorder {
            recorder.measure();
        }
        self.0.metrics.render()
    }

    /// Looks after the ledger from here on, beside serving: calls of a process that has ended are
    /// taken over once every connector has loaded, results are delivered, and what is older or more
    /// than is kept is removed.
    pub fn attend_ledger(&self, retention: Retention) {
        let Some(recorder) = &self.0.recorder else {
            return;
        };
        tokio::spawn(callbacks::run(recorder.clone()));
        tokio::spawn(prune(recorder.clone(), retention));
        let (broker, recorder) = (self.clone(), recorder.clone());
        tokio::spawn(async move {
            broker.settled().await;
            recovery::run(broker.0, recorder).await;
        });
    }

    /// Sets who brings results of long calls that do not go by HTTP. The first counts.
    pub fn carry_by(&self, carrier: Arc<dyn Carry>) {
        if let Some(recorder) = &self.0.recorder {
            let _ = recorder.carrier.set(carrier);
        }
    }

    /// Says that the 202 of a long call has left: its result may follow. Whoever answers so must
    /// say this, since the call begins then.
    pub fn answered(&self, id: CallId) {
        if let Some(recorder) = &self.0.recorder {
            recorder.answered(id);
        }
    }

    /// Runs a call of the ledger once more, as another attempt of the same call, and waits for its
    /// end: one that is unknown or has failed.
    pub async fn run_again(&self, id: &str) -> Result<Result<Outcome, Failure>, NotRun> {
        let Some(recorder) = &self.0.recorder else {
            let message = "there is no ledger here (store.url = \"none\")";
            return Err(NotRun::Refused(message.to_owned()));
        };
        recovery::run_again(&self.0, recorder, id).await
    }

    /// Takes no new calls, waits up to `patience` for those in flight and for results that are on
    /// their way to an engine, closes the mounts, and says how many calls were left.
    pub async fn drain(&self, patience: Duration) -> usize {
        let inner = &self.0;
        inner.stopping.cancel();
        let members = inner.mounting().members.clone();
        let last_calls = async {
            join_all(members.iter().map(Member::last_call)).await;
            inner.retiring.close();
            inner.retiring.wait().await;
            if let Some(recorder) = &inner.recorder {
                recorder.deliveries.close();
                recorder.deliveries.wait().await;
            }
        };
        let _ = tokio::time::timeout(patience, last_calls).await;
        join_all(members.iter().map(|member| member.mount.close())).await;
        if let Some(recorder) = &inner.recorder {
            recorder.store.close().await;
        }
        members.iter().map(|member| member.calls.len()).sum()
    }

    /// Rebuilds the catalogue whenever the mount has something new.
    fn follow(&self, member: &Member) {
        let (mut mounted, broker) = (member.changes.clone(), Arc::downgrade(&self.0));
        tokio::spawn(async move {
            while mounted.changed().await.is_ok() {
                let Some(inner) = broker.upgrade() else {
                    return;
                };
                inner.rebuild();
            }
        });
    }
}

/// Removes what is older or more than is kept, every now and then until the process stops.
async fn prune(recorder: Arc<Recorder>, retention: Retention) {
    loop {
        match recorder.store.prune(retention).await {
            Ok(Pruned { rows: 0, .. }) => {}
            Ok(Pruned { rows, bytes }) => {
                tracing::info!(rows, bytes, "Removed old calls from the ledger.");
            }
            Err(error) => tracing::warn!(%error, "Removing old calls from the ledger failed."),
        }
        tokio::select! {
            () = recorder.stopping.cancelled() => return,
            () = tokio::time::sleep(PRUNING) => {}
        }
    }
}

/// Whether every mount has finished its first attempt.
fn settled(members: &[Member]) -> bool {
    members.iter().all(|member| member.mounted().settled)
}

/// What is configured for commands that are not there. What was not known yet is said.
fn misplaced(catalogue: &Catalogue, settings: &Settings, known: &[String]) -> Vec<String> {
    let misplaced = catalogue.misplaced(&settings.policies);
    for policy in misplaced.iter().filter(|policy| !known.contains(policy)) {
        tracing::warn!("{policy}.");
    }
    misplaced
}

/// No clash may be there from the start.
fn strict((catalogue, clashes): (Catalogue, Vec<Clash>)) -> Result<Catalogue, Clash> {
    match clashes.into_iter().next() {
        Some(clash) => Err(clash),
        None => Ok(catalogue),
    }
}

fn offers(members: &[Member]) -> Vec<crate::catalogue::Offer> {
    members.iter().map(Member::offer).collect()
}

impl Inner {
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.load_full()
    }

    /// Finds the command, and counts the call as one of its mount's.
    pub(crate) fn enter(&self, call: &Call) -> Result<(Arc<Entry>, TaskTrackerToken), Failure> {
        loop {
            let entry = self.catalogue.load().find(&call.command)?;
            let token = entry.calls.token();
            // A mount that was replaced in this very moment may not know of the call any more; by
            // then the catalogue has its successor.
            if !entry.calls.is_closed() || self.stopping.is_cancelled() {
                return Ok((entry, token));
            }
        }
    }

    /// Of connectors that clash the later one is left out, which shows in the health.
    fn rebuild(&self) {
        // Held while building, so that of two changes at once the later one is not lost.
        let mut mounting = self.mounting();
        // Looked at first: a mount may settle while the catalogue is built.
        let settled = settled(&mounting.members);
        let offers = offers(&mounting.members);
        let (settings, limiters) = (&mounting.settings, self.limiters.load());
        let (catalogue, clashes) = Catalogue::build(&offers, settings, &limiters, &self.metrics);
        let misplaced = misplaced(&catalogue, settings, &mounting.misplaced);
        self.catalogue.store(Arc::new(catalogue));
        mounting.misplaced = misplaced;
        let clashes: Vec<_> = clashes.iter().map(ToString::to_string).collect();
        for clash in clashes.iter().filter(|c| !mounting.clashes.contains(c)) {
            tracing::error!(%clash, "Leaving the second one out.");
        }
        mounting.clashes = clashes;
        mounting.settled = settled;
    }

    fn take(
        &self,
        settings: Settings,
        members: Vec<Member>,
        added: &[Member],
    ) -> Result<(), NotReplaced> {
        let problems: Vec<String> = added
            .iter()
            .map(Member::mounted)
            .filter(|mounted| mounted.connectors.is_empty())
            .flat_map(|mounted| mounted.problems.to_vec())
            .collect();
        if !problems.is_empty() {
            return Err(NotReplaced::Problems(problems));
        }
        let mut mounting = self.mounting();
        let (offers, old) = (offers(&members), self.limiters.load());
        let limiters = Limiters::new(&settings.policies, &old, &self.metrics);
        let catalogue = Catalogue::build(&offers, &settings, &limiters, &self.metrics);
        let catalogue = strict(catalogue)?;
        self.limiters.store(Arc::new(limiters));
        // Whoever reloads says what is misplaced.
        let misplaced = catalogue.misplaced(&settings.policies);
        // In this order: whoever finds a closed mount finds its successor in the catalogue.
        self.catalogue.store(Arc::new(catalogue));
        let kept = |old: &Member| members.iter().any(|m| Arc::ptr_eq(&m.mount, &old.mount));
        for old in mounting.members.iter().filter(|old| !kept(old)) {
            let old = old.clone();
            self.retiring.spawn(async move {
                old.last_call().await;
                old.mount.close().await;
            });
        }
        if let Some(recorder) = &self.recorder {
            recorder
                .callbacks
                .store(Arc::new(settings.callbacks.clone()));
        }
        *mounting = Mounting {
            misplaced,
            settings,
            settled: settled(&members),
            members,
            clashes: Vec::new(),
        };
        Ok(())
    }

    fn mounting(&self) -> std::sync::MutexGuard<'_, Mounting> {
        self.mounting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "broker_tests.rs"]
mod tests;
