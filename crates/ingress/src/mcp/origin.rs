//! Pages of other sites must not reach what only this machine is meant to (2025-11-25, Transports,
//! Security Warning).

use crosspoint_core::is_loopback_host;
use http::HeaderMap;
use http::header::ORIGIN;

/// The origins of pages that may ask.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    /// As they are sent, or `*`: those of `access.cors_origins`.
    pub(crate) listed: Vec<String>,
    /// Of any scheme and port: those of `access.hosts`.
    pub(crate) hosts: Vec<String>,
}

// === impl Origins ===

impl Origins {
    /// Whether a request comes from no page at all, from one of this machine, or from one that is
    /// listed. The key of a request does not count: browsers send what they are told to.
    pub(crate) fn allow(&self, headers: &HeaderMap) -> bool {
        let mut sent = headers.get_all(ORIGIN).iter();
        sent.all(|origin| origin.to_str().is_ok_and(|origin| self.allows(origin)))
    }

    fn allows(&self, origin: &str) -> bool {
        let same = |listed: &String| listed == "*" || listed.eq_ignore_ascii_case(origin);
        if self.listed.iter().any(same) {
            return true;
        }
        let Ok(uri) = origin.parse::<http::Uri>() else {
            return false;
        };
        // `null` and host names without a scheme are no origins.
        let (Some(_), Some(host)) = (uri.scheme(), uri.host()) else {
            return false;
        };
        let plain = |host: &str| host.trim_matches(['[', ']']).to_ascii_lowercase();
        let host = plain(host);
        let named = |listed: &String| {
            let authority = listed.parse::<http::uri::Authority>();
            authority.is_ok_and(|listed| plain(listed.host()) == host)
        };
        is_loopback_host(&host) || self.hosts.iter().any(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_and_listed_ones_may_ask_and_no_other() {
        let origins = Origins {
            listed: vec!["https://console.example".to_owned()],
            hosts: vec!["proxy.local:7004".to_owned()],
        };
        for good in [
            "http://localhost:6274",
            "http://127.0.0.1",
            "http://[::1]:3000",
            "https://console.example",
            "https://proxy.local",
        ] {
            assert!(origins.allows(good), "{good}");
        }
        for bad in [
            "https://evil.example",
            "http://console.example",
            "http://localhost.evil.example",
            "https://console.example.evil.example",
            "null",
            "localhost",
            "",
        ] {
            assert!(!origins.allows(bad), "{bad}");
        }
    }

    #[test]
    fn without_an_origin_it_is_no_page_and_of_two_both_count() {
        let origins = Origins::default();
        let mut headers = HeaderMap::new();
        assert!(origins.allow(&headers));
        headers.append(ORIGIN, "http://localhost".parse().unwrap());
        assert!(origins.allow(&headers));
        headers.append(ORIGIN, "https://evil.example".parse().unwrap());
        assert!(!origins.allow(&headers));
        let all = Origins {
            listed: vec!["*".to_owned()],
            ..Origins::default()
        };
        assert!(all.allow(&headers));
    }
}
