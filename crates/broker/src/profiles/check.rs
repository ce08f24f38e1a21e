//! Whether profiles work: when somebody asks, and every now and then.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crosspoint_core::{CallId, Context, Failure, Kind, Outcome, Refusal};
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout_at};

use super::held::Wanted;
use super::{Choice, Connections, ProfileId};
use crate::cabinet::{Drawer, Expected};
use crate::catalogue::Entry;
use crate::inner::Inner;
use crate::layers::account;
use crate::ledger::now;

/// How often is looked whether a check is due.
const LOOK: Duration = Duration::from_secs(1);

/// How long a check may take that nobody waits for.
const LIMIT: Duration = Duration::from_secs(30);

/// How the check of a profile went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// When it ended, in milliseconds since 1970.
    pub at: i64,
    /// How long it took.
    pub milliseconds: u64,
    /// Why the profile does not work. None: it does.
    pub error: Option<CheckError>,
}

/// Why a profile does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckError {
    /// As that of the failure of a call.
    pub code: String,
    /// For people; no secret is in it.
    pub message: String,
}

/// Checks a profile and keeps the result. Fails where nothing can be tried. An empty name is the check of
/// a connector without a profile.
pub(crate) async fn check(
    inner: &Inner,
    id: &ProfileId,
    limit: Duration,
) -> Result<CheckResult, Failure> {
    let catalogue = inner.catalogue();
    let mut entries = catalogue.entries().iter();
    let Some(entry) = entries.find(|entry| entry.profiles.connector == id.connector) else {
        let message = format!("profile {id}: there is no connector {}", id.connector);
        return Err(Failure::profile("profile_not_found", message));
    };
    let named = (!id.name.is_empty()).then_some(&*id.name);
    let profile = entry.profiles.choose(Wanted::named(named), &|_| false)?;
    let begun = Instant::now();
    let mut stale = None;
    let result = loop {
        let (result, token) = once(entry, &profile, stale, begun + limit).await?;
        match token {
            // As in a call: a token that is not taken any more is replaced once.
            Some(token) if stale.is_none() && profile.has_expired(&result) => stale = Some(token),
            _ => break result,
        }
    };
    let result = CheckResult {
        at: now(),
        milliseconds: begun.elapsed().as_millis() as u64,
        error: result.err().map(|failure| CheckError {
            code: failure.code.into_owned(),
            message: failure.message,
        }),
    };
    inner.connections().keep_check(id, &result).await;
    Ok(result)
}

/// Fails where the connector cannot tell.
async fn once(
    entry: &Entry,
    profile: &Choice,
    stale: Option<i64>,
    deadline: Instant,
) -> Result<(Result<Outcome, Failure>, Option<i64>), Failure> {
    let resolved = match account::resolve(profile, stale, deadline).await {
        Ok(resolved) => resolved,
        Err(failure) => return Ok((Err(failure), None)),
    };
    let cx = Context::new(CallId::generate(), deadline, entry.mask.clone());
    let cx = cx.with_profile(resolved.profile);
    let Some(checking) = entry.connector.check(&cx) else {
        let message = format!(
            "{} cannot tell whether a profile works: call a command that reads",
            entry.id.connector
        );
        return Err(Failure::profile("check_not_supported", message));
    };
    let checked = match timeout_at(deadline, AssertUnwindSafe(checking).catch_unwind()).await {
        Ok(Ok(checked)) => checked,
        Ok(Err(_)) => Err(Failure::new(
            Kind::Raised,
            "connector_panicked",
            "the connector broke down while checking; the log has more",
        )),
        Err(_) => Err(Failure::refused(
            Refusal::DeadlineExceeded,
            "the system did not answer in time",
        )),
    };
    let checked = cx.finish(checked.map(|()| Outcome::empty(200)));
    Ok((checked, resolved.token))
}

/// Checks what is to be checked every now and then, until the broker ends.
pub(crate) async fn run(broker: Weak<Inner>) {
    loop {
        let Some(inner) = broker.upgrade() else {
            return;
        };
        let stopping = inner.stopping();
        let connections = inner.connections();
        let due = connections.due(&often(&inner)).into_iter();
        join_all(due.map(|(id, every)| check_if_due(&inner, &connections, id, every))).await;
        drop((inner, connections));
        tokio::select! {
            () = stopping.cancelled() => return,
            () = sleep(LOOK) => {}
        }
    }
}

