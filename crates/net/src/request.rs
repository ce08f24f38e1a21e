//! What is sent.

use std::fmt;

use bytes::Bytes;
use crosspoint_core::{Secret, Trace};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::Instant;

use crate::error::{NetError, NetErrorKind};
use crate::own::OriginHeaders;
use crate::target::Target;

/// How large an answer may be unless a request says otherwise: 10 MiB.
pub const DEFAULT_MAX_ANSWER: usize = 10 * 1024 * 1024;

/// One request. Redirects and forward proxies are the client's business.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The URL as somebody typed it. User and password in it become basic authentication when
    /// there is no other.
    pub url: String,
    /// Parameters added to the query that the URL has, form-encoded.
    pub query: Vec<(String, String)>,
    /// Headers. `user-agent` and `accept` have defaults; `content-length` and
    /// `transfer-encoding` follow from the body and are ignored here.
    pub headers: HeaderMap,
    /// User and password for basic authentication; they replace an `authorization` header.
    pub basic_auth: Option<(String, Secret<String>)>,
    /// Headers that go to one origin alone, where the request has none of their names.
    pub own: Option<OriginHeaders>,
    /// The body.
    pub body: Option<Bytes>,
    /// Whether redirects are followed, up to 30 of them. Default: yes.
    pub follow: bool,
    /// Whether a redirect to another origin is refused. Default: no.
    pub stay: bool,
    /// When the answer must be complete.
    pub deadline: Instant,
    /// How many bytes the answer may have after decompression. Default: [`DEFAULT_MAX_ANSWER`].
    pub max_answer: usize,
    /// The trace to pass on as `traceparent` and `tracestate`, unless the headers have one.
    pub trace: Option<Trace>,
}

// === impl Request ===

impl Request {
    /// A request with nothing but what every request has.
    pub fn new(method: Method, url: impl Into<String>, deadline: Instant) -> Request {
        Request {
            method,
            url: url.into(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            basic_auth: None,
            own: None,
            body: None,
            follow: true,
            stay: false,
            deadline,
            max_answer: DEFAULT_MAX_ANSWER,
            trace: None,
        }
    }

    /// Sets a header, replacing one of the same name. Text outside ASCII is sent as UTF-8.
    ///
    /// The error is of the kind [`NetErrorKind::InvalidHeader`] and does not show the value.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), NetError> {
        let (key, value) = header(name, value)?;
        self.headers.insert(key, value);
        Ok(())
    }

    /// Whether the request goes to the origin of these headers. Nothing where its URL is none.
    pub fn goes_to(&self, own: &OriginHeaders) -> Option<bool> {
        let target = Target::parse(&self.url, &[]).ok()?;
        Some(own.is_of(&target.url))
    }
}

/// A header that can be sent. The error does not show the value.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), NetError> {
    let invalid = |message| NetError::new(NetErrorKind::InvalidHeader, message);
    let key = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| invalid(format!("{name:?} cannot be the name of a header")))?;
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        invalid(format!(
            "the value of the header {key} has characters that cannot be sent"
        ))
    })?;
    Ok((key, value))
}

/// Prints the method and the size of the body: everything else may hold secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("body", &self.body.as_ref().map(|body| body.len()))
            .field("follow", &self.follow)
            .field("max_answer", &self.max_answer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_cannot_be_sent_is_named_without_its_value() {
        let mut request = Request::new(Method::GET, "http://h/", Instant::now());
        request.set_header("X-Name", "Zoë").unwrap();
        let error = request
            .set_header("X-Token", "hunter2\r\nevil: 1")
            .unwrap_err();
        assert_eq!(error.kind, NetErrorKind::InvalidHeader);
        assert!(error.message.contains("x-token") && !error.message.contains("hunter2"));
        assert!(
            request
                .set_header("bad name", "x")
                .unwrap_err()
                .message
                .contains("bad name")
        );
    }
}
