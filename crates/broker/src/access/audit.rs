//! A row for each administrative act.

use serde_json::{Value, json};

use crate::cabinet::{Act, Cabinet};
use crate::ledger::{StoreError, now, time_json};

/// Who did something, and by which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doer {
    /// The name of the access key; `anonymous` where none is needed; on the command line the user.
    pub name: String,
    /// `api` or `cli`.
    pub ingress: &'static str,
}

/// Records that somebody did something, after it was done. `detail` must hold no secret.
pub async fn audit(
    cabinet: &dyn Cabinet,
    doer: &Doer,
    act: &str,
    subject: &str,
    detail: Option<String>,
) -> Result<(), StoreError> {
    let recorded = cabinet.record(Act {
        id: String::new(),
        at: now(),
        actor: doer.name.clone(),
        ingress: doer.ingress.to_owned(),
        act: act.to_owned(),
        subject: subject.to_owned(),
        detail,
    });
    recorded.await
}

/// An act for programs.
pub fn act_json(act: &Act) -> Value {
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
