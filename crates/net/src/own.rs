//! Headers that go to one origin and nowhere else.

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use url::{Origin, Url};

use crate::error::NetError;
use crate::redirect::basic;
use crate::request::header;

/// Headers of an account at one system: each request of a chain of redirects gets them that goes to its
/// origin, and no other. What the request itself says goes before them.
#[derive(Clone)]
pub struct OriginHeaders {
    origin: Origin,
    headers: HeaderMap,
}

// === impl OriginHeaders ===

impl OriginHeaders {
    /// None yet, for an origin such as `https://api.example:8443`. Nothing for a text that is something
    /// else, or more.
    pub fn new(origin: &str) -> Option<OriginHeaders> {
        let url = Url::parse(origin.trim()).ok()?;
        let bare = matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        bare.then(|| OriginHeaders {
            origin: url.origin(),
            headers: HeaderMap::new(),
        })
    }

    /// Sets a header. The error does not show the value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), NetError> {
        let (name, mut value) = header(name, value)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }

    /// Sets user and password for basic authentication.
    pub fn set_basic_auth(&mut self, user: &str, password: &str) {
        self.headers.insert(AUTHORIZATION, basic(user, password));
    }

    /// The origin, as `https://api.example:8443`.
    pub fn origin(&self) -> String {
        self.origin.ascii_serialization()
    }

    pub(crate) fn is_of(&self, url: &Url) -> bool {
        url.origin() == self.origin
    }

    /// Leaves out what a request says itself.
    pub(crate) fn beside(mut self, given: &HeaderMap) -> OriginHeaders {
        let names: Vec<_> = given.keys().cloned().collect();
        for name in names {
            self.headers.remove(name);
        }
        self
    }

    /// Adds them to the headers of a request that goes there.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap, url: &Url) {
        if !self.is_of(url) {
            return;
        }
        for (name, value) in &self.headers {
            let value: HeaderValue = value.clone();
            headers.entry(name).or_insert(value);
        }
    }
}

/// Shows the origin and no value.
impl fmt::Debug for OriginHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OriginHeaders")
            .field(&self.origin())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_origin_is_one() {
        for text in [
            "https://h",
            "http://h:80/",
            " https://h:8443 ",
            "http://[::1]:1",
        ] {
            assert!(OriginHeaders::new(text).is_some(), "{text}");
        }
        for text in [
            "",
            "h",
            "ftp://h",
            "https://h/x",
            "https://u:p@h",
            "https://h?q",
            "https://h#f",
        ] {
            assert!(OriginHeaders::new(text).is_none(), "{text}");
        }
    }

    #[test]
    fn they_go_to_that_origin_alone_and_what_is_given_wins() {
        let mut own = OriginHeaders::new("https://h").unwrap();
        own.set("X-Tenant", "mine").unwrap();
        own.set_basic_auth("user", "canary");
        assert!(!format!("{own:?}").contains("canary"));
        let mut given = HeaderMap::new();
        given.insert(AUTHORIZATION, HeaderValue::from_static("Bearer own"));
        let own = own.beside(&given);
        let sent = |url: &str| {
            let mut headers = given.clone();
            own.add_to(&mut headers, &Url::parse(url).unwrap());
            (
                headers["authorization"].clone(),
                headers.get("x-tenant").is_some(),
            )
        };
        assert_eq!(
            sent("https://h:443/x"),
            (HeaderValue::from_static("Bearer own"), true)
        );
        for other in [
            "http://h/",
            "https://h:8443/",
            "https://h.example/",
            "https://other/",
        ] {
            assert!(!sent(other).1, "{other}");
        }
    }
}
