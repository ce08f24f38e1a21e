//! The broker: what ingresses call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use crosspoint_core::{Call, Failure, Mask, Mounted, Outcome};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalogue::{Catalogue, Clash};
use crate::metrics::Metrics;
use crate::mounts::{Naming, Registration};
use crate::pipeline::{self, Policy, Surroundings};

/// What a broker is made of beside its mounts.
#[derive(Debug, Default)]
pub struct Settings {
    /// The secrets of the configuration.
    pub mask: Mask,
    /// Policies by the connector's published name.
    pub policies: HashMap<String, Policy>,
}

/// Finds commands and runs calls. Cheap to clone; all clones are one broker.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    around: Surroundings,
    policies: HashMap<String, Policy>,
    metrics: Metrics,
    mounts: Vec<Registration>,
    catalogue: ArcSwap<Catalogue>,
    clash: Mutex<Option<String>>,
}

/// Whether everything that is configured has been tried, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Every mount has finished its first attempt, and the process is not draining.
    pub ready: bool,
    /// What is not there and why, for people.
    pub problems: Vec<String>,
}

// === impl Broker ===

impl Broker {
    /// Puts the mounts together and follows their changes. Must be called within a tokio runtime.
    pub fn new(settings: Settings, mounts: Vec<Registration>) -> Result<Broker, Clash> {
        let metrics = Metrics::new();
        let mounted: Vec<_> = mounts.iter().map(now).collect();
        let catalogue = Catalogue::build(&mounted, &settings.policies, &metrics)?;
        let broker = Broker(Arc::new(Inner {
            around: Surroundings {
                mask: settings.mask,
                tasks: TaskTracker::new(),
                stopping: CancellationToken::new(),
            },
            policies: settings.policies,
            metrics,
            mounts,
            catalogue: ArcSwap::from_pointee(catalogue),
            clash: Mutex::default(),
        }));
        for registration in &broker.0.mounts {
            tokio::spawn(follow(
                registration.mount.connectors(),
                Arc::downgrade(&broker.0),
            ));
        }
        Ok(broker)
    }

    /// Runs a call and waits for its end, at most `limit` unless the connector's policy says
    /// otherwise. Dropping the future gives up waiting; see [`crosspoint_core::Connector::call`]
    /// for what that means for the call.
    pub async fn submit(&self, call: Call, limit: Duration) -> Result<Outcome, Failure> {
        let inner = &self.0;
        let entry = inner.catalogue.load().find(&call.command);
        match entry {
            Ok(entry) => pipeline::run(&inner.around, entry, call, limit).await,
            Err(failure) => {
                inner.metrics.not_found.inc();
                let (request, reason) = (&call.request_id, &failure.message);
                tracing::info!(id = %call.id, %request, reason, "Call failed.");
                Err(failure)
            }
        }
    }

    /// All commands as they are now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.0.catalogue.load_full()
    }

    /// Whether everything that is configured has been tried, and what is wrong.
    pub fn health(&self) -> Health {
        let mounted: Vec<_> = self.0.mounts.iter().map(|r| now(r).1).collect();
        let mut problems: Vec<String> = mounted
            .iter()
            .flat_map(|mounted| mounted.problems.iter().cloned())
            .collect();
        problems.extend(self.0.clash().clone());
        let settled = mounted.iter().all(|mounted| mounted.settled);
        Health {
            ready: settled && !self.0.around.stopping.is_cancelled(),
            problems,
        }
    }

    /// The metrics as Prometheus reads them.
    pub fn metrics(&self) -> String {
        self.0.metrics.render()
    }

    /// Takes no new calls, waits up to `patience` for those in flight, closes the mounts, and
    /// says how many calls were left.
    pub async fn drain(&self, patience: Duration) -> usize {
        let around = &self.0.around;
        around.stopping.cancel();
        around.tasks.close();
        let _ = tokio::time::timeout(patience, around.tasks.wait()).await;
        for registration in &self.0.mounts {
            registration.mount.close().await;
        }
        around.tasks.len()
    }
}

fn now(registration: &Registration) -> (Naming, Mounted) {
    (
        registration.naming.clone(),
        registration.mount.connectors().borrow().clone(),
    )
}

/// Rebuilds the catalogue whenever a mount has something new. A clash keeps the catalogue as it
/// was and shows in the health.
async fn follow(
    mut mounted: tokio::sync::watch::Receiver<Mounted>,
    broker: std::sync::Weak<Inner>,
) {
    while mounted.changed().await.is_ok() {
        let Some(inner) = broker.upgrade() else {
            return;
        };
        inner.rebuild();
    }
}

impl Inner {
    fn rebuild(&self) {
        // Held while building, so that of two changes at once the later one is not lost.
        let mut clash = self.clash();
        let mounted: Vec<_> = self.mounts.iter().map(now).collect();
        *clash = match Catalogue::build(&mounted, &self.policies, &self.metrics) {
            Ok(catalogue) => {
                self.catalogue.store(Arc::new(catalogue));
                None
            }
            Err(error) => {
                tracing::error!(%error, "Keeping the commands as they were.");
                Some(error.to_string())
            }
        };
    }

    fn clash(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.clash.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "broker_tests.rs"]
mod tests;
