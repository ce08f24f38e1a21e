//! Turns what an upstream answered into an outcome or a failure, in each generation's way.

use std::borrow::Cow;

use bytes::Bytes;
use crosspoint_core::{Body, Context, Failure, Kind, Outcome, Verbatim};
use crosspoint_net::Response;

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
        outcome.headers = response.header_texts();
    }
    let status = response.plain_status();
    let refused = status >= if style == Style::Newer { 300 } else { 400 };
    let failure = match (refused, unreadable) {
        (false, None) => return Ok(outcome),
        // An error page that cannot be parsed is an error page first.
        (true, _) => response.http_error(cx),
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
    let status = response.plain_status();
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
    let (body, unreadable) = response.parsed();
    (
        Outcome::json(body).with_status(response.plain_status()),
        unreadable,
    )
}
