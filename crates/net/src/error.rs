//! Why a request brought no usable answer, by the names that processes already catch.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use crosspoint_core::{Effect, Failure, Refusal};
use url::Url;

use crate::causes::Causes;
use crate::guard::Refused;
use crate::target::origin;

/// What went wrong. Most are called as Python's `requests` calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetErrorKind {
    /// Refused, unknown host, or broken off before an answer came.
    Connection,
    /// No connection in time.
    ConnectTimeout,
    /// A connection, but no complete answer in time.
    ReadTimeout,
    /// The certificate is not accepted, or the handshake failed.
    Tls,
    /// The forward proxy cannot be reached or would not let the request through.
    Proxy,
    /// More than 30 redirects.
    TooManyRedirects,
    /// A redirect to another origin, of a request that stays at its own.
    RedirectRefused,
    /// The answer broke off, or is shorter than it says.
    BrokenBody,
    /// The answer is not compressed the way it says.
    Decoding,
    /// The answer is larger than the request allows.
    AnswerTooLarge,
    /// A URL without scheme.
    MissingSchema,
    /// A scheme other than `http` and `https`.
    InvalidSchema,
    /// A URL without host, with a bad port, or otherwise malformed.
    InvalidUrl,
    /// A header that cannot be sent.
    InvalidHeader,
    /// An egress rule forbids the target.
    EgressRefused,
}

/// A request that brought no usable answer.
///
/// `message` is public: of the URL it holds scheme, host and port only, because paths and queries
/// often carry secrets. `detail` is for the log.
#[derive(Debug, Clone)]
pub struct NetError {
    /// What went wrong.
    pub kind: NetErrorKind,
    /// Whether the other side may have acted on the request.
    pub effect: Effect,
    /// One or two sentences for the caller.
    pub message: String,
    /// The chain of causes.
    pub detail: Option<String>,
}

/// What a request went to, as far as its errors speak of it.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// `https://host:port`
    pub origin: String,
    pub https: bool,
    pub proxied: bool,
    /// Whether there are no authorities to trust.
    pub trusts_nobody: bool,
}

// === impl NetErrorKind ===

impl NetErrorKind {
    /// The stable code that diagrams catch.
    pub fn code(self) -> &'static str {
        match self {
            NetErrorKind::Connection => "ConnectionError",
            NetErrorKind::ConnectTimeout => "ConnectTimeout",
            NetErrorKind::ReadTimeout => "ReadTimeout",
            NetErrorKind::Tls => "SSLError",
            NetErrorKind::Proxy => "ProxyError",
            NetErrorKind::TooManyRedirects => "TooManyRedirects",
            NetErrorKind::RedirectRefused => "RedirectRefused",
            NetErrorKind::BrokenBody => "ChunkedEncodingError",
            NetErrorKind::Decoding => "ContentDecodingError",
            NetErrorKind::AnswerTooLarge => "AnswerTooLarge",
            NetErrorKind::MissingSchema => "MissingSchema",
            NetErrorKind::InvalidSchema => "InvalidSchema",
            NetErrorKind::InvalidUrl => "InvalidURL",
            NetErrorKind::InvalidHeader => "InvalidHeader",
            NetErrorKind::EgressRefused => "EgressRefused",
        }
    }

    /// The effect when nothing more is known than the kind.
    fn effect(self) -> Effect {
        match self {
            NetErrorKind::Connection | NetErrorKind::ReadTimeout => Effect::Maybe,
            NetErrorKind::TooManyRedirects
            | NetErrorKind::BrokenBody
            | NetErrorKind::Decoding
            | NetErrorKind::AnswerTooLarge => Effect::Done,
            NetErrorKind::ConnectTimeout
            | NetErrorKind::Tls
            | NetErrorKind::Proxy
            | NetErrorKind::MissingSchema
            | NetErrorKind::InvalidSchema
            | NetErrorKind::InvalidUrl
            | NetErrorKind::InvalidHeader
            | NetErrorKind::RedirectRefused
            | NetErrorKind::EgressRefused => Effect::None,
        }
    }
}

// === impl NetError ===

impl NetError {
    pub(crate) fn new(kind: NetErrorKind, message: impl Into<String>) -> NetError {
        NetError {
            kind,
            effect: kind.effect(),
            message: message.into(),
            detail: None,
        }
    }

    /// Reads why sending failed: everything before the head of an answer.
    pub(crate) fn sending(error: reqwest::Error, about: &About) -> NetError {
        let found = Causes::of(&error);
        let error = NetError {
            detail: Some(found.text.clone()),
            ..NetError::judge_sending(&error, &found, about)
        };
        tracing::debug!(
            origin = about.origin,
            code = error.kind.code(),
            detail = error.detail,
            "sending failed"
        );
        error
    }

