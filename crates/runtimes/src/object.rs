//! JSON objects written from parts that are JSON already.

use bytes::Bytes;
use crosspoint_core::Json;

/// A JSON object that is being written.
pub(crate) struct Object(Vec<u8>);

// === impl Object ===

impl Object {
    /// An empty one, with room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Object {
        Object(Vec::with_capacity(bytes))
    }

    /// One that has the members of another, as they are spelled there.
    pub(crate) fn with_members_of(object: &Json) -> Object {
        let text = object.as_bytes().trim_ascii();
        let open = text.strip_suffix(b"}").unwrap_or(text).trim_ascii_end();
        Object(match open {
            b"{" => Vec::new(),
            open => open.to_vec(),
        })
    }

    /// Adds a member, whose value is JSON.
    pub(crate) fn add(&mut self, name: &str, value: &[u8]) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        self.0.extend_from_slice(Json::string(name).as_bytes());
        self.0.push(b':');
        self.0.extend_from_slice(value);
    }

    /// Adds a member, whose value is text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.add(name, Json::string(text).as_bytes());
    }

    /// The text of it.
    pub(crate) fn end(mut self) -> Bytes {
        if self.0.is_empty() {
            self.0.push(b'{');
        }
        self.0.push(b'}');
        self.0.into()
    }
}
