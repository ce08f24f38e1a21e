//! What came back.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use encoding_rs::{Encoding, WINDOWS_1252};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use url::Url;

/// A complete answer, whatever its status.
#[derive(Clone)]
pub struct Response {
    /// The status, 100 to 599 and beyond.
    pub status: u16,
    /// The headers. When the body was decompressed, `content-encoding` and `content-length` are
    /// gone.
    pub headers: HeaderMap,
    /// The whole body, decompressed.
    pub body: Bytes,
    /// Where the answer came from, after redirects, without user and password.
    pub url: Url,
}

// === impl Response ===

impl Response {
    /// The body as text. The charset of `content-type` decides; when it is unknown or missing,
    /// UTF-8 if the body is that, else windows-1252. Bytes that the charset does not have become
    /// replacement characters.
    pub fn text(&self) -> Cow<'_, str> {
        if let Some(encoding) = self.charset() {
            return encoding.decode(&self.body).0;
        }
        match std::str::from_utf8(&self.body) {
            Ok(text) => Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Err(_) => WINDOWS_1252.decode_without_bom_handling(&self.body).0,
        }
    }

    fn charset(&self) -> Option<&'static Encoding> {
        // Header values are bytes; the part that matters here is ASCII.
        let value = String::from_utf8_lossy(self.headers.get(CONTENT_TYPE)?.as_bytes());
        let label = value.split(';').skip(1).find_map(|parameter| {
            let (name, label) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| label.trim().trim_matches('"'))
        })?;
        Encoding::for_label_no_replacement(label.as_bytes())
    }
}

/// Bodies and headers are other people's data: debug output shows their size.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn text(content_type: &[u8], body: &'static [u8]) -> String {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_bytes(content_type).unwrap());
        }
        let url = Url::parse("http://h/").unwrap();
        let response = Response {
            status: 200,
            headers,
            body: Bytes::from_static(body),
            url,
        };
        response.text().into_owned()
    }

    #[test]
    fn the_charset_of_the_header_decides() {
        assert_eq!(text(b"text/plain; charset=ISO-8859-1", b"Zo\xeb"), "Zoë");
        assert_eq!(
            text(b"text/plain; Charset=\"utf-8\"", "Zoë".as_bytes()),
            "Zoë"
        );
        assert_eq!(text(b"text/plain;charset=shift_jis", b"\x93\xfa"), "日");
        assert_eq!(
            text(b"text/plain;x=\"\xff\";charset=utf-16le", b"a\0b\0"),
            "ab"
        );
    }

    #[test]
    fn without_a_known_charset_the_body_decides() {
        assert_eq!(text(b"", "Zoë".as_bytes()), "Zoë");
        assert_eq!(text(b"", b"Zo\xeb \x80"), "Zoë €");
        assert_eq!(text(b"text/plain; charset=klingon", b"Zo\xeb"), "Zoë");
        assert_eq!(text(b"text/plain; charset=iso-2022-kr", b"ok"), "ok");
        assert_eq!(text(b"application/json", b"\xef\xbb\xbf{}"), "{}");
    }

    #[test]
    fn a_lie_about_the_charset_does_not_fail() {
        assert_eq!(text(b"text/plain; charset=utf-8", b"Zo\xeb"), "Zo\u{fffd}");
    }
}
