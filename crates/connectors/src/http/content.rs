//! Reads the body of an answer as JSON.

use std::borrow::Cow;

use crosspoint_core::{Failure, Json};
use crosspoint_net::Response;
use http::header::CONTENT_TYPE;
use serde_json::json;

use super::xml;

/// JSON and XML are parsed; everything else, and whatever cannot be parsed, is
/// `{"raw_response": text}`. A body that claims to be what it is not comes with the failure that
/// the packages report, named for the exception of Python's reader.
///
/// An empty body is no mistake, whatever it claims to be: HEAD and 204 have none.
pub(super) fn read(response: &Response) -> (Json, Option<Failure>) {
    let mimetype = response
        .headers
        .get(CONTENT_TYPE)
        .and_then(|m| m.to_str().ok())
        .unwrap_or("");
    let mimetype = mimetype.to_ascii_lowercase();
    let text = response.text();
    let raw = || Json::of(&json!({"raw_response": text})).unwrap_or_else(|_| Json::empty_object());
    if text.trim().is_empty() {
        return (raw(), None);
    }
    if mimetype.contains("application/json") {
        // Valid JSON is passed on as it was spelled, sharing the bytes that were read.
        let bytes = match &text {
            Cow::Borrowed(text) => response.body.slice_ref(text.as_bytes()),
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
    if mimetype.contains("application/xml") || mimetype.contains("text/xml") {
        return match xml::read(&text) {
            Ok(json) => (json, None),
            Err(why) => (raw(), Some(unreadable("ExpatError", "XML", &why))),
        };
    }
    (raw(), None)
}

fn unreadable(code: &'static str, claim: &str, why: &str) -> Failure {
    Failure::reported(
        code,
        format!("the upstream's answer says that it is {claim}, but: {why}"),
    )
}
