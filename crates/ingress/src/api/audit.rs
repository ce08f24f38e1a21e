//! `GET /api/v1/audit`: what administrators did; and how it gets there.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use crosspoint_broker::access;
use crosspoint_broker::cabinet::Act;
use crosspoint_broker::ledger::time_json;
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::{Problem, query};
use crate::request::Seen;
use crate::router::{Shared, State as Parts};

/// Acts, the newest first.
pub(crate) async fn audit(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    uri: Uri,
) -> Response {
    match page(&shared, &seen, uri.query()).await {
        Ok(page) => crate::answer::json(StatusCode::OK, &page),
        Err(problem) => problem.into_response(),
    }
}

async fn page(shared: &Shared, seen: &Seen, query: Option<&str>) -> Result<Value, Problem> {
    let (limit, before) = query::acts(query)?;
    if let Some(key) = seen.key.as_ref().filter(|_| seen.is_of_connectors()) {
        let name = &key.name;
        return Err(Problem::forbidden(format!(
            "the key '{name}' is good for some connectors only, and this is about everything"
        )));
    }
    let cabinet = shared.cabinet.as_ref().ok_or_else(Problem::no_ledger)?;
    // One more than is shown tells whether there are more.
    let mut acts = cabinet.acts(limit + 1, before.as_deref()).await?;
    let more = acts.len() > limit as usize;
    acts.truncate(limit as usize);
    let next = acts.last().filter(|_| more).map(|act| act.id.clone());
    let acts: Value = acts.iter().map(act_json).collect();
    Ok(json!({"acts": acts, "next": next}))
}

fn act_json(act: &Act) -> Value {
    json!({
        "id": act.id,
        "at": time_json(act.at),
        "actor": act.actor,
        "ingress": act.ingress,
        "act": act.act,
        "subject": act.subject,
        "detail": act.detail,
    })
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
    let Some(cabinet) = &shared.cabinet else {
        return;
    };
    let (doer, detail) = (seen.doer(), detail.map(str::to_owned));
    if let Err(error) = access::audit(&**cabinet, &doer, act, subject, detail).await {
        let actor = doer.name;
        tracing::error!(act, subject, actor, %error, "This act could not be recorded.");
    }
}
