//! The life of a broker: what is mounted, looked after, replaced and drained.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Failure, Mounted};
use futures_util::future::join_all;

use crate::broker::{Broker, Settings};
use crate::callbacks;
use crate::catalogue::Clash;
use crate::ledger::{Pruned, Recorder, Retention, StoreError, recovery};
use crate::mounts::{Member, Registration};
use crate::oauth::{Grants, waiting};
use crate::profiles::{CheckResult, Connections, Definition, ProfileId, check, watch};

/// How often old rows are removed from the ledger.
const PRUNING: Duration = Duration::from_secs(600);

/// Whether everything that is configured has been tried, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Every mount has finished its first attempt, and the process is not draining.
    pub ready: bool,
    /// What is not there and why, for people.
    pub problems: Vec<String>,
    /// What is configured for commands and connectors that are not there, for people. All else works.
    pub misplaced: Vec<String>,
    /// What is wrong with profiles, for people. Calls that need one of them say so; all else works.
    pub profiles: Vec<String>,
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
    /// Whether everything that is configured has been tried, and what is wrong.
    pub fn health(&self) -> Health {
        let mounting = self.0.mounting();
        let mounted: Vec<_> = mounting.members.iter().map(Member::mounted).collect();
        let mut problems: Vec<String> = mounted
            .iter()
            .flat_map(|mounted| mounted.problems.iter().cloned())
            .collect();
        problems.extend(mounting.settings.kept_back.iter().cloned());
        problems.extend(mounting.clashes.iter().cloned());
        problems.extend(self.0.recorder.iter().flat_map(|r| r.problems()));
        problems.extend(self.0.grants.iter().flat_map(Grants::problems));
        Health {
            ready: mounting.settled && !self.0.stopping.is_cancelled(),
            problems,
            misplaced: mounting.misplaced.clone(),
            profiles: match mounting.settled {
                true => self.about_profiles(&mounting.settings.connections),
                // Connectors that profiles belong to may be on their way.
                false => Vec::new(),
            },
        }
    }

    /// For whoever started this process alone: the last lines of processes that a problem is about,
    /// with the problem.
    pub fn last_words(&self) -> Vec<(String, Arc<str>)> {
        let mounting = self.0.mounting();
        let mounted = mounting.members.iter().map(Member::mounted);
        let told = |one: Mounted| Some((one.problems.first()?.clone(), one.last_words?));
        mounted.filter_map(told).collect()
    }

    /// What is wrong with profiles, and which of them nobody has authorised yet.
    fn about_profiles(&self, connections: &Connections) -> Vec<String> {
        let (mut problems, catalogue) = (connections.problems(), self.catalogue());
        let grants = self.0.grants.iter();
        problems.extend(grants.flat_map(|grants| waiting(grants, connections, &catalogue)));
        problems
    }

    /// Reads the profiles and secrets of the store again, so that the next attempt of any call has
    /// what was changed. It happens by itself within seconds.
    pub async fn refresh_connections(&self) -> Result<(), StoreError> {
        for connector in self.connections().refresh().await? {
            self.0.renew(&connector);
        }
        self.0.has_changed();
        Ok(())
    }

    /// A profile, also one that was made a moment ago in another process. Fails with a sentence for
    /// people where there is none: it names those that may be meant, and how to make it with an auth.
    pub async fn find_profile(&self, id: &ProfileId, auth: &str) -> Result<Definition, String> {
        let connections = self.connections();
        if let Some(definition) = connections.definition(id) {
            return Ok(definition);
        }
        let refreshed = self.refresh_connections().await;
        refreshed.map_err(|error| format!("the profile {id} cannot be looked up: {error}"))?;
        let found = connections.definition(id);
        found.ok_or_else(|| connections.missing(id, auth))
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
    /// some problems is taken, and so is one in the place of another that had nothing either: they
    /// are in the health.
    pub async fn replace(
        &self,
        settings: Settings,
        mounts: Vec<Registration>,
    ) -> Result<(), NotReplaced> {
        let inner = &self.0;
        let settings = Settings {
            tracing: inner.tracing.clone(),
            grants: inner.grants.clone(),
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
        // What is in the store counts from the first call on.
        if let Err(error) = settings.connections.refresh().await {
            tracing::warn!(%error, "Reading the profiles of the store failed.");
        }
        let taken = inner.take(settings, members, &added);
        match taken {
            Ok(()) => added.iter().for_each(|member| self.follow(member)),
            Err(_) => drop(join_all(added.iter().map(|new| new.mount.close())).await),
        }
        taken
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

    /// Follows changes of profiles and secrets from here on, whoever makes them, and checks those that
    /// are to be checked every now and then.
    pub fn attend_profiles(&self) {
        tokio::spawn(watch::run(Arc::downgrade(&self.0)));
        let broker = self.clone();
        tokio::spawn(async move {
            // Before that a connector may be on its way.
            broker.settled().await;
            let inner = Arc::downgrade(&broker.0);
            drop(broker);
            check::run(inner).await;
        });
    }

    /// Tries whether the system of a profile can be reached and takes it (Django Automate: `connect()`),
    /// within `limit`, without changing anything there. Fails where that cannot be tried: there is no
    /// such profile, it is wrong in itself, or the connector cannot tell.
    pub async fn check_profile(
        &self,
        id: &ProfileId,
        limit: Duration,
    ) -> Result<CheckResult, Failure> {
        check::check(&self.0, id, limit).await
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
    pub(crate) fn follow(&self, member: &Member) {
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
