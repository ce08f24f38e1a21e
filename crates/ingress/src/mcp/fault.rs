//! What a request is answered that is not done: an error of JSON-RPC.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::message::Id;
use super::revision;

/// Why a request is not done.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Of JSON-RPC 2.0, section 5.1, and of the protocol (2026-07-28, Error Codes).
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Option<Box<Value>>,
    /// The HTTP status where revisions from 2026-07-28 on want one.
    pub(crate) status: StatusCode,
}

// === impl Fault ===

impl Fault {
    fn new(code: i64, status: StatusCode, message: impl Into<String>) -> Fault {
        Fault {
            code,
            message: message.into(),
            data: None,
            status,
        }
    }

    /// It is not JSON.
    pub(crate) fn parse(message: impl Into<String>) -> Fault {
        Fault::new(-32700, StatusCode::BAD_REQUEST, message)
    }

    /// It is no message, or none that may come now.
    pub(crate) fn invalid_request(message: impl Into<String>) -> Fault {
        Fault::new(-32600, StatusCode::BAD_REQUEST, message)
    }

    /// There is no such method.
    pub(crate) fn no_method(method: &str) -> Fault {
        let message =
            format!("there is no method {method} here; there are tools/list and tools/call");
        Fault::new(-32601, StatusCode::NOT_FOUND, message)
    }

    /// The parameters of the method are wrong.
    pub(crate) fn invalid_params(message: impl Into<String>) -> Fault {
        Fault::new(-32602, StatusCode::OK, message)
    }

    /// What each request has to carry is missing (2026-07-28, Per-request protocol fields).
    pub(crate) fn incomplete(message: impl Into<String>) -> Fault {
        Fault::new(-32602, StatusCode::BAD_REQUEST, message)
    }

    /// It cannot be done now.
    pub(crate) fn busy(message: impl Into<String>) -> Fault {
        Fault::new(-32603, StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// Headers say something else than the body (2026-07-28, Server Validation).
    pub(crate) fn header_mismatch(message: impl Into<String>) -> Fault {
        Fault::new(-32020, StatusCode::BAD_REQUEST, message)
    }

    /// A revision that is not spoken here (2026-07-28, Protocol Version Negotiation).
    pub(crate) fn unsupported_revision(requested: &str) -> Fault {
        let requested = crosspoint_core::shorten(requested);
        let supported = revision::names();
        let message = format!(
            "the protocol version {requested} is not spoken here; there is {}",
            supported.join(", ")
        );
        Fault {
            data: Some(Box::new(
                json!({"supported": supported, "requested": requested}),
            )),
            ..Fault::new(-32022, StatusCode::BAD_REQUEST, message)
        }
    }

    /// As a message. Without an id where none could be read (2025-11-25, Responses).
    pub(crate) fn text(&self, id: Option<&Id>) -> Bytes {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = (**data).clone();
        }
        let id = id.map_or_else(String::new, |id| format!(r#""id":{},"#, id.text()));
        format!(r#"{{"jsonrpc":"2.0",{id}"error":{error}}}"#).into()
    }
}
