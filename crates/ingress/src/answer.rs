//! Answers every ingress over HTTP needs: JSON with a status, and the envelope of a request that
//! could not be dispatched.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crosspoint_core::Body as Content;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body::{Frame, SizeHint};
use serde_json::{Value, json};

/// `application/json`.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Bytes with a status and a content type.
pub(crate) fn bytes(status: StatusCode, mimetype: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, mimetype);
    response
}

/// A JSON value with a status.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    bytes(status, JSON, value.to_string())
}

/// The answer to what could not be dispatched (`spiff-openapi.json`,
/// `ConnectorProxyProtocolError`).
pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let error = json!({"error_code": code, "message": message});
    json(status, &json!({"command_response": {}, "error": error}))
}

/// What the access rules turned away (`spiff-openapi.json`, `Unauthorized`).
pub(crate) fn denied(status: StatusCode, message: &str) -> Response {
    json(status, &json!({"error": message}))
}

/// Beyond this size a body is written from where it lies; below, one copy is cheaper.
pub(crate) const COPY: usize = 16 * 1024;

/// Three parts as one body, of which the one in the middle may be large.
pub(crate) fn joined(parts: [Bytes; 3]) -> Body {
    match parts[1].len() > COPY {
        true => Body::new(Parts::new(parts)),
        false => parts.concat().into(),
    }
}

/// A body as a JSON value, and how it got to be one: `json` as it is, `text`, or `base64`.
pub(crate) fn body_json(body: Content) -> (Bytes, &'static str) {
    match body {
        Content::Json(json) => (json.bytes(), "json"),
        Content::Text(text) => (Value::from(text).to_string().into(), "text"),
        // JSON has no bytes: base64 is what every language's reader expects there.
        Content::Bytes(bytes) => {
            let text = STANDARD.encode(bytes);
            (Value::from(text).to_string().into(), "base64")
        }
    }
}

/// Headers of an outcome as an object.
pub(crate) fn headers_json(headers: Vec<(String, String)>) -> Value {
    headers.into_iter().collect()
}

/// A time in whole seconds, rounded up.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Sets a header whose value is known to be one.
pub(crate) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A body that says when the server is done with it: written, or given up with its connection.
pub(crate) struct Watched<F: FnOnce()> {
    body: Body,
    done: Option<F>,
}

// === impl Watched ===

impl<F: FnOnce()> Watched<F> {
    pub(crate) fn new(body: Body, done: F) -> Watched<F> {
        Watched {
            body,
            done: Some(done),
        }
    }
}

impl<F: FnOnce() + Unpin> http_body::Body for Watched<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<F: FnOnce()> Drop for Watched<F> {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done();
        }
    }
}

/// A body of a few parts, so that a large result is written from where it lies instead of being
/// copied into its envelope. The length is known.
pub(crate) struct Parts<const N: usize> {
    parts: [Bytes; N],
    next: usize,
}

// === impl Parts ===

impl<const N: usize> Parts<N> {
    pub(crate) fn new(parts: [Bytes; N]) -> Parts<N> {
        Parts { parts, next: 0 }
    }

    fn rest(&self) -> usize {
        self.parts[self.next..].iter().map(Bytes::len).sum()
    }
}

impl<const N: usize> http_body::Body for Parts<N> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        while this.next < N {
            let part = std::mem::take(&mut this.parts[this.next]);
            this.next += 1;
            if !part.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(part))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.rest() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest() as u64)
    }
}
