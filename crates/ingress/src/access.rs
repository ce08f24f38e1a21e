//! Who may ask: access keys, and the Host check that stands in for them on a loopback listener.

use std::sync::Arc;

use crosspoint_broker::access::{AccessKey, KeptKeys, KeyHash};
use crosspoint_core::is_loopback_host;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};

use crate::rights;

/// The header in which SpiffArena's backend sends its key (`spiff-openapi.json`,
/// `ConnectorProxyApiKey`).
pub(crate) static KEY_HEADER: HeaderName = HeaderName::from_static("spiff-connector-proxy-api-key");

/// The rules of access.
#[derive(Clone, Default)]
pub struct Access {
    /// The keys of the configuration.
    pub keys: Vec<Arc<AccessKey>>,
    /// The keys of the store, which change while the process runs.
    pub kept: Option<Arc<KeptKeys>>,
    /// Whether a key is needed even while there is none.
    pub required: bool,
    /// Where no key is needed: take requests for any Host.
    pub anonymous: bool,
    /// Where no key is needed: Host values that are taken beside loopback ones.
    pub hosts: Vec<String>,
}

/// A request that may not pass, as status and message.
pub(crate) struct Denied(pub StatusCode, pub String);

/// What a caller without a right key is told. SpiffArena's proxies say so.
const UNAUTHORIZED: &str = "Unauthorized";

// === impl Access ===

impl Access {
    /// Whether a request needs a key.
    pub(crate) fn is_keyed(&self) -> bool {
        let kept = || {
            self.kept
                .as_ref()
                .is_some_and(|kept| !kept.keys().is_empty())
        };
        self.required || !self.keys.is_empty() || kept()
    }

    /// Lets a request pass, with its key if it needed one.
    ///
    /// A key is taken from `Spiff-Connector-Proxy-Api-Key` or `Authorization: Bearer`. Without
    /// keys a page of some other site could reach a loopback listener through a name that it
    /// makes resolve here (DNS rebinding); such a request is known by its Host.
    ///
    /// What the key must be good for by method and path is in `rights.rs`; what depends on the
    /// connector is asked where that is known.
    pub(crate) fn admit(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Option<Arc<AccessKey>>, Denied> {
        if !self.is_keyed() {
            return self.check_host(uri, headers).map(|()| None);
        }
        if method == Method::OPTIONS {
            return Ok(None);
        }
        if rights::is_open(uri.path()) {
            // None is needed; what one that was sent is good for is asked where it matters.
            let key = presented(headers).and_then(|sent| self.key(sent));
            return Ok(key.filter(|key| !key.has_expired()));
        }
        let unauthorized = |message: String| Denied(StatusCode::UNAUTHORIZED, message);
        let Some(key) = presented(headers).and_then(|sent| self.key(sent)) else {
            return Err(unauthorized(UNAUTHORIZED.to_owned()));
        };
        if key.has_expired() {
            let name = &key.name;
            let message = format!("{UNAUTHORIZED}: the key '{name}' has expired; use a newer one");
            return Err(unauthorized(message));
        }
        match rights::refusal(&key, method, uri.path()) {
            None => Ok(Some(key)),
            Some(message) => Err(Denied(StatusCode::FORBIDDEN, message)),
        }
    }

    /// Of two with one value, as while a key is rotated, the one that lasts.
    fn key(&self, sent: &[u8]) -> Option<Arc<AccessKey>> {
        let hash = KeyHash::of(sent);
        let kept = self.kept.as_ref().map(|kept| kept.keys());
        let kept = kept.iter().flat_map(|keys| keys.iter());
        let known = self.keys.iter().chain(kept).filter(|key| key.hash == hash);
        known.min_by_key(|key| key.has_expired()).cloned()
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Denied> {
        let header = headers.get(HOST).and_then(|host| host.to_str().ok());
        let sent = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .or(header)
            .unwrap_or("");
        let host = host_of(sent);
        let listed = || {
            self.hosts
                .iter()
                .any(|h| host_of(h).eq_ignore_ascii_case(host))
        };
        if self.anonymous || is_loopback_host(host) || listed() {
            return Ok(());
        }
        Err(Denied(
            StatusCode::FORBIDDEN,
            "this Host is not served without an access key: set access.api_keys, or name the host \
             in access.hosts"
                .to_owned(),
        ))
    }
}

fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    if let Some(key) = headers.get(&KEY_HEADER) {
        return Some(key.as_bytes());
    }
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, key) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| key.trim_ascii())
}

