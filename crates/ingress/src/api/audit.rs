//! `GET /api/v1/audit`: what administrators did; and how it gets there.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use crosspoint_broker::access::{self, act_json};
use http::Uri;
use serde_json::{Value, json};

use super::profiles::cabinet;
use super::{Problem, query};
use crate::request::Seen;
use crate::router::{Shared, State as Parts};

/// Acts, the newest first.
pub(crate) async fn audit(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    uri: Uri,
) -> Response {
    super::shown(page(&shared, &seen, uri.query()).await)
}

async fn page(shared: &Shared, seen: &Seen, query: Option<&str>) -> Result<Value, Problem> {
    let (limit, before) = query::acts(query)?;
    for_all(seen)?;
    let cabinet = cabinet(shared)?;
    // One more than is shown tells whether there are more.
    let mut acts = cabinet.acts(limit + 1, before.as_deref()).await?;
    let next = query::cut(&mut acts, limit).map(|act| act.id.clone());
    let acts: Value = acts.iter().map(act_json).collect();
    Ok(json!({"acts": acts, "next": next}))
}

/// Refuses a key that is good for some connectors only, where something is about all of them.
pub(super) fn for_all(seen: &Seen) -> Result<(), Problem> {
    let Some(key) = seen.key.as_ref().filter(|_| seen.is_of_connectors()) else {
        return Ok(());
    };
    let name = &key.name;
    Err(Problem::forbidden(format!(
        "the key '{name}' is good for some connectors only, and this is about all of them"
    )))
}

/// Records what was done. It is done, so that a store which does not take the record is told in the
/// log alone.
pub(super) async fn record(
    shared: &Parts,
    seen: &Seen,
    act: &str,
    subject: &str,
    detail: Option<&str>,
) {
    let (doer, detail) = (seen.doer(), detail.map(str::to_owned));
    if let Err(error) = access::audit(&*shared.cabinet, &doer, act, subject, detail).await {
        let actor = doer.name;
        tracing::error!(act, subject, actor, %error, "This act could not be recorded.");
    }
}