/// The connectors that want to be checked by themselves, with how often.
fn often(inner: &Inner) -> HashMap<Arc<str>, Duration> {
    let catalogue = inner.catalogue();
    let entries = catalogue.entries().iter();
    let wanted = entries.filter_map(|entry| {
        let every = entry.connector.check_every()?;
        Some((entry.id.connector.clone(), every))
    });
    wanted.collect()
}

/// Unless another process has just done so.
async fn check_if_due(
    inner: &Inner,
    connections: &Arc<Connections>,
    id: ProfileId,
    every: Duration,
) {
    if connections.was_checked(&id, every).await {
        return;
    }
    match check(inner, &id, LIMIT).await {
        Ok(CheckResult {
            error: Some(error), ..
        }) => {
            let (code, reason) = (&error.code, &error.message);
            match id.name.is_empty() {
                true => {
                    let connector = &*id.connector;
                    tracing::warn!(connector, code, reason, "The check of a connector failed.");
                }
                false => {
                    tracing::warn!(profile = %id, code, reason, "The check of a profile failed.");
                }
            }
        }
        Ok(_) => tracing::debug!(profile = %id, "The check of a profile went well."),
        Err(failure) => {
            let reason = &failure.message;
            tracing::debug!(profile = %id, reason, "A profile cannot be checked.");
            connections.not_checked(&id);
        }
    }
}

// === impl Connections ===

impl Connections {
    /// How the last check of a profile went, if there was one.
    pub async fn last_check(&self, id: &ProfileId) -> Option<CheckResult> {
        if let Some((_, Some(result))) = self.state().checks.get(id) {
            return Some(result.clone());
        }
        self.kept_check(id).await
    }

    async fn kept_check(&self, id: &ProfileId) -> Option<CheckResult> {
        let cabinet = self.cabinet().filter(|_| !id.name.is_empty())?;
        // Without it the profile is checked once more.
        let item = cabinet.get(Drawer::Check, &id.to_string()).await.ok()??;
        serde_json::from_slice(&item.body).ok()
    }

    async fn keep_check(&self, id: &ProfileId, result: &CheckResult) {
        let known = (Instant::now(), Some(result.clone()));
        self.state().checks.insert(id.clone(), known);
        // That of a connector without a profile is each process's own.
        let cabinet = self.cabinet().filter(|_| !id.name.is_empty());
        let (Some(cabinet), Ok(body)) = (cabinet, serde_json::to_vec(result)) else {
            return;
        };
        let (id, body) = (id.to_string(), body.into());
        let put = cabinet.put(Drawer::Check, &id, body, None, Expected::Any);
        if let Err(error) = put.await {
            tracing::warn!(profile = id, %error, "Keeping the result of a check failed.");
        }
    }

    /// It could not be tried; that is looked at again when it would be due.
    fn not_checked(&self, id: &ProfileId) {
        self.state()
            .checks
            .insert(id.clone(), (Instant::now(), None));
    }

    /// The profiles to be checked now and then whose last check, as far as is known here, is too long
    /// ago, with how often. `often` are the connectors that want that for all of theirs.
    fn due(&self, often: &HashMap<Arc<str>, Duration>) -> Vec<(ProfileId, Duration)> {
        let state = self.state();
        let all = state
            .held
            .iter()
            .flat_map(|(connector, held)| held.checked_by_itself(often.get(connector).copied()));
        let due = all.filter(|(id, every)| {
            let last = state.checks.get(id);
            last.is_none_or(|(at, _)| at.elapsed() >= *every)
        });
        due.collect()
    }

    /// Whether another process has checked it within that time. What it found counts here, too.
    async fn was_checked(&self, id: &ProfileId, every: Duration) -> bool {
        let Some(result) = self.kept_check(id).await else {
            return false;
        };
        let ago = u64::try_from(now() - result.at).unwrap_or_default();
        let ago = Duration::from_millis(ago);
        let Some(at) = Instant::now().checked_sub(ago).filter(|_| ago < every) else {
            return false;
        };
        self.state().checks.insert(id.clone(), (at, Some(result)));
        true
    }
}
