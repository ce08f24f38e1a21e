//! Which proxy is mounted, and how.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::Secret;
use crosspoint_net::{Http, OriginHeaders, Request};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;
use url::Url;

use crate::Idempotent;

/// The header with the key of a proxy (`spiff-openapi.json`, `ConnectorProxyApiKey`).
const KEY_HEADER: &str = "spiff-connector-proxy-api-key";

/// What a name in a path need not be encoded for.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A proxy to mount.
#[derive(Clone)]
pub struct Proxy {
    /// How messages call it: the name of its entry.
    pub name: String,
    /// How it is treated.
    pub settings: Settings,
    /// What asks it.
    pub http: Http,
    /// Which process this is, for the proxies that calls come through: see [`crosspoint_core::VIA`].
    pub instance: Arc<str>,
    base: Url,
    key: OriginHeaders,
}

/// How a proxy is treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which of its connectors are mounted, by their names there. Default: none are named, and all
    /// are.
    pub only: Vec<String>,
    /// How often its catalogue is read again. Default 60 s.
    pub refresh: Duration,
    /// How long it may take to tell its catalogue, or whether it is there. Default 15 s.
    pub patience: Duration,
    /// The largest answer in bytes. Default 10 MiB.
    pub max_answer: usize,
    /// Which of its commands may safely be repeated, as `connector/Command` or all, beside those of
    /// which it says so itself.
    pub idempotent: Idempotent,
}

/// Why no proxy can be at an address, or no key be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAProxy {
    /// Something else than the `http` or `https` address of a server.
    #[error("a proxy has an address such as `http://proxy.example:7004`, without user and query")]
    Address,
    /// Characters that no header may have.
    #[error("the API key has characters that cannot be sent")]
    Key,
}

// === impl Proxy ===

impl Proxy {
    /// The proxy at that address: `/v1/commands` and the rest follow it.
    pub fn new(
        name: &str,
        address: &str,
        key: Option<&Secret<String>>,
        http: Http,
    ) -> Result<Proxy, NotAProxy> {
        let mut base = Url::parse(address.trim()).map_err(|_| NotAProxy::Address)?;
        let plain = matches!(base.scheme(), "http" | "https")
            && base.has_host()
            && base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none();
        if !plain {
            return Err(NotAProxy::Address);
        }
        base.set_fragment(None);
        let origin = base.origin().ascii_serialization();
        let mut own = OriginHeaders::new(&origin).ok_or(NotAProxy::Address)?;
        if let Some(key) = key {
            own.set(KEY_HEADER, key.expose())
                .map_err(|_| NotAProxy::Key)?;
        }
        Ok(Proxy {
            name: name.to_owned(),
            settings: Settings::default(),
            http,
            instance: Arc::from(""),
            base,
            key: own,
        })
    }

    /// The address of a path of the protocol.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    /// Where one of its commands is called.
    pub(super) fn command(&self, connector: &str, command: &str) -> String {
        let part = |text| utf8_percent_encode(text, UNRESERVED);
        self.at(&format!("/v1/do/{}/{}", part(connector), part(command)))
    }

    /// A request that takes the key along, and leaves the proxy's origin under no circumstances.
    pub(super) fn request(&self, method: Method, url: String, deadline: Instant) -> Request {
        let mut request = Request::new(method, url, deadline);
        request.own = Some(self.key.clone());
        request.stay = true;
        request.max_answer = self.settings.max_answer;
        request
    }
}

impl fmt::Display for Proxy {
    /// The name and the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.base.as_str().trim_end_matches('/');
        write!(f, "{} ({base})", self.name)
    }
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            only: Vec::new(),
            refresh: Duration::from_secs(60),
            patience: Duration::from_secs(15),
            max_answer: crosspoint_net::DEFAULT_MAX_ANSWER,
            idempotent: Idempotent::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(address: &str) -> Result<Proxy, NotAProxy> {
        let http = Http::new(crosspoint_net::Settings::default()).unwrap();
        Proxy::new("branch", address, None, http)
    }

    #[test]
    fn paths_follow_the_address_and_names_are_encoded() {
        let proxy = proxy("https://h/base/").unwrap();
        assert_eq!(proxy.at("/v1/commands"), "https://h/base/v1/commands");
        let url = proxy.command("http", "Get Größe?");
        assert_eq!(url, "https://h/base/v1/do/http/Get%20Gr%C3%B6%C3%9Fe%3F");
        assert_eq!(proxy.to_string(), "branch (https://h/base)");
    }

    #[test]
    fn what_is_no_address_of_a_proxy_is_none() {
        for address in ["", "h:7004", "ftp://h", "http://u:p@h", "http://h?x"] {
            assert_eq!(proxy(address).err(), Some(NotAProxy::Address), "{address}");
        }
    }
}
