//! Notices that somebody changed a profile or a secret, here or in another process.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::sleep;

use super::Connections;
use crate::inner::Inner;
use crate::ledger::StoreError;

/// How often is asked whether anything has changed.
const LOOK: Duration = Duration::from_secs(2);

/// Looks for changes until the broker ends. What is read again counts for the next attempt of any
/// call; connectors that may hold old values are told to renew what they made of them.
pub(crate) async fn run(broker: Weak<Inner>) {
    let mut known = None;
    let mut troubled = false;
    loop {
        let Some(inner) = broker.upgrade() else {
            return;
        };
        let stopping = inner.stopping();
        match look(&inner, &mut known).await {
            Ok(()) => troubled = false,
            Err(error) if !troubled => {
                troubled = true;
                tracing::warn!(%error, "Looking for changed profiles and secrets failed.");
            }
            Err(_) => {}
        }
        drop(inner);
        tokio::select! {
            () = stopping.cancelled() => return,
            () = sleep(LOOK) => {}
        }
    }
}

/// Looks once. `known`: the version that counts, and in which connections. A reload brings new ones,
/// which have read nothing yet.
async fn look(
    inner: &Inner,
    known: &mut Option<(Arc<Connections>, i64)>,
) -> Result<(), StoreError> {
    let connections = inner.connections();
    let changed = match connections.cabinet() {
        None => connections.turned(),
        Some(cabinet) => {
            let version = cabinet.version().await?;
            let same = |(of, read): &(Arc<Connections>, i64)| {
                Arc::ptr_eq(of, &connections) && *read == version
            };
            match known.as_ref().is_some_and(same) {
                true => connections.turned(),
                false => {
                    let changed = connections.refresh().await?;
                    if let Some(grants) = inner.grants() {
                        grants.renew();
                    }
                    *known = Some((connections, version));
                    inner.has_changed();
                    changed
                }
            }
        }
    };
    for connector in changed {
        tracing::info!(%connector, "Values of a profile have changed.");
        inner.renew(&connector);
    }
    Ok(())
}
