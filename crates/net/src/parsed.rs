//! What connectors make of an answer: its body as JSON, and the failure that an error status is.

use std::borrow::Cow;
use std::time::Duration;

use crosspoint_core::{Context, Failure, Json};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::json;

use crate::response::Response;
use crate::xml;

/// How much of an error page the message quotes, in characters.
const QUOTED: usize = 2000;

// === impl Response ===

impl Response {
    /// JSON and XML are parsed; everything else, and whatever cannot be parsed, is
    /// `{"raw_response": text}`. A body that claims to be what it is not comes with the failure that
    /// the packages report, named for the exception of Python's reader.
    ///
    /// An empty body is no mistake, whatever it claims to be: HEAD and 204 have none.
    pub fn parsed(&self) -> (Json, Option<Failure>) {
        self.parse(|mimetype, kind| {
            mimetype.contains(&format!("application/{kind}"))
                || mimetype.contains("text/xml") && kind == "xml"
        })
    }

    /// The same, and media types that say by a suffix what they are, such as
    /// `application/vnd.example+json`, are parsed, too.
    pub fn parsed_by_suffix(&self) -> (Json, Option<Failure>) {
        self.parse(|mimetype, kind| {
            let essence = mimetype.split(';').next().unwrap_or_default().trim();
            let (main, sub) = essence.split_once('/').unwrap_or_default();
            matches!(main, "application" | "text")
                && (sub == kind || sub.rsplit('+').next() == Some(kind))
        })
    }

    fn parse(&self, is: impl Fn(&str, &str) -> bool) -> (Json, Option<Failure>) {
        let mimetype = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|m| m.to_str().ok())
            .unwrap_or("");
        let mimetype = mimetype.to_ascii_lowercase();
        let text = self.text();
        let raw =
            || Json::of(&json!({"raw_response": text})).unwrap_or_else(|_| Json::empty_object());
        if text.trim().is_empty() {
            return (raw(), None);
        }
        if is(&mimetype, "json") {
            // Valid JSON is passed on as it was spelled, sharing the bytes that were read.
            let bytes = match &text {
                Cow::Borrowed(text) => self.body.slice_ref(text.as_bytes()),
                Cow::Owned(text) => text.clone().into(),
            };
            return match Json::parse(bytes) {
                Ok(json) => (json, None),
                Err(error) => (
                    raw(),
                    Some(unreadable("JSONDecodeError", "JSON", &error.to_string())),
                ),
            };
        }
        if is(&mimetype, "xml") {
            return match xml::read(&text) {
                Ok(json) => (json, None),
                Err(why) => (raw(), Some(unreadable("ExpatError", "XML", &why))),
            };
        }
        (raw(), None)
    }

    /// The status as SpiffArena's protocol knows it, 100 to 599. What an upstream makes up beyond that
    /// is an error all the same.
    pub fn plain_status(&self) -> u16 {
        self.status.clamp(100, 599)
    }

    /// The failure that an error status is: `HttpError404`, with the beginning of what came with it,
    /// without secrets.
    pub fn http_error(&self, cx: &Context) -> Failure {
        let text = cx.masked(self.text().trim().to_owned());
        let mut message = format!("the upstream answered {}", self.status);
        let quoted: String = text.chars().take(QUOTED).collect();
        if !quoted.is_empty() {
            message = format!("{message}: {quoted}");
        }
        if quoted.len() < text.len() {
            message.push('…');
        }
        let mut failure = Failure::reported(format!("HttpError{}", self.plain_status()), message);
        failure.retry_after = self.retry_after();
        failure
    }

    /// `Retry-After` in its usual form, a number of seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        let seconds = text.trim().parse::<u32>().ok()?;
        Some(Duration::from_secs(seconds.into()))
    }

    /// Names and values of the headers; those of one name are joined.
    pub fn header_texts(&self) -> Vec<(String, String)> {
        texts(&self.headers)
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut list: Vec<(String, String)> = Vec::with_capacity(headers.len());
    for name in headers.keys() {
        let values: Vec<_> = headers.get_all(name).iter().map(text).collect();
        list.push((name.to_string(), values.join(", ")));
    }
    list
}

fn unreadable(code: &'static str, claim: &str, why: &str) -> Failure {
    Failure::reported(
        code,
        format!("the upstream's answer says that it is {claim}, but: {why}"),
    )
}
