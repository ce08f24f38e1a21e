//! Who may ask: API keys, and the Host check that stands in for them on a loopback listener.

use std::sync::Arc;

use crosspoint_core::{Secret, is_loopback_host};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use subtle::ConstantTimeEq;

use crate::auth;

/// The header in which SpiffArena's backend sends its key (`spiff-openapi.json`,
/// `ConnectorProxyApiKey`).
pub(crate) static KEY_HEADER: HeaderName = HeaderName::from_static("spiff-connector-proxy-api-key");

/// A key that callers may present.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// How it is called in logs; the scope of idempotency keys.
    pub name: Arc<str>,
    /// What the caller sends.
    pub value: Secret<String>,
}

/// The rules of access.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// With none, nobody needs a key.
    pub keys: Vec<ApiKey>,
    /// Without keys: take requests for any Host.
    pub anonymous: bool,
    /// Without keys: Host values that are taken beside loopback ones.
    pub hosts: Vec<String>,
}

/// A request that may not pass, as status and message.
pub(crate) struct Denied(pub StatusCode, pub String);

/// Paths that never need a key: probes, and the line that says what this is. The authorisation
/// round trips under `/v1/auth/` come from browsers that have none.
const OPEN: [&str; 5] = ["/", "/liveness", "/v1/liveness", "/healthz", "/readyz"];

// === impl Access ===

impl Access {
    /// Lets a request pass, with the name of its key if it needed one.
    ///
    /// A key is taken from `Spiff-Connector-Proxy-Api-Key` or `Authorization: Bearer`. Without
    /// keys a page of some other site could reach a loopback listener through a name that it
    /// makes resolve here (DNS rebinding); such a request is known by its Host.
    pub(crate) fn admit(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Option<Arc<str>>, Denied> {
        if self.keys.is_empty() {
            return self.check_host(uri, headers).map(|()| None);
        }
        if method == Method::OPTIONS || OPEN.contains(&uri.path()) {
            return Ok(None);
        }
        let key = presented(headers).and_then(|sent| self.key(sent));
        match key {
            Some(key) => Ok(Some(key.name.clone())),
            None if uri.path().starts_with(auth::BELOW) => Ok(None),
            None => Err(Denied(StatusCode::UNAUTHORIZED, "Unauthorized".to_owned())),
        }
    }

    /// Every key is compared, in constant time each, so that the time tells nothing.
    fn key(&self, sent: &[u8]) -> Option<&ApiKey> {
        let matches = |key: &&ApiKey| bool::from(key.value.expose().as_bytes().ct_eq(sent));
        self.keys
            .iter()
            .filter(matches)
            .fold(None, |_, key| Some(key))
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
            "this Host is not served without an API key: set access.api_keys, or name the host \
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
        let key = |name: &str| ApiKey {
            name: name.into(),
            value: Secret::new(format!("{name}!")),
        };
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
        for path in OPEN
            .into_iter()
            .chain(["/v1/auth/a/b", "/v1/auth/a/b/callback"])
        {
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
