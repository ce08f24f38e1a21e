//! What a request says to the system alone: headers that no other origin gets, and cookies.

use crosspoint_core::Failure;
use crosspoint_net::{NetError, OriginHeaders, Request};
use url::Url;

use super::style::encoded;

/// Headers and cookies for the origin of one address.
pub(super) struct Own {
    /// Nothing: the address is none, which is said when it is asked.
    headers: Option<OriginHeaders>,
    cookies: Vec<String>,
}

// === impl Own ===

impl Own {
    /// None yet, for the origin of an address.
    pub(super) fn of(url: &str) -> Own {
        let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
        Own {
            headers: origin.ok().and_then(|origin| OriginHeaders::new(&origin)),
            cookies: Vec::new(),
        }
    }

    /// Sets a header. The error does not show the value.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), NetError> {
        match &mut self.headers {
            Some(headers) => headers.set(name, value),
            None => Ok(()),
        }
    }

    /// Sets user and password for basic authentication.
    pub(super) fn basic_auth(&mut self, user: &str, password: &str) {
        if let Some(headers) = &mut self.headers {
            headers.set_basic_auth(user, password);
        }
    }

    /// Adds a cookie.
    pub(super) fn cookie(&mut self, name: &str, value: &str) {
        self.cookies
            .push(format!("{name}={}", encoded(value, false)));
    }

    /// Gives all of it to the request. Fails where the name of a cookie cannot be sent.
    pub(super) fn add_to(mut self, request: &mut Request) -> Result<(), Failure> {
        if !self.cookies.is_empty() {
            let cookies = self.cookies.join("; ");
            self.set("cookie", &cookies)?;
        }
        request.own = self.headers;
        Ok(())
    }
}
