//! Files that go with a message.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{self, SinglePart};
use schemars::JsonSchema;
use serde::Deserialize;

use super::letter::{Mistakes, has_controls};

/// How large all files may be together, in bytes after decoding. What is larger is refused by
/// nearly every mail server, too.
const MAX_TOTAL: usize = 25 * 1024 * 1024;

/// Takes base64 with and without the signs that fill it up.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A file.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Attachment {
    /// The file's name.
    name: String,
    /// Its content in base64, or a `data:` URL in base64 as web forms make them.
    content: String,
    /// Its media type; `application/octet-stream` when absent.
    mimetype: Option<String>,
}

/// The parts of the message that hold the files.
pub(super) fn parts(list: &[Attachment], mistakes: &mut Mistakes) -> Vec<SinglePart> {
    // Told from the length, so that nothing too large is decoded.
    let total: usize = list.iter().map(|file| file.content.len() / 4 * 3).sum();
    if total > MAX_TOTAL {
        mistakes.add(format!(
            "parameter 'attachments' must not be larger than {} MiB in all",
            MAX_TOTAL / 1024 / 1024
        ));
        return Vec::new();
    }
    let numbered = list.iter().enumerate();
    numbered
        .filter_map(|(at, file)| part(at, file, mistakes))
        .collect()
}

fn part(at: usize, file: &Attachment, mistakes: &mut Mistakes) -> Option<SinglePart> {
    if file.name.trim().is_empty() || has_controls(&file.name) {
        mistakes.add(format!(
            "parameter 'attachments[{at}].name' must be a file's name without line breaks"
        ));
    }
    let content = decode(&file.content);
    if content.is_none() {
        mistakes.add(format!(
            "parameter 'attachments[{at}].content' must be base64"
        ));
    }
    let mimetype = content_type(file.mimetype.as_deref());
    if mimetype.is_none() {
        mistakes.add(format!(
            "parameter 'attachments[{at}].mimetype' must be a media type of a file, such as \
             application/pdf"
        ));
    }
    let encoding = ContentTransferEncoding::Base64;
    // Never fails for base64, which can hold anything.
    let body = message::Body::new_with_encoding(content?, encoding).ok()?;
    Some(message::Attachment::new(file.name.clone()).body(body, mimetype?))
}

/// Line breaks and spaces in base64 mean nothing.
fn decode(content: &str) -> Option<Vec<u8>> {
    let base64 = match content.strip_prefix("data:") {
        Some(url) => url.split_once(";base64,")?.1,
        None => content,
    };
    if base64.contains(|c: char| c.is_ascii_whitespace()) {
        let dense: Vec<u8> = base64
            .bytes()
            .filter(|b| !b.is_ascii_whitespace())
            .collect();
        return BASE64.decode(dense).ok();
    }
    BASE64.decode(base64).ok()
}

/// Types that hold messages or parts must not be in base64 (RFC 2045, section 6.4).
fn content_type(mimetype: Option<&str>) -> Option<ContentType> {
    let text = match mimetype.map(str::trim) {
        None | Some("") => "application/octet-stream",
        Some(text) => text,
    };
    let kind = text.split('/').next().unwrap_or_default();
    let composite = ["multipart", "message"]
        .iter()
        .any(|c| c.eq_ignore_ascii_case(kind));
    if composite || has_controls(text) || !text.is_ascii() {
        return None;
    }
    ContentType::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_taken_in_its_usual_spellings() {
        for text in [
            "aGk=",
            "aGk",
            " aG\r\nk= ",
            "data:text/plain;name=a.txt;base64,aGk=",
        ] {
            assert_eq!(decode(text).unwrap(), b"hi", "{text}");
        }
        for text in ["a", "aGk=aGk=", "a*k=", "data:text/plain,hi"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn media_types_of_files_are_taken() {
        for text in [
            None,
            Some(""),
            Some("text/csv; charset=utf-8"),
            Some("image/png"),
        ] {
            assert!(content_type(text).is_some(), "{text:?}");
        }
        for text in [
            "pdf",
            "multipart/mixed",
            "Message/rfc822",
            "a/b\r\nX: y",
            "a/ü",
        ] {
            assert!(content_type(Some(text)).is_none(), "{text}");
        }
    }
}
