//! What a connector returned, or why it did not, as an outcome or a failure.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crosspoint_core::{
    Body, Completion, Context, Effect, Failure, Json, Kind, Outcome, Refusal, Verbatim,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::wire::{self, RaisedKind, Text, Trouble};
use crate::process::Problem;

/// How much of an answer the message of its failure quotes, in characters.
const QUOTED: usize = 2000;

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
    #[serde(borrow)]
    json: Option<&'a RawValue>,
    #[serde(borrow)]
    answer: Option<&'a RawValue>,
}

/// The parts of a version 2 answer.
#[derive(Default, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    command_response: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow, rename = "spiff__logs")]
    logs: Option<&'a RawValue>,
}

/// The parts of its `command_response`.
#[derive(Default, Deserialize)]
struct Response<'a> {
    /// `null` is a body, too.
    #[serde(borrow, default, deserialize_with = "present")]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    mimetype: Option<&'a RawValue>,
    #[serde(borrow)]
    http_status: Option<&'a RawValue>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
}

/// A structured error.
#[derive(Deserialize)]
struct Reported {
    error_code: String,
    #[serde(default)]
    message: Option<String>,
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
        (2.., Some(answer)) => version_2(result, answer),
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

/// The dict is the answer. What it says about itself is read for those who do not want the dict.
fn version_2(result: &Bytes, answer: &RawValue) -> Result<Outcome, Failure> {
    let whole = json_part(result, answer)?;
    let envelope: Envelope<'_> = read(Some(answer)).unwrap_or_default();
    let response: Response<'_> = read(envelope.command_response).unwrap_or_default();
    let body = match (response.body, envelope.command_response) {
        (Some(body), _) | (None, Some(body)) => body,
        (None, None) => answer,
    };
    let body = match read::<String>(Some(body)) {
        Some(text) => Body::Text(text),
        None => Body::Json(json_part(result, body)?),
    };
    let mimetype = match (read::<String>(response.mimetype), &body) {
        (Some(mimetype), _) => mimetype.into(),
        (None, Body::Json(_)) => Cow::Borrowed("application/json"),
        (None, _) => Cow::Borrowed("text/plain"),
    };
    let mut outcome = Outcome::new(body, mimetype).with_status(status_2(&response));
    outcome.headers = headers_2(&response);
    outcome.logs = logs_2(&envelope);
    outcome.verbatim = Some(Verbatim {
        status: 200,
        mimetype: "application/json".into(),
        body: whole.bytes(),
    });
    match read::<Reported>(envelope.error) {
        Some(error) if !error.error_code.is_empty() => {
            let message = error.message.unwrap_or_default();
            Err(Failure::reported(error.error_code, message).with_outcome(outcome))
        }
        _ => Ok(outcome),
    }
}

/// A number, or one as text; 200 when there is none.
fn status_2(response: &Response<'_>) -> u16 {
    let raw = response.http_status;
    let number = read::<f64>(raw).or_else(|| read::<String>(raw)?.trim().parse().ok());
    // Casting a number that is no u16 gives the nearest.
    number.map_or(200, |number| (number as u16).clamp(100, 599))
}

fn headers_2(response: &Response<'_>) -> Vec<(String, String)> {
    let headers: serde_json::Map<String, serde_json::Value> =
        read(response.headers).unwrap_or_default();
    headers
        .into_iter()
        .map(|(name, value)| (name, plain(value)))
        .collect()
}

fn logs_2(envelope: &Envelope<'_>) -> Vec<String> {
    let logs: Vec<serde_json::Value> = read(envelope.logs).unwrap_or_default();
    logs.into_iter().map(plain).collect()
}

/// Text as it is, anything else as JSON.
fn plain(value: serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text,
        value => value.to_string(),
    }
}

/// What is there, `null` included; serde takes that for nothing.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// The value, when it is there and of that type.
fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

fn json_part(result: &Bytes, raw: &RawValue) -> Result<Json, Failure> {
    Json::part(result, raw).map_err(|error| {
        let message = format!("the command ran, but what it returned cannot be passed on: {error}");
        Failure::reported("InvalidResult", message)
    })
}

fn quoted(body: &Bytes, cx: &Context) -> Option<String> {
    let text = cx.masked(std::str::from_utf8(body).ok()?.trim().to_owned());
    let mut quoted: String = text.chars().take(QUOTED).collect();
    if quoted.len() < text.len() {
        quoted.push('…');
    }
    (!quoted.is_empty()).then_some(quoted)
}

/// The error of a call; nothing when the worker did not take the call, so that another one may.
pub(super) fn failed(error: &Bytes) -> Option<Failure> {
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
    let failure = match raised.kind {
        RaisedKind::Busy => return None,
        RaisedKind::Arguments => Failure::arguments(raised.message),
        RaisedKind::Unknown => Failure::unknown_command(raised.message),
        RaisedKind::Raised => Failure::new(Kind::Raised, raised.code, raised.message),
        RaisedKind::Result => Failure::reported(raised.code, raised.message),
    };
    let effect = match raised.effect {
        wire::Effect::None => Effect::None,
        wire::Effect::Maybe => Effect::Maybe,
        wire::Effect::Done => Effect::Done,
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
