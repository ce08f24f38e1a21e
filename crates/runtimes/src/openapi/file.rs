//! Files in bodies and forms: a call gives them as text, or in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::merge::Merged;

/// What a file's value begins with that is given in base64 though its schema does not say so.
const BASE64: &str = "base64:";

/// How the bytes of a file are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As they are, or in base64 when the value begins with `base64:`.
    Text,
    /// In base64.
    Base64,
}

// === impl Encoding ===

impl Encoding {
    /// That of a schema. Nothing: it is that of no file.
    pub(super) fn of(schema: &Merged<'_>) -> Option<Encoding> {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        match (
            text("format"),
            text("contentEncoding"),
            text("contentMediaType"),
        ) {
            (Some("byte"), _, _) | (_, Some("base64"), _) => Some(Encoding::Base64),
            (Some("binary"), _, _) | (_, _, Some(_)) => Some(Encoding::Text),
            _ => None,
        }
    }

    /// The same also for a list of files.
    pub(super) fn of_one_or_many(root: &Value, schema: &Merged<'_>) -> Option<Encoding> {
        let of_items = || Encoding::of(&Merged::bare(root, schema.get("items")?));
        Encoding::of(schema).or_else(of_items)
    }

    /// The bytes of what a call gives. Fails with a clause such as `parameter 'file' is no base64`.
    pub(super) fn bytes(self, given: String, parameter: &str) -> Result<Vec<u8>, String> {
        let base64 = match (self, given.strip_prefix(BASE64)) {
            (_, Some(rest)) => rest,
            (Encoding::Base64, None) => &given,
            (Encoding::Text, None) => return Ok(given.into_bytes()),
        };
        STANDARD
            .decode(base64.trim())
            .map_err(|_| format!("parameter '{parameter}' is no base64"))
    }
}

/// Whether a media type, in small letters, is that of text: what a call gives is sent as it is.
pub(super) fn is_text(mimetype: &str) -> bool {
    let text = ["xml", "json", "yaml", "javascript", "graphql"];
    let (kind, rest) = mimetype.split_once('/').unwrap_or_default();
    let last = rest.rsplit(['+', '-', '.']).next().unwrap_or(rest);
    kind == "text" || text.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_bytes_by_its_media_type() {
        for text in [
            "text/csv",
            "application/xml",
            "image/svg+xml",
            "application/x-yaml",
        ] {
            assert!(is_text(text), "{text}");
        }
        for bytes in [
            "application/octet-stream",
            "image/png",
            "application/zip",
            "odd",
        ] {
            assert!(!is_text(bytes), "{bytes}");
        }
    }

    #[test]
    fn a_file_is_its_text_or_its_bytes_in_base64() {
        let bytes = |encoding: Encoding, given: &str| encoding.bytes(given.to_owned(), "f");
        for (encoding, given, wanted) in [
            (Encoding::Text, "hello", "hello"),
            (Encoding::Text, "base64:aGVsbG8=", "hello"),
            (Encoding::Base64, "base64:aGVsbG8=", "hello"),
            (Encoding::Base64, "aGVsbG8=\n", "hello"),
        ] {
            assert_eq!(bytes(encoding, given).unwrap(), wanted.as_bytes());
        }
        let error = bytes(Encoding::Text, "base64:?").unwrap_err();
        assert_eq!(error, "parameter 'f' is no base64");
    }
}
