//! Turns what an upstream answered into an outcome or a failure, in each generation's way.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{Body, Context, Failure, Kind, Outcome, Verbatim};
use crosspoint_net::Response;
use http::header::{HeaderMap, RETRY_AFTER};

use super::content;

/// The generations of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Version 1 of the packages: the upstream's text and status, bare.
    Bare,
    /// Version 2 of the packages: from 400 on it is an error.
    Package,
    /// SpiffArena's newer family: from 300 on it is an error.
    Newer,
}

/// How much of an error page the message quotes, in characters.
const QUOTED: usize = 2000;

/// What an answer means.
pub(super) fn of(
    response: &Response,
    style: Style,
    include_headers: bool,
    cx: &Context,
) -> Result<Outcome, Failure> {
    let (mut outcome, unreadable) = match style {
        Style::Bare => (bare(response), None),
        Style::Package | Style::Newer => parsed(response),
    };
    if include_headers {
        outcome.headers = headers(&response.headers);
    }
    let status = status_of(response);
    let refused = status >= if style == Style::Newer { 300 } else { 400 };
    let failure = match (refused, unreadable) {
        (false, None) => return Ok(outcome),
        // An error page that cannot be parsed is an error page first.
        (true, _) => http_error(response, cx),
        (false, Some(failure)) => failure,
    };
    Err(failure.with_outcome(outcome))
}

/// What it means that there was no answer. The packages report it as an inner 500.
pub(super) fn unanswered(failure: Failure) -> Failure {
    let ours = matches!(failure.kind, Kind::Refused(_) | Kind::Invalid(_));
    if failure.outcome.is_some() || ours {
        return failure;
    }
    failure.with_outcome(Outcome::empty(500))
}

/// The upstream's text and status; the media type is JSON whatever it is, as in the package.
fn bare(response: &Response) -> Outcome {
    let text = response.text();
    // The usual case, UTF-8, shares the bytes that were read.
    let bytes = match text {
        Cow::Borrowed(_) => response.body.clone(),
        Cow::Owned(ref text) => Bytes::from(text.clone()),
    };
    let mimetype = Cow::Borrowed("application/json");
    let status = status_of(response);
    let verbatim = Verbatim {
        status,
        mimetype: mimetype.clone(),
        body: bytes,
    };
    let mut outcome = Outcome::new(Body::Text(text.into_owned()), mimetype).with_status(status);
    outcome.verbatim = Some(verbatim);
    outcome
}

fn parsed(response: &Response) -> (Outcome, Option<Failure>) {
    let (body, unreadable) = content::read(response);
    (
        Outcome::json(body).with_status(status_of(response)),
        unreadable,
    )
}

/// The protocol knows 100 to 599; what an upstream makes up beyond that is an error all the same.
fn status_of(response: &Response) -> u16 {
    response.status.clamp(100, 599)
}

fn http_error(response: &Response, cx: &Context) -> Failure {
    let status = status_of(response);
    let text = cx.masked(response.text().trim().to_owned());
    let mut message = format!("the upstream answered {}", response.status);
    let quoted: String = text.chars().take(QUOTED).collect();
    if !quoted.is_empty() {
        message = format!("{message}: {quoted}");
    }
    if quoted.len() < text.len() {
        message.push('…');
    }
    let mut failure = Failure::reported(format!("HttpError{}", status), message);
    failure.retry_after = retry_after(&response.headers);
    failure
}

/// `Retry-After` in its usual form, a number of seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse::<u32>()
        .ok()?;
    Some(Duration::from_secs(seconds.into()))
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut list: Vec<(String, String)> = Vec::with_capacity(headers.len());
    for name in headers.keys() {
        let values: Vec<_> = headers.get_all(name).iter().map(text).collect();
        list.push((name.to_string(), values.join(", ")));
    }
    list
}
