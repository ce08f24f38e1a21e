//! Answers every ingress over HTTP needs: JSON with a status, and the envelope of a request that
//! could not be dispatched.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
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
