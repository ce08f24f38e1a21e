//! Adapters of Django Automate: what their errors are to the broker, and checking their connection.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Context, Effect, Failure, Invalid, Json, Kind, Outcome, Safety};
use serde_json::{Value, json};

use super::ask::ask;
use super::pool::Pool;
use super::wire::{Account, Check, Raised, Report};

/// The member of an error's details that says when to come again.
const RETRY_AFTER: &str = "retry_after_ms";

/// The kind of failure and the status within an answer that a code of Django Automate stands for, of
/// `ConnectorErrorCode`; any other code is one that the adapter made up.
fn meaning(code: &str) -> (Kind, u16) {
    match code {
        "AUTH_FAILED" => (Kind::Reported, 401),
        "FORBIDDEN" => (Kind::Reported, 403),
        "NOT_FOUND" => (Kind::Reported, 404),
        "RATE_LIMITED" => (Kind::Reported, 429),
        "UPSTREAM_5XX" => (Kind::Reported, 502),
        "TIMEOUT" => (Kind::Transport, 504),
        "TRANSIENT_NETWORK" => (Kind::Transport, 502),
        "INVALID_INPUT" => (Kind::Invalid(Invalid::Input), 400),
        "CONFIG_INVALID" => (Kind::Invalid(Invalid::Profile), 400),
        "INTERNAL_ERROR" => (Kind::Raised, 500),
        // `connect()` answered False, or raised what has no code: nothing was tried yet.
        "connect_failed" => (Kind::Transport, 502),
        _ => (Kind::Reported, 400),
    }
}

/// The failure that an adapter's error is. What came with it is the dict of the error, without
/// secrets.
pub(super) fn failure(raised: Raised, effect: Effect, cx: &Context) -> Failure {
    let (kind, status) = meaning(&raised.code);
    let mut failure = Failure::new(kind, raised.code, raised.message).with_effect(effect);
    failure.detail = raised.detail;
    let body = match raised.report {
        Some(report) => {
            failure.retryable = Some(report.retryable);
            failure.retry_after = retry_after(&report);
            masked(json!(report), cx)
        }
        None => match raised.body {
            Some(body) => body,
            None => return failure,
        },
    };
    failure.with_outcome(Outcome::json(Json::from(body)).with_status(status))
}

/// Settles whether a call of a command that is so safe may be tried again. An error that does not call
/// itself retryable is judged by its kind where the command may be repeated, and is final elsewhere;
/// any exception may pass there, as the documentation of Django Automate has it.
pub(super) fn settled(mut failure: Failure, safety: Safety) -> Failure {
    let repeatable = safety.is_idempotent();
    failure.retryable = match failure.retryable {
        Some(true) => Some(true),
        Some(false) if !repeatable => Some(false),
        _ if repeatable && failure.kind == Kind::Raised => Some(true),
        _ => None,
    };
    failure
}

/// Calls `connect()`, with the profile of `cx`.
pub(super) async fn check(pool: &Arc<Pool>, cx: &Context) -> Result<(), Failure> {
    let asked = Check {
        call: &cx.call_id.to_string(),
        connector: &pool.source().name,
        profile: Account::of(&cx.profile),
    };
    ask(pool, "check", &asked, "check its connection", cx)
        .await
        .map(drop)
}

fn retry_after(report: &Report) -> Option<Duration> {
    let wait = report.details.get(RETRY_AFTER)?.as_f64()?;
    Duration::try_from_secs_f64(wait / 1000.0).ok()
}

/// A value without the secrets of the call, at any depth.
fn masked(value: Value, cx: &Context) -> Value {
    match value {
        Value::String(text) => cx.masked(text).into(),
        Value::Array(list) => list.into_iter().map(|value| masked(value, cx)).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, masked(value, cx)))
            .collect(),
        value => value,
    }
}
