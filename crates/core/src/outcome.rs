//! What a command brought back.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::Json;

/// The body of an [`Outcome`].
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// JSON text, valid and never re-spelled on the way.
    Json(Json),
    /// Unicode text.
    Text(String),
    /// Anything else.
    Bytes(Bytes),
}

/// An answer that the SpiffArena ingress writes as it is: a version 1 result, or the dict that a
/// Python connector of version 2 returned. Other ingresses look at the rest of the [`Outcome`].
#[derive(Clone, PartialEq, Eq)]
pub struct Verbatim {
    /// The outer HTTP status.
    pub status: u16,
    /// The `content-type` header.
    pub mimetype: Cow<'static, str>,
    /// The bytes of the answer.
    pub body: Bytes,
}

/// Whether an outcome ends its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// The command has run.
    Finished,
    /// The connector took the call and will answer the engine by itself later (`execute_async` of
    /// a Python connector). SpiffArena sees an outer 202.
    HandedOver,
    /// The call takes long, and the broker delivers its result to the callback. SpiffArena sees an
    /// outer 202.
    Accepted,
}

/// What a command brought back when it succeeded, or the part of a failure that came from outside.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The result itself.
    pub body: Body,
    /// Media type of the body.
    pub mimetype: Cow<'static, str>,
    /// Status in the sense of HTTP, 100 to 599. SpiffArena treats 300 and above as an error.
    pub status: u16,
    /// Headers worth passing on, in the order they came.
    pub headers: Vec<(String, String)>,
    /// Lines for the engine's own log (`spiff__logs`).
    pub logs: Vec<String>,
    /// Set when SpiffArena must get other bytes than its version 2 envelope.
    pub verbatim: Option<Verbatim>,
    /// Whether more will follow.
    pub completion: Completion,
}

// === impl Body ===

impl Body {
    /// The bytes of it.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Body::Json(json) => json.as_bytes(),
            Body::Text(text) => text.as_bytes(),
            Body::Bytes(bytes) => bytes,
        }
    }
}

// === impl Outcome ===

impl Outcome {
    /// A JSON body with status 200.
    pub fn json(body: Json) -> Outcome {
        Outcome::new(Body::Json(body), "application/json")
    }

    /// A text body with status 200.
    pub fn text(body: impl Into<String>) -> Outcome {
        Outcome::new(Body::Text(body.into()), "text/plain")
    }

    /// Any body with status 200.
    pub fn new(body: Body, mimetype: impl Into<Cow<'static, str>>) -> Outcome {
        Outcome {
            body,
            mimetype: mimetype.into(),
            status: 200,
            headers: Vec::new(),
            logs: Vec::new(),
            verbatim: None,
            completion: Completion::Finished,
        }
    }

    /// An empty JSON object, for failures that brought nothing back but a status or log lines.
    pub fn empty(status: u16) -> Outcome {
        Outcome::json(Json::empty_object()).with_status(status)
    }

    /// Sets the status.
    pub fn with_status(mut self, status: u16) -> Outcome {
        self.status = status;
        self
    }
}

// Bodies are other people's data: debug output shows their size, never their content.

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, len) = match self {
            Body::Json(json) => ("Json", json.as_bytes().len()),
            Body::Text(text) => ("Text", text.len()),
            Body::Bytes(bytes) => ("Bytes", bytes.len()),
        };
        write!(f, "{name}({len} bytes)")
    }
}

impl fmt::Debug for Verbatim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Verbatim({}, {}, {} bytes)",
            self.status,
            self.mimetype,
            self.body.len()
        )
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("status", &self.status)
            .field("mimetype", &self.mimetype)
            .field("body", &self.body)
            .field("verbatim", &self.verbatim)
            .field("completion", &self.completion)
            .finish_non_exhaustive()
    }
}
