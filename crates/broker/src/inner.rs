//! What all clones of a broker share, and how the catalogue follows what is mounted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use crosspoint_core::{Call, Failure, Mask, Tracing};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::broker::Settings;
use crate::catalogue::{Catalogue, Clash, Entry, Offer};
use crate::ledger::Recorder;
use crate::life::NotReplaced;
use crate::limiters::Limiters;
use crate::metrics::Metrics;
use crate::mounts::Member;
use crate::oauth::Grants;
use crate::profiles::Connections;

pub(crate) struct Inner {
    pub(crate) stopping: CancellationToken,
    pub(crate) metrics: Metrics,
    pub(crate) tracing: Tracing,
    pub(crate) grants: Option<Grants>,
    /// None: no call is recorded.
    pub(crate) recorder: Option<Arc<Recorder>>,
    pub(crate) catalogue: ArcSwap<Catalogue>,
    /// Counts how often there was something new; see [`crate::Broker::changes`].
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) limiters: Arc<ArcSwap<Limiters>>,
    pub(crate) mounting: Mutex<Mounting>,
    /// Mounts that were replaced, until their last call has ended and they are closed.
    pub(crate) retiring: TaskTracker,
}

/// What is mounted, and the settings that count for it.
pub(crate) struct Mounting {
    pub(crate) settings: Settings,
    pub(crate) members: Vec<Member>,
    /// Connectors that are left out since another has their name.
    pub(crate) clashes: Vec<String>,
    /// Policies of commands, and settings of connectors, that are not there.
    pub(crate) misplaced: Vec<String>,
    /// Whether every mount had settled when the catalogue was built.
    pub(crate) settled: bool,
}

/// Whether every mount has finished its first attempt.
pub(crate) fn settled(members: &[Member]) -> bool {
    members.iter().all(|member| member.mounted().settled)
}

/// What is configured for commands and connectors that are not there. Of connectors nothing is said
/// as long as a mount may still bring them, or has nothing of what it should have.
pub(crate) fn misplaced(
    catalogue: &Catalogue,
    settings: &Settings,
    members: &[Member],
) -> Vec<String> {
    let mut misplaced = catalogue.misplaced(&settings.policies);
    let is_loaded = |member: &Member| {
        let mounted = member.mounted();
        mounted.settled && (mounted.problems.is_empty() || !mounted.connectors.is_empty())
    };
    if members.iter().all(is_loaded) {
        misplaced.extend(catalogue.missing(&settings.expected));
    }
    misplaced
}

/// The same, once it is said what of it was not known yet.
pub(crate) fn told(misplaced: Vec<String>, known: &[String]) -> Vec<String> {
    for one in misplaced.iter().filter(|one| !known.contains(one)) {
        tracing::warn!("{one}.");
    }
    misplaced
}

/// No clash may be there from the start.
pub(crate) fn strict((catalogue, clashes): (Catalogue, Vec<Clash>)) -> Result<Catalogue, Clash> {
    match clashes.into_iter().next() {
        Some(clash) => Err(clash),
        None => Ok(catalogue),
    }
}

pub(crate) fn offers(members: &[Member]) -> Vec<Offer> {
    members.iter().map(Member::offer).collect()
}

// === impl Inner ===

impl Inner {
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.load_full()
    }

    pub(crate) fn grants(&self) -> Option<&Grants> {
        self.grants.as_ref()
    }

    pub(crate) fn connections(&self) -> Arc<Connections> {
        self.mounting().settings.connections.clone()
    }

    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Tells a connector that values of its profiles have changed.
    pub(crate) fn renew(&self, connector: &str) {
        let catalogue = self.catalogue();
        let entries = catalogue.entries().iter();
        if let Some(entry) = entries.into_iter().find(|e| *e.id.connector == *connector) {
            entry.connector.renew();
        }
    }

    /// Tells that there is something new.
    pub(crate) fn has_changed(&self) {
        self.changed.send_modify(|times| *times += 1);
    }

    /// What hides the secrets of the configuration.
    pub(crate) fn mask(&self) -> Mask {
        self.mounting().settings.mask.clone()
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
    pub(crate) fn rebuild(&self) {
        // Held while building, so that of two changes at once the later one is not lost.
        let mut mounting = self.mounting();
        // Looked at first: a mount may settle while the catalogue is built.
        let settled = settled(&mounting.members);
        let offers = offers(&mounting.members);
        let (settings, limiters) = (&mounting.settings, self.limiters.load());
        let (catalogue, clashes) = Catalogue::build(&offers, settings, &limiters, &self.metrics);
        let misplaced = misplaced(&catalogue, settings, &mounting.members);
        let misplaced = told(misplaced, &mounting.misplaced);
        self.catalogue.store(Arc::new(catalogue));
        self.has_changed();
        mounting.misplaced = misplaced;
        let clashes: Vec<_> = clashes.iter().map(ToString::to_string).collect();
        for clash in clashes.iter().filter(|c| !mounting.clashes.contains(c)) {
            tracing::error!(%clash, "Leaving the second one out.");
        }
        mounting.clashes = clashes;
        mounting.settled = settled;
    }

    pub(crate) fn take(
        &self,
        settings: Settings,
        members: Vec<Member>,
        added: &[Member],
    ) -> Result<(), NotReplaced> {
        let mut mounting = self.mounting();
        let empty = |member: &&Member| member.mounted().connectors.is_empty();
        let before: Vec<_> = mounting.members.iter().filter(empty).collect();
        // Where nothing is lost, the newest reason is the one to tell.
        let loses = |new: &&Member| !before.iter().any(|old| old.naming == new.naming);
        let problems: Vec<String> = added
            .iter()
            .filter(empty)
            .filter(loses)
            .flat_map(|member| member.mounted().problems.to_vec())
            .collect();
        if !problems.is_empty() {
            return Err(NotReplaced::Problems(problems));
        }
        let (offers, old) = (offers(&members), self.limiters.load());
        let limiters = Limiters::new(&settings.policies, &old, &self.metrics);
        let catalogue = Catalogue::build(&offers, &settings, &limiters, &self.metrics);
        let catalogue = strict(catalogue)?;
        self.limiters.store(Arc::new(limiters));
        // Whoever reloads says what is misplaced.
        let misplaced = misplaced(&catalogue, &settings, &members);
        // In this order: whoever finds a closed mount finds its successor in the catalogue.
        self.catalogue.store(Arc::new(catalogue));
        self.has_changed();
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

    pub(crate) fn mounting(&self) -> MutexGuard<'_, Mounting> {
        self.mounting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