    fn judge_sending(error: &reqwest::Error, found: &Causes<'_>, about: &About) -> NetError {
        let origin = &about.origin;
        if let Some(refused) = found.refused {
            return NetError::refused(refused);
        }
        if error.is_builder() {
            let message =
                format!("the URL to {origin} cannot be sent as it is: check its characters");
            return NetError::new(NetErrorKind::InvalidUrl, message);
        }
        if found.connect_timed_out || error.is_connect() && found.io(io::ErrorKind::TimedOut) {
            return NetError::new(
                NetErrorKind::ConnectTimeout,
                format!("connecting to {origin} took too long"),
            );
        }
        if let Some(reason) = found.tls(error.is_connect() && about.https) {
            let hint = match about.trusts_nobody {
                true => {
                    "; there are no CA certificates on this machine: install them (the package \
                     is often called ca-certificates) or name a file in ca_files"
                }
                false => "",
            };
            // An alert that comes after the handshake may come after the request, too.
            let effect = if error.is_connect() {
                Effect::None
            } else {
                Effect::Maybe
            };
            let message = format!("{origin} has no secure connection to offer: {reason}{hint}");
            return NetError {
                effect,
                ..NetError::new(NetErrorKind::Tls, message)
            };
        }
        if error.is_connect() && about.proxied {
            return NetError::new(
                NetErrorKind::Proxy,
                format!(
                    "the forward proxy for {origin} cannot be used: {}",
                    found.last
                ),
            );
        }
        let (effect, what) = match error.is_connect() {
            true if error.is_dns() => (Effect::None, "looking up the host of"),
            true => (Effect::None, "connecting to"),
            false => (Effect::Maybe, "waiting for the answer of"),
        };
        let message = format!("{what} {origin}: {}", found.last);
        NetError {
            effect,
            ..NetError::new(NetErrorKind::Connection, message)
        }
    }

    /// Reads why the body of an answer could not be read.
    pub(crate) fn reading(error: reqwest::Error, about: &About) -> NetError {
        let origin = &about.origin;
        let found = Causes::of(&error);
        let error = match found.broke_off {
            true => NetError::new(
                NetErrorKind::BrokenBody,
                format!("the answer of {origin} broke off: {}", found.last),
            ),
            false => NetError::new(
                NetErrorKind::Decoding,
                format!("the answer of {origin} is not compressed the way it says"),
            ),
        };
        NetError {
            detail: Some(found.text),
            ..error
        }
    }

    pub(crate) fn refused(refused: &Refused) -> NetError {
        NetError::new(NetErrorKind::EgressRefused, refused.to_string())
    }

    pub(crate) fn redirected(from: &Url, to: &Url) -> NetError {
        let (from, to) = (origin(from), origin(to));
        let message = format!("{from} sends the request on to {to}, and it must not go elsewhere");
        NetError::new(NetErrorKind::RedirectRefused, message)
    }

    pub(crate) fn read_timeout(origin: &str) -> NetError {
        let message = format!("{origin} did not answer completely in time");
        NetError::new(NetErrorKind::ReadTimeout, message)
    }

    pub(crate) fn connect_timeout(origin: &str) -> NetError {
        let message = format!("no time was left for connecting to {origin}");
        NetError::new(NetErrorKind::ConnectTimeout, message)
    }

    /// The same error in a request of which an earlier hop was sent and may have `acted`.
    pub(crate) fn after(mut self, acted: bool) -> NetError {
        if acted && self.effect == Effect::None {
            self.effect = Effect::Maybe;
        }
        self
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code(), self.message)
    }
}

impl StdError for NetError {}

/// Transport failures are those that another attempt may mend.
impl From<NetError> for Failure {
    fn from(error: NetError) -> Failure {
        let code = error.kind.code();
        let failure = match error.kind {
            NetErrorKind::EgressRefused => Failure::refused(Refusal::Egress, error.message),
            NetErrorKind::Connection
            | NetErrorKind::ConnectTimeout
            | NetErrorKind::ReadTimeout
            | NetErrorKind::Tls
            | NetErrorKind::Proxy
            | NetErrorKind::BrokenBody => Failure::transport(code, error.message),
            NetErrorKind::TooManyRedirects
            | NetErrorKind::RedirectRefused
            | NetErrorKind::Decoding
            | NetErrorKind::AnswerTooLarge
            | NetErrorKind::MissingSchema
            | NetErrorKind::InvalidSchema
            | NetErrorKind::InvalidUrl
            | NetErrorKind::InvalidHeader => Failure::reported(code, error.message),
        };
        Failure {
            detail: error.detail,
            ..failure.with_effect(error.effect)
        }
    }
}
