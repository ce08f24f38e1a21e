//! What a connector returned, or why it did not, as an outcome or a failure.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crosspoint_core::{
    Body, Completion, Context, Effect, Failure, Kind, Outcome, Refusal, Verbatim,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::envelope::{json_part, plain, present, quoted, version_2};

use super::adapter;
use super::wire::{self, RaisedKind, Text, Trouble};
use crate::process::Problem;

/// The result of `call`.
#[derive(Deserialize)]
struct Returned<'a> {
    version: u64,
    #[serde(default)]
    handed_over: bool,
    status: Option<i64>,
    #[serde(borrow)]
    mimetype: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    base64: Option<Text<'a>>,
    /// `null` is a body, too.
    #[serde(borrow, default, deserialize_with = "present")]
    json: Option<&'a RawValue>,
    #[serde(borrow)]
    answer: Option<&'a RawValue>,
    #[serde(default)]
    meta: serde_json::Map<String, serde_json::Value>,
}

/// The result of a call. Its bodies share the memory of `result` wherever JSON spells them as they
/// are.
pub(super) fn returned(result: &Bytes, cx: &Context) -> Result<Outcome, Failure> {
    let returned: Returned<'_> = match serde_json::from_slice(result) {
        Ok(returned) => returned,
        Err(error) => return Err(unusable(&error.to_string())),
    };
    let handed_over = returned.handed_over;
    let mut result = match (returned.version, returned.answer) {
        (2, Some(answer)) => version_2(result, answer),
        (3.., _) => version_3(result, returned),
        _ => version_1(result, returned, cx),
    };
    if handed_over {
        let outcome = match &mut result {
            Ok(outcome) => Some(outcome),
            Err(failure) => failure.outcome.as_deref_mut(),
        };
        if let Some(outcome) = outcome {
            hand_over(outcome);
        }
    }
    result
}

/// The reference answers 202 whatever `execute_async` returned.
fn hand_over(outcome: &mut Outcome) {
    outcome.completion = Completion::HandedOver;
    if let Some(verbatim) = &mut outcome.verbatim {
        verbatim.status = 202;
    }
}

/// The body is the answer, under the status that came with it. From 400 on it is a failure, as it
/// is for the built-in commands of this version.
fn version_1(result: &Bytes, returned: Returned<'_>, cx: &Context) -> Result<Outcome, Failure> {
    let (body, bytes) = body_1(result, &returned)?;
    let mimetype = returned
        .mimetype
        .map_or(Cow::Borrowed("application/json"), |mimetype| {
            Cow::Owned(mimetype.0.into_owned())
        });
    // What cannot be a final status of HTTP stands for a bad answer.
    let given = returned.status.unwrap_or(200);
    let status = u16::try_from(given)
        .ok()
        .filter(|status| (200..1000).contains(status));
    let verbatim = Verbatim {
        status: status.unwrap_or(502),
        mimetype: mimetype.clone(),
        body: bytes,
    };
    let status = status.filter(|status| *status < 600).unwrap_or(502);
    let failure = (status >= 400).then(|| {
        let mut message = format!("the connector answered with status {given}");
        if let Some(quoted) = quoted(&verbatim.body, cx) {
            message = format!("{message}: {quoted}");
        }
        Failure::reported(format!("HttpError{status}"), message)
    });
    let mut outcome = Outcome::new(body, mimetype).with_status(status);
    outcome.verbatim = Some(verbatim);
    match failure {
        None => Ok(outcome),
        Some(failure) => Err(failure.with_outcome(outcome)),
    }
}

/// The body in its own form, and its bytes.
fn body_1(result: &Bytes, returned: &Returned<'_>) -> Result<(Body, Bytes), Failure> {
    if let Some(Text(text)) = &returned.text {
        let bytes = match text {
            Cow::Borrowed(text) => result.slice_ref(text.as_bytes()),
            Cow::Owned(text) => Bytes::copy_from_slice(text.as_bytes()),
        };
        return Ok((Body::Text(text.clone().into_owned()), bytes));
    }
    if let Some(Text(base64)) = &returned.base64 {
        let bytes = STANDARD.decode(&**base64);
        let bytes = Bytes::from(bytes.map_err(|error| unusable(&error.to_string()))?);
        return Ok((Body::Bytes(bytes.clone()), bytes));
    }
    if let Some(json) = returned.json {
        let json = json_part(result, json)?;
        let bytes = json.bytes();
        return Ok((Body::Json(json), bytes));
    }
    Err(unusable("it holds no body"))
}

/// What an adapter of Django Automate returned is the body, whatever it is; what it says about the
/// result are headers.
fn version_3(result: &Bytes, returned: Returned<'_>) -> Result<Outcome, Failure> {
    let json = returned.json.ok_or_else(|| unusable("it holds no body"))?;
    let mut outcome = Outcome::json(json_part(result, json)?);
    let headers = returned.meta.into_iter();
    outcome.headers = headers.map(|(name, value)| (name, plain(value))).collect();
    Ok(outcome)
}

/// The error of a call; nothing when the worker did not take the call, so that another one may.
pub(super) fn failed(error: &Bytes, cx: &Context) -> Option<Failure> {
    let trouble: Trouble = match serde_json::from_slice(error) {
        Ok(trouble) => trouble,
        Err(error) => return Some(unusable(&error.to_string())),
    };
    let Some(raised) = trouble.data else {
        let message = format!(
            "the worker did not understand the call: {}",
            trouble.message
        );
        return Some(Failure::new(Kind::Crashed, "worker_failed", message));
    };
    let effect = match raised.effect {
        wire::Effect::None => Effect::None,
        wire::Effect::Maybe => Effect::Maybe,
        wire::Effect::Done => Effect::Done,
    };
    let failure = match raised.kind {
        RaisedKind::Adapter => return Some(adapter::failure(raised, effect, cx)),
        RaisedKind::Busy => return None,
        RaisedKind::Arguments => Failure::arguments(raised.message),
        RaisedKind::Unknown => Failure::unknown_command(raised.message),
        RaisedKind::Raised => Failure::new(Kind::Raised, raised.code, raised.message),
        RaisedKind::Result => Failure::reported(raised.code, raised.message),
    };
    let mut failure = failure.with_effect(effect);
    failure.detail = raised.detail;
    Some(failure)
}

/// The deadline has passed while the worker ran the call.
pub(super) fn overdue(name: &str, written: bool) -> Failure {
    let effect = if written { Effect::Maybe } else { Effect::None };
    let message = format!("{name} did not answer before its deadline");
    Failure::refused(Refusal::DeadlineExceeded, message).with_effect(effect)
}

/// The worker went while it was asked. `what` it was doing is named by a clause about it.
pub(super) fn lost(what: &str, end: &Problem) -> Failure {
    let message = format!("the worker that {what} {}", end.message);
    let mut failure = Failure::new(Kind::Crashed, "worker_crashed", message);
    failure.detail = end.detail.clone();
    failure
}

/// The worker answered what the wire does not know.
fn unusable(why: &str) -> Failure {
    let message = format!("the worker's answer cannot be used: {why}");
    Failure::new(Kind::Crashed, "worker_failed", message)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
