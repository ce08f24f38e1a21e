//! Answers in SpiffArena's version 2, as Python connectors and other proxies give them.

use std::borrow::Cow;

use bytes::Bytes;
use crosspoint_core::{Body, Context, Failure, Json, Outcome, Verbatim};
use serde::Deserialize;
use serde_json::value::RawValue;

/// How much of an answer the message of its failure quotes, in characters.
const QUOTED: usize = 2000;

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

/// The dict is the answer. What it says about itself is read for those who do not want the dict.
pub(crate) fn version_2(result: &Bytes, answer: &RawValue) -> Result<Outcome, Failure> {
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
pub(crate) fn plain(value: serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text,
        value => value.to_string(),
    }
}

/// What is there, `null` included; serde takes that for nothing.
pub(crate) fn present<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// The value, when it is there and of that type.
fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

pub(crate) fn json_part(result: &Bytes, raw: &RawValue) -> Result<Json, Failure> {
    Json::part(result, raw).map_err(|error| {
        let message = format!("the command ran, but what it returned cannot be passed on: {error}");
        Failure::reported("InvalidResult", message)
    })
}

/// The beginning of a body, for the message of its failure. Nothing where it is no text.
pub(crate) fn quoted(body: &Bytes, cx: &Context) -> Option<String> {
    let text = cx.masked(std::str::from_utf8(body).ok()?.trim().to_owned());
    let mut quoted: String = text.chars().take(QUOTED).collect();
    if quoted.len() < text.len() {
        quoted.push('…');
    }
    (!quoted.is_empty()).then_some(quoted)
}
