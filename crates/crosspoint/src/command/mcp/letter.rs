//! A message of the client, as far as whoever passes it on has to know it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

/// A message, and what its headers say of it.
pub(super) struct Letter {
    /// As it came.
    pub(super) text: Bytes,
    /// As JSON, where an answer is wanted.
    pub(super) id: Option<String>,
    pub(super) method: Option<String>,
    /// What it says it speaks, from 2026-07-28 on.
    pub(super) revision: Option<String>,
    /// The name of the tool that it calls.
    name: Option<String>,
    /// The request that it cancels, as JSON.
    pub(super) cancels: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    id: Option<Value>,
    method: Option<String>,
    params: Params,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Params {
    name: Value,
    #[serde(rename = "requestId")]
    cancelled: Option<Value>,
    #[serde(rename = "_meta")]
    meta: Meta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    revision: Option<String>,
}

// === impl Letter ===

impl Letter {
    /// Reads a message. What is none is passed on as well: the server says what is wrong with it.
    pub(super) fn read(text: Bytes) -> Letter {
        let message: Message = serde_json::from_slice(&text).unwrap_or_default();
        let Message { id, method, params } = message;
        let calls = method.as_deref() == Some("tools/call");
        let name = params.name.as_str().filter(|_| calls);
        Letter {
            id: id.map(|id| id.to_string()),
            name: name.map(str::to_owned),
            cancels: params.cancelled.map(|id| id.to_string()),
            revision: params.meta.revision,
            method,
            text,
        }
    }

    /// Whether it opens a session.
    pub(super) fn opens(&self) -> bool {
        self.method.as_deref() == Some("initialize") && self.revision.is_none()
    }

    /// The header `Mcp-Name` (2026-07-28, Value Encoding).
    pub(super) fn name_header(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        let visible = name.bytes().all(|b| (b' '..=b'~').contains(&b));
        let plain = visible && name.trim() == name && !name.starts_with("=?base64?");
        Some(match plain {
            true => name.to_owned(),
            false => format!("=?base64?{}?=", STANDARD.encode(name)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Letter {
        Letter::read(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn what_headers_repeat_is_found_in_a_message() {
        let call = read(
            r#"{"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": {"name": "a_ö",
                "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}}"#,
        );
        assert_eq!(call.id.as_deref(), Some(r#""x""#));
        assert_eq!(call.revision.as_deref(), Some("2026-07-28"));
        assert_eq!(call.name_header().as_deref(), Some("=?base64?YV/Dtg==?="));
        let open = read(r#"{"id": 0, "method": "initialize", "params": {}}"#);
        assert!(open.opens() && open.name_header().is_none());
        let cancel = read(r#"{"method": "notifications/cancelled", "params": {"requestId": 7}}"#);
        assert_eq!((cancel.cancels.as_deref(), cancel.id), (Some("7"), None));
        assert!(read("nope").method.is_none());
    }
}