/// The host of a `host[:port]`, without the brackets of an IPv6 address.
fn host_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or("");
    }
    match authority.rsplit_once(':') {
        // A bare IPv6 address has more than one colon.
        Some((host, port)) if !host.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => {
            host
        }
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(access: &Access, path: &str, headers: &[(&'static str, &str)]) -> u16 {
        let map = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let uri = path.parse().unwrap();
        match access.admit(&Method::GET, &uri, &map.collect()) {
            Ok(_) => 200,
            Err(Denied(status, _)) => status.as_u16(),
        }
    }

    fn with_key() -> Access {
        let key = |name: &str| Arc::new(AccessKey::new(name, &format!("{name}!")));
        Access {
            keys: vec![key("first"), key("second")],
            ..Access::default()
        }
    }

    #[test]
    fn a_key_is_taken_from_either_header() {
        let access = with_key();
        for headers in [
            (KEY_HEADER.as_str(), "first!"),
            (KEY_HEADER.as_str(), "second!"),
            ("authorization", "Bearer first!"),
            ("authorization", "bearer  second!"),
        ] {
            assert_eq!(
                admit(&access, "/v1/commands", &[headers]),
                200,
                "{headers:?}"
            );
        }
        for headers in [
            (KEY_HEADER.as_str(), "first"),
            (KEY_HEADER.as_str(), ""),
            ("authorization", "Basic first!"),
            ("authorization", "Bearer"),
        ] {
            assert_eq!(
                admit(&access, "/v1/commands", &[headers]),
                401,
                "{headers:?}"
            );
        }
    }

    #[test]
    fn probes_are_open_and_everything_else_is_not() {
        let access = with_key();
        for path in rights::OPEN {
            assert_eq!(admit(&access, path, &[]), 200, "{path}");
        }
        for path in [
            "/metrics",
            "/docs",
            "/openapi.json",
            "/v1/auths",
            "/v1/auth",
            "/v1/do/a/b",
            "/healthz/x",
        ] {
            assert_eq!(admit(&access, path, &[]), 401, "{path}");
        }
    }

    #[test]
    fn a_key_that_has_expired_is_told_so() {
        let mut key = AccessKey::new("old", "old!");
        key.expires = Some(1);
        let access = Access {
            keys: vec![Arc::new(key)],
            ..Access::default()
        };
        let headers = HeaderMap::from_iter([(KEY_HEADER.clone(), "old!".parse().unwrap())]);
        let uri = "/v1/commands".parse().unwrap();
        let Err(Denied(status, message)) = access.admit(&Method::GET, &uri, &headers) else {
            panic!("an expired key was taken");
        };
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(message.contains("'old' has expired"), "{message}");
    }

    #[test]
    fn a_key_may_be_needed_though_there_is_none() {
        let access = Access {
            required: true,
            ..Access::default()
        };
        assert_eq!(
            admit(&access, "/v1/commands", &[("host", "localhost")]),
            401
        );
        assert_eq!(admit(&access, "/healthz", &[]), 200);
    }

    #[test]
    fn without_keys_only_loopback_and_listed_hosts_are_served() {
        let access = Access {
            hosts: vec!["proxy.local:7004".into()],
            ..Access::default()
        };
        let good = [
            "localhost:7004",
            "127.0.0.1",
            "[::1]:7004",
            "app.localhost",
            "proxy.local",
            "127.9.9.9",
        ];
        for host in good {
            assert_eq!(
                admit(&access, "/v1/commands", &[("host", host)]),
                200,
                "{host}"
            );
        }
        let bad = [
            "evil.example",
            "10.0.0.1:7004",
            "localhost.evil.example",
            "",
            "127.0.0.1.nip.io",
        ];
        for host in bad {
            assert_eq!(
                admit(&access, "/v1/commands", &[("host", host)]),
                403,
                "{host}"
            );
        }
        assert_eq!(admit(&access, "/v1/commands", &[]), 403);
        let anonymous = Access {
            anonymous: true,
            ..Access::default()
        };
        assert_eq!(
            admit(&anonymous, "/v1/commands", &[("host", "evil.example")]),
            200
        );
    }

    #[test]
    fn an_absolute_target_counts_more_than_the_host_header() {
        let access = Access::default();
        let headers = [("host", "localhost")];
        assert_eq!(
            admit(&access, "http://evil.example/v1/commands", &headers),
            403
        );
    }
}
