//! What is answered to a request, as text.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::message::Id;
use super::revision::Revision;

/// How a call goes.
pub(crate) const PROGRESS: &str = "notifications/progress";

/// The list of tools is another one now.
pub(crate) const LIST_CHANGED: &str = "notifications/tools/list_changed";

/// Who answers, in the `_meta` of a result (2026-07-28, Per-response protocol fields).
pub(crate) const SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// A message that goes out, in parts of which some are empty: large ones stay where they are.
#[derive(Debug, Clone)]
pub(crate) struct Text(pub(crate) [Bytes; 7]);

/// The members of a result object as JSON, without its braces.
#[derive(Debug)]
pub(crate) struct Members {
    parts: [Bytes; 5],
    meta: Map<String, Value>,
}

// === impl Members ===

impl Members {
    pub(crate) fn new(parts: [Bytes; 5]) -> Members {
        Members {
            parts,
            meta: Map::new(),
        }
    }

    /// Of members that are written already.
    pub(crate) fn of(members: impl Into<Bytes>) -> Members {
        let none = Bytes::new;
        Members::new([members.into(), none(), none(), none(), none()])
    }

    pub(crate) fn with_meta(mut self, meta: Map<String, Value>) -> Members {
        self.meta = meta;
        self
    }

    /// The answer to a request.
    pub(crate) fn answer(mut self, id: &Id, revision: Revision) -> Text {
        let mut head = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"#, id.text());
        if revision.is_modern() {
            head.push_str(r#""resultType":"complete""#);
            self.meta.insert(SERVER.to_owned(), server_info());
            if !self.is_empty() {
                head.push(',');
            }
        }
        let comma = match self.is_empty() && !revision.is_modern() {
            true => "",
            false => ",",
        };
        let tail = match self.meta.is_empty() {
            true => "}}".to_owned(),
            false => format!(r#"{comma}"_meta":{}}}}}"#, Value::Object(self.meta)),
        };
        let [a, b, c, d, e] = self.parts;
        Text([head.into(), a, b, c, d, e, tail.into()])
    }

    fn is_empty(&self) -> bool {
        self.parts.iter().all(Bytes::is_empty)
    }
}

// === impl Text ===

impl Text {
    /// One that is written already.
    pub(crate) fn of(text: impl Into<Bytes>) -> Text {
        let mut parts: [Bytes; 7] = Default::default();
        parts[0] = text.into();
        Text(parts)
    }

    /// Its bytes without line breaks, which can only be white space in JSON. What has some is copied.
    pub(crate) fn on_one_line(self) -> impl Iterator<Item = Bytes> {
        let parts = self.0.into_iter().filter(|part| !part.is_empty());
        parts.map(on_one_line)
    }
}

/// Who answers here.
pub(crate) fn server_info() -> Value {
    json!({
        "name": "crosspoint",
        "title": "Crosspoint",
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// A notification.
pub(crate) fn notification(method: &str, params: &Value) -> Text {
    let params = match params {
        Value::Null => String::new(),
        params => format!(r#","params":{params}"#),
    };
    Text::of(format!(
        r#"{{"jsonrpc":"2.0","method":"{method}"{params}}}"#
    ))
}

fn on_one_line(part: Bytes) -> Bytes {
    if !part.iter().any(|b| matches!(b, b'\n' | b'\r')) {
        return part;
    }
    let plain = |b: &u8| match b {
        b'\n' | b'\r' => b' ',
        b => *b,
    };
    part.iter().map(plain).collect::<Vec<u8>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosspoint_core::Json;

    fn id() -> Id {
        Id::of(&Json::parse("7").unwrap())
    }

    #[test]
    fn a_result_is_valid_json_in_every_revision() {
        for members in ["", r#""a":1"#] {
            for revision in super::super::revision::ALL {
                let text = Members::of(members.to_owned()).answer(&id(), revision);
                let value: Value = serde_json::from_slice(&text.0.concat()).unwrap();
                assert_eq!(value["id"], 7);
                let modern = revision.is_modern();
                assert_eq!(value["result"]["resultType"].is_string(), modern);
                let name = &value["result"]["_meta"][SERVER]["name"];
                assert_eq!(name.is_string(), modern);
            }
        }
    }

    #[test]
    fn only_what_has_line_breaks_is_copied() {
        let plain = Bytes::from_static(b"{\"a\": 1}");
        assert_eq!(on_one_line(plain.clone()).as_ptr(), plain.as_ptr());
        let broken = Bytes::from_static(b"{\r\n\"a\": \"\\n\"}");
        assert_eq!(on_one_line(broken), "{  \"a\": \"\\n\"}");
    }
}
