//! What another proxy answered, as an outcome or a failure. Answers that keep to the protocol are
//! passed on as they are.

use std::borrow::Cow;

use bytes::Bytes;
use crosspoint_core::{Body, Completion, Context, Effect, Failure, Json, Outcome, Verbatim};
use crosspoint_net::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::proxy::Proxy;
use super::standing::{Standing, is_page, media_type};
use crate::envelope::{quoted, version_2};

/// The code of a failure that a proxy reports without one.
const UNNAMED: &str = "ProxyError";

/// What tells the versions apart, and answers that keep to the protocol from others.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow)]
    command_response: Option<&'a RawValue>,
    command_response_version: Option<Value>,
    error: Option<Value>,
}

/// What is beside the body.
#[derive(Deserialize)]
struct Inner {
    http_status: Option<Value>,
    headers: Option<Value>,
}

/// Codes by which a Crosspoint says that it has not begun, with the statuses that they come with.
///
/// `deadline_exceeded` is none of them: it is also what a call gets that was cut off. Nor is
/// `TypeError` with 500, which is how others report what a command threw.
const NOT_BEGUN: [(u16, &str); 14] = [
    (400, "TypeError"),
    (400, "profile_disabled"),
    (400, "profile_incomplete"),
    (400, "profile_not_found"),
    (404, "command_not_found"),
    (429, "rate_limited"),
    (501, "ledger_off"),
    (503, "circuit_open"),
    (503, "ledger_unavailable"),
    (503, "not_ready"),
    (503, "overloaded"),
    (503, "secret_unavailable"),
    (503, "shutting_down"),
    (508, "loop_detected"),
];

/// Whether an answer may as well come from what stands before the proxy's commands as from one of
/// them: only the proxy itself can tell, see [`Standing`].
pub(super) fn is_doubtful(response: &Response) -> bool {
    match response.status {
        200..300 => is_page(response),
        401 | 403 => {
            let whole: Option<&RawValue> = serde_json::from_slice(&response.body).ok();
            let shape = whole.and_then(|whole| serde_json::from_str::<Shape<'_>>(whole.get()).ok());
            shape.is_none_or(|shape| !shape.is_version_2() && shape.code().is_none())
        }
        _ => false,
    }
}

/// The result of a call. `standing` is what the proxy says of itself where the answer is doubtful.
pub(super) fn returned(
    response: &Response,
    standing: Standing,
    proxy: &Proxy,
    cx: &Context,
) -> Result<Outcome, Failure> {
    let status = response.status;
    let whole: Option<&RawValue> = serde_json::from_slice(&response.body).ok();
    let shape: Option<Shape<'_>> = whole.and_then(|whole| serde_json::from_str(whole.get()).ok());
    let result = match (shape, whole) {
        (Some(shape), Some(whole)) if shape.is_version_2() => envelope(response, whole, &shape),
        (Some(shape), _) if status >= 300 && shape.code().is_some() => {
            Err(not_run(response, &shape))
        }
        _ => match standing {
            Standing::Refuses if matches!(status, 401 | 403) => Err(unauthorised(status, proxy)),
            Standing::Refuses | Standing::Page if status < 300 => Err(page(proxy)),
            _ => bare(response, proxy, cx),
        },
    };
    let wait = response.retry_after();
    match result {
        Ok(mut outcome) if status == 202 => {
            outcome.completion = Completion::HandedOver;
            Ok(outcome)
        }
        Err(mut failure) => {
            failure.retry_after = wait;
            Err(failure)
        }
        result => result,
    }
}

/// A version 2 answer. One that keeps to the protocol stays as it is; another is written anew from
/// what could be read of it.
fn envelope(response: &Response, whole: &RawValue, shape: &Shape<'_>) -> Result<Outcome, Failure> {
    let odd = shape.is_odd();
    let mut result = version_2(&response.body, whole);
    if let (Ok(_), Some(message)) = (&result, shape.told())
        && let Ok(outcome) = result
    {
        result = Err(Failure::reported(UNNAMED, message).with_outcome(outcome));
    }
    let outcome = match &mut result {
        Ok(outcome) => Some(outcome),
        Err(failure) => failure.outcome.as_deref_mut(),
    };
    if let Some(outcome) = outcome {
        match odd {
            true => outcome.verbatim = None,
            false => {
                if let Some(verbatim) = &mut outcome.verbatim {
                    verbatim.status = response.status;
                }
            }
        }
    }
    // Whatever the outer status: it is the answer of a command, which has run.
    result
}

/// The command could not be dispatched there, or threw (`ConnectorProxyProtocolError`).
fn not_run(response: &Response, shape: &Shape<'_>) -> Failure {
    let status = response.status.clamp(300, 599);
    let code = shape.code().unwrap_or(UNNAMED).to_owned();
    let message = shape.message().unwrap_or_default().to_owned();
    let mut outcome = Outcome::empty(status);
    outcome.verbatim = Some(Verbatim {
        status,
        mimetype: "application/json".into(),
        body: response.body.clone(),
    });
    let failure = Failure::reported(code, message).with_outcome(outcome);
    // The outer status alone says nothing: an answer of version 1 has that of the system behind it.
    match shape.is_empty() && NOT_BEGUN.contains(&(status, shape.code().unwrap_or_default())) {
        true => failure.with_effect(Effect::None),
        false => failure.with_effect(Effect::Maybe),
    }
}

/// It is us whom the proxy does not let in, not whoever has called us.
fn unauthorised(status: u16, proxy: &Proxy) -> Failure {
    let message = format!(
        "the proxy {proxy} does not take the API key: set `api_key` of its mount to one that it takes"
    );
    let failure = Failure::reported("ProxyUnauthorized", message);
    failure
        .with_outcome(Outcome::empty(status))
        .with_effect(Effect::None)
}

/// The proxy answers everything with a page: what is there is a login, or no proxy any more. Who has
/// seen the call nobody knows.
fn page(proxy: &Proxy) -> Failure {
    let message = format!(
        "the proxy {proxy} answered with a web page, and it does not list its commands either: does \
         something ask for a login before it?"
    );
    Failure::reported(UNNAMED, message)
        .with_outcome(Outcome::empty(502))
        .with_effect(Effect::Maybe)
}

/// A version 1 answer: body, status and media type are those of the result. So a failure is one of
/// the system behind the command, as with `http`, and nothing is known to have been left undone.
fn bare(response: &Response, proxy: &Proxy, cx: &Context) -> Result<Outcome, Failure> {
    let mimetype: Cow<'static, str> = match media_type(response) {
        Some(mimetype) => mimetype.to_owned().into(),
        None => "application/json".into(),
    };
    // A redirect to elsewhere does not come this far.
    let status = response.status.clamp(200, 599);
    let mut outcome = Outcome::new(body(&response.body, &mimetype), mimetype.clone());
    outcome.status = status;
    outcome.verbatim = Some(Verbatim {
        status,
        mimetype,
        body: response.body.clone(),
    });
    if status < 400 {
        return Ok(outcome);
    }
    let mut message = format!("the proxy {proxy} answered with status {status}");
    if let Some(quoted) = quoted(&response.body, cx) {
        message = format!("{message}: {quoted}");
    }
    Err(Failure::reported(format!("HttpError{status}"), message).with_outcome(outcome))
}

