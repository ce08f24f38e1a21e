//! The broker: what ingresses call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use crosspoint_core::{
    Call, CallId, Completion, Effect, Failure, Ingress, Invalid, Kind, Mask, Outcome, Safety,
    Tracing,
};
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::callbacks::{Callbacks, Carry};
use crate::catalogue::{Catalogue, Clash};
use crate::connectors::{self, ConnectorState, Gauges};
use crate::inner::{Inner, Mounting, misplaced, offers, settled, strict, told};
use crate::inventory::{self, Offered};
use crate::layers::hand_over::Held;
use crate::ledger::{NotRun, Recorded, Recorder, Repeat, State, Store, ending, recovery};
use crate::limiters::Limiters;
use crate::metrics::Metrics;
use crate::mounts::{Member, Registration};
use crate::oauth::{Described, Grants};
use crate::pipeline;
use crate::policy::Policies;
use crate::profiles::Connections;
use crate::spans;

/// What a broker is made of beside its mounts.
#[derive(Debug, Default)]
pub struct Settings {
    /// The secrets of the configuration.
    pub mask: Mask,
    /// Policies by the connector's published name.
    pub policies: HashMap<String, Policies>,
    /// Connectors that are configured without being brought by that: a mount has them, or their
    /// settings are in vain.
    pub expected: Vec<String>,
    /// Where results of long calls may go.
    pub callbacks: Callbacks,
    /// The accounts at the systems behind the connectors.
    pub connections: Arc<Connections>,
    /// Where spans are told to. Counts from the start; a reload does not change it.
    pub tracing: Tracing,
    /// What providers have granted. Counts from the start; a reload configures it anew.
    pub grants: Option<Grants>,
    /// Mounts that go on as they were, since what they shall be does not work: a sentence each, for
    /// people. They are in the health until the next reload.
    pub kept_back: Vec<String>,
}

/// Finds commands and runs calls. Cheap to clone; all clones are one broker.
#[derive(Clone)]
pub struct Broker(pub(crate) Arc<Inner>);

/// What became of a call.
#[derive(Debug)]
pub struct Ended {
    /// The call: that of the request, or an earlier one with the same key.
    pub id: CallId,
    /// Where it is. Of a call without a row, where it would be.
    pub state: State,
    /// What it brought back. One whose result follows is a [`Completion::Accepted`].
    pub result: Result<Outcome, Failure>,
    /// Comes when its end is recorded, where the caller has the result before that
    /// ([`Call::kept_outside`]).
    pub recorded: Option<Recorded>,
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
        let metrics = Metrics::new();
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
        if let Some(grants) = &settings.grants {
            metrics.grants(grants.refreshes());
        }
        let broker = Broker(Arc::new(Inner {
            stopping,
            metrics,
            tracing: settings.tracing.clone(),
            grants: settings.grants.clone(),
            recorder,
            mounting: Mutex::new(Mounting {
                misplaced: told(misplaced(&catalogue, &settings, &members), &[]),
                settings,
                settled: settled(&members),
                members: members.clone(),
                clashes: Vec::new(),
            }),
            catalogue: ArcSwap::from_pointee(catalogue),
            changed: watch::Sender::new(0),
            limiters,
            retiring: TaskTracker::new(),
        }));
        members.iter().for_each(|member| broker.follow(member));
        if let Some(grants) = broker.grants() {
            grants.describe_by(Arc::new(Described(Arc::downgrade(&broker.0))));
        }
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
            let recorded = flight.as_ref().and_then(|flight| flight.recorded());
            let noted = flight.and_then(|flight| flight.noted());
            let state = match &result {
                Ok(outcome) if outcome.completion == Completion::Accepted => None,
                result => Some(ending(result, repeat).0),
            };
            Ended {
                id: noted.map_or(asked, |(id, _)| id),
                state: state.unwrap_or(noted.map_or(State::Accepted, |(_, state)| state)),
                result,
                recorded,
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
                if failure.kind == Kind::Invalid(Invalid::UnknownCommand) {
                    inner.metrics.not_found.inc();
                    if !self.health().problems.is_empty() {
                        let hint = "; some connectors did not load, GET /readyz says why";
                        failure.message.push_str(hint);
                    }
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

    /// Tells whenever the catalogue has been replaced or profiles have been read again, by counting
    /// how often. What is in them may be the same.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
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

    /// What providers have granted, if this process keeps it.
    pub fn grants(&self) -> Option<&Grants> {
        self.0.grants.as_ref()
    }

    /// The ledger, if there is one.
    pub fn ledger(&self) -> Option<&dyn Store> {
        self.0.recorder.as_ref().map(|recorder| &*recorder.store)
    }

    /// Returns when the process is about to end and takes no new calls.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.stopping.clone().cancelled_owned()
    }

    /// The accounts at the systems behind the connectors, as they are configured now.
    pub fn connections(&self) -> Arc<Connections> {
        self.0.connections()
    }

    /// The metrics as Prometheus reads them.
    pub fn metrics(&self) -> String {
        if let Some(recorder) = &self.0.recorder {
            recorder.measure();
        }
        self.0.metrics.render()
    }

    /// Adds metrics of an ingress, by names without the prefix `crosspoint_`. They stay until the end
    /// of the process: whoever comes and goes with a reload adds them once.
    pub fn add_metrics(&self, add: impl FnOnce(&mut Registry)) {
        self.0.metrics.add(add);
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
}

#[cfg(test)]
#[path = "broker_tests.rs"]
mod tests;
