//! The ledger at work in this process: what the layers share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use crosspoint_core::{Call, CallId, Failure, Refusal, Tracing};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::flight::Flights;
use super::{Key, Store, StoreError};
use crate::callbacks::{Callbacks, Carry};
use crate::metrics::LedgerMetrics;
use crate::policy::Policy;

/// How long a long call waits for its 202 to leave at the most: the caller may be gone.
const LEAVING: Duration = Duration::from_secs(5);

/// The ledger at work in this process.
pub(crate) struct Recorder {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) flights: Arc<Flights>,
    /// Where results of long calls may go. Changes with a reload.
    pub(crate) callbacks: ArcSwap<Callbacks>,
    /// Brings results where they do not go by HTTP.
    pub(crate) carrier: OnceLock<Arc<dyn Carry>>,
    /// Results that are on their way to an engine.
    pub(crate) deliveries: TaskTracker,
    /// Told when a long call has its result.
    pub(crate) finished: Notify,
    pub(crate) metrics: LedgerMetrics,
    pub(crate) tracing: Tracing,
    pub(crate) stopping: CancellationToken,
    /// Calls that ran without a row because there could be none.
    unrecorded: AtomicU64,
    /// Long calls whose 202 has not left yet.
    leaving: Mutex<HashMap<CallId, CancellationToken>>,
}

// === impl Recorder ===

impl Recorder {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        callbacks: Callbacks,
        metrics: LedgerMetrics,
        tracing: Tracing,
        stopping: CancellationToken,
    ) -> Recorder {
        Recorder {
            store,
            flights: Arc::default(),
            callbacks: ArcSwap::from_pointee(callbacks),
            carrier: OnceLock::new(),
            deliveries: TaskTracker::new(),
            finished: Notify::new(),
            metrics,
            tracing,
            stopping,
            unrecorded: AtomicU64::new(0),
            leaving: Mutex::default(),
        }
    }

    /// What is wrong, for people.
    pub(crate) fn problems(&self) -> Vec<String> {
        let health = self.store.health();
        let unavailable = health
            .problem
            .map(|problem| StoreError::Unavailable(problem).to_string());
        let lost = health.lost + self.unrecorded.load(Ordering::Relaxed);
        let lost = (lost > 0)
            .then(|| format!("the ledger has lost {lost} records of calls since the start"));
        unavailable.into_iter().chain(lost).collect()
    }

    /// Brings the metrics up to date, which are asked for more seldom than they change.
    pub(crate) fn measure(&self) {
        let health = self.store.health();
        let lost = health.lost + self.unrecorded.load(Ordering::Relaxed);
        self.metrics
            .set(health.problem.is_none(), lost, health.queued);
    }

    /// Says aloud that a call runs without a row.
    pub(crate) fn unrecorded(&self, call: &Call, error: &StoreError) {
        self.unrecorded.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(id = %call.id, %error, "This call is not recorded.");
    }

    /// From here on [`Recorder::left`] waits for the 202 of this call.
    pub(crate) fn expect_answer(&self, id: CallId) {
        self.leaving().insert(id, CancellationToken::new());
    }

    /// The 202 of a call has left.
    pub(crate) fn answered(&self, id: CallId) {
        if let Some(left) = self.leaving().remove(&id) {
            left.cancel();
        }
    }

    /// Waits until the 202 of a call has left, or cannot any more.
    pub(crate) async fn left(&self, id: CallId) {
        let left = self.leaving().get(&id).cloned();
        if let Some(left) = left {
            let _ = tokio::time::timeout(LEAVING, left.cancelled()).await;
            self.leaving().remove(&id);
        }
    }

    fn leaving(&self) -> MutexGuard<'_, HashMap<CallId, CancellationToken>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a call, if it has one: what it brings, else the engine's task where the policy says
/// so. The two never meet, nor do those of two callers.
pub(crate) fn key(call: &Call, policy: &Policy) -> Option<Key> {
    let task = || call.origin.task.as_ref().filter(|_| policy.key_from_task);
    let (kind, text) = match (&call.key, task()) {
        (Some(key), _) => ("key", key),
        (None, Some(task)) => ("task", task),
        (None, None) => return None,
    };
    let caller = call.origin.caller.as_deref().unwrap_or_default();
    Some(Key {
        scope: format!("{kind}:{caller}"),
        text: text.clone(),
        fingerprint: fingerprint(call),
    })
}

/// A digest of command, profile, variant and arguments, by which the same call is told from another one.
/// The order of the arguments does not matter, the spelling of a value does.
fn fingerprint(call: &Call) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    add(call.command.connector.as_bytes());
    add(call.command.command.as_bytes());
    add(call.profile.as_deref().unwrap_or_default().as_bytes());
    if let Some(variant) = &call.variant {
        add(variant.as_bytes());
    }
    let mut arguments: Vec<_> = call.arguments.iter().collect();
    arguments.sort_by_key(|(name, _)| *name);
    for (name, json) in arguments {
        add(name.as_bytes());
        add(json.as_bytes().trim_ascii());
    }
    hash.finalize().into()
}

/// What a call is answered that must be recorded and cannot be.
pub(crate) fn unavailable(error: &StoreError) -> Failure {
    let message = "this call must be recorded before it runs, and the ledger cannot be written \
                   at the moment; nothing was done";
    Failure::refused(Refusal::LedgerUnavailable, message).with_detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosspoint_core::{Arguments, Ingress, Origin};

    fn call(command: &str, arguments: &'static str) -> Call {
        let arguments = Arguments::parse(arguments.into()).unwrap();
        let origin = Origin::of(Ingress::Spiff);
        Call::new(command.parse().unwrap(), arguments, origin)
    }

    #[test]
    fn the_same_call_is_told_from_another_whatever_the_order_of_its_arguments() {
        let one = fingerprint(&call("a/B", r#"{"x": 1, "y": "z"}"#));
        assert_eq!(one, fingerprint(&call("a/B", r#"{"y":"z","x":1}"#)));
        for (command, arguments) in [
            ("a/C", r#"{"x": 1, "y": "z"}"#),
            ("a/B", r#"{"x": 1}"#),
            ("a/B", r#"{"x": 1, "y": "Z"}"#),
            ("a/B", r#"{"x": 1, "yz": ""}"#),
        ] {
            assert_ne!(one, fingerprint(&call(command, arguments)), "{arguments}");
        }
    }

    #[test]
    fn keys_of_callers_and_tasks_do_not_meet() {
        let policy = Policy {
            key_from_task: true,
            ..Policy::default()
        };
        let mut call = call("a/B", "{}");
        assert_eq!(key(&call, &policy), None);
        call.origin.task = Some("same".to_owned());
        let by_task = key(&call, &policy).unwrap();
        assert_eq!(key(&call, &Policy::default()), None);
        call.key = Some("same".to_owned());
        let by_key = key(&call, &policy).unwrap();
        call.origin.caller = Some("key-1".into());
        let of_caller = key(&call, &policy).unwrap();
        assert_eq!(by_task.text, by_key.text);
        assert!(by_task.scope != by_key.scope && by_key.scope != of_caller.scope);
    }
}