fn body(bytes: &Bytes, mimetype: &str) -> Body {
    if mimetype.contains("json")
        && let Ok(json) = Json::parse(bytes.clone())
    {
        return Body::Json(json);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Body::Text(text.to_owned()),
        Err(_) => Body::Bytes(bytes.clone()),
    }
}

// === impl Shape ===

impl Shape<'_> {
    fn is_version_2(&self) -> bool {
        let version = self.command_response_version.as_ref();
        let number = version.and_then(|version| {
            let text = || version.as_str()?.trim().parse().ok();
            version.as_f64().or_else(text)
        });
        number.is_some_and(|number| number > 1.0)
            && self
                .command_response
                .is_some_and(|inner| inner.get().starts_with('{'))
    }

    /// Whether it has the shape of a call that was not run: a result without anything in it.
    fn is_empty(&self) -> bool {
        let inner = self.command_response.map(|inner| inner.get());
        let inner = inner.and_then(|inner| serde_json::from_str::<Map<String, Value>>(inner).ok());
        self.command_response_version.is_none() && inner.is_some_and(|inner| inner.is_empty())
    }

    fn code(&self) -> Option<&str> {
        let code = self.error.as_ref()?.get("error_code")?.as_str();
        code.filter(|code| !code.is_empty())
    }

    fn message(&self) -> Option<&str> {
        self.error.as_ref()?.get("message")?.as_str()
    }

    /// An error without a code: as text, or as an object of another shape.
    fn told(&self) -> Option<String> {
        match self.error.as_ref()? {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::Object(error) if !error.is_empty() && self.code().is_none() => {
                let message = self.message().map(str::to_owned);
                Some(message.unwrap_or_else(|| "the proxy reports an error without a code".into()))
            }
            _ => None,
        }
    }

    /// Whether an engine that reads it by the letter of the protocol would stumble.
    fn is_odd(&self) -> bool {
        let inner = self.command_response.map(|inner| inner.get());
        let inner = inner.and_then(|inner| serde_json::from_str::<Inner>(inner).ok());
        let plain = inner.is_some_and(|inner| {
            inner.http_status.is_none_or(|status| status.is_u64())
                && inner.headers.is_none_or(|headers| headers.is_object())
        });
        let numbered = matches!(self.command_response_version, Some(Value::Number(_)));
        !plain || !numbered || self.told().is_some()
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
