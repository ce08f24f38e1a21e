//! What is sent next when an answer points elsewhere.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crosspoint_core::{Trace, is_sensitive_name};
use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, HOST, LOCATION, PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::error::NetError;
use crate::guard::port_of;
use crate::own::OriginHeaders;
use crate::request::Request;
use crate::target::{Target, UserInfo};

/// One request of the chain that redirects make.
pub(crate) struct Hop {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    own: Option<OriginHeaders>,
    stay: bool,
}

// === impl Hop ===

impl Hop {
    /// The request as its caller wants it.
    pub fn first(request: Request) -> Result<Hop, NetError> {
        let target = Target::parse(&request.url, &request.query)?;
        let mut hop = Hop {
            method: request.method,
            url: target.url,
            headers: request.headers,
            body: request.body,
            own: None,
            stay: request.stay,
        };
        // A length that is not the body's would let a caller write a second request into it.
        hop.headers.remove(CONTENT_LENGTH);
        hop.headers.remove(TRANSFER_ENCODING);
        if let Some((user, password)) = &request.basic_auth {
            hop.headers
                .insert(AUTHORIZATION, basic(user, password.expose()));
        }
        hop.authorize(target.user_info);
        hop.add_trace(request.trace.as_ref());
        for (name, value) in &mut hop.headers {
            if is_sensitive_name(name.as_str()) {
                value.set_sensitive(true);
            }
        }
        hop.own = request.own.map(|own| own.beside(&hop.headers));
        Ok(hop)
    }

    /// What is sent: the headers of the request, and those that go to this origin alone.
    pub fn all_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(own) = &self.own {
            own.add_to(&mut headers, &self.url);
        }
        headers
    }

    fn authorize(&mut self, user_info: Option<UserInfo>) {
        if let Some((user, password)) = user_info {
            self.headers
                .entry(AUTHORIZATION)
                .or_insert_with(|| basic(&user, &password));
        }
    }

    fn add_trace(&mut self, trace: Option<&Trace>) {
        let Some(trace) = trace else { return };
        if self.headers.contains_key("traceparent") {
            return;
        }
        let state = trace
            .state
            .as_deref()
            .and_then(|state| HeaderValue::from_str(state).ok());
        if let Ok(parent) = HeaderValue::from_str(&trace.header()) {
            self.headers.insert("traceparent", parent);
            // A state without its parent says nothing.
            if let Some(state) = state {
                self.headers.entry("tracestate").or_insert(state);
            }
        }
    }

    /// Whether sending it can have changed something at the other side.
    pub fn may_act(&self) -> bool {
        !self.method.is_safe()
    }

    /// Turns into the request that the answer asks for, the way Python's `requests` does. Says
    /// whether it asks for one at all: a redirect without `location` is the answer itself.
    pub fn follow(&mut self, status: u16, headers: &HeaderMap) -> Result<bool, NetError> {
        let location = match (status, headers.get(LOCATION)) {
            (301 | 302 | 303 | 307 | 308, Some(location)) if !location.is_empty() => location,
            _ => return Ok(false),
        };
        let location = String::from_utf8_lossy(location.as_bytes());
        let target = Target::join(&self.url, &location)?;
        if self.stay && target.url.origin() != self.url.origin() {
            return Err(NetError::redirected(&self.url, &target.url));
        }
        self.change_method(status);
        if !keeps_secrets(&self.url, &target.url) {
            self.drop_secrets();
        }
        self.url = target.url;
        self.authorize(target.user_info);
        Ok(true)
    }

    /// 303 and 302 ask for what `GET` brings, and so does 301 when something was posted.
    fn change_method(&mut self, status: u16) {
        let get = match status {
            302 | 303 => self.method != Method::HEAD,
            301 => self.method == Method::POST,
            _ => false,
        };
        if get {
            self.method = Method::GET;
            self.body = None;
            self.remove(|name| name.as_str().starts_with("content-"));
        }
    }

    fn drop_secrets(&mut self) {
        self.remove(|name| {
            is_sensitive_name(name.as_str()) || name == PROXY_AUTHORIZATION || name == HOST
        });
    }

    fn remove(&mut self, which: impl Fn(&HeaderName) -> bool) {
        let names: Vec<_> = self
            .headers
            .keys()
            .filter(|name| which(name))
            .cloned()
            .collect();
        for name in names {
            self.headers.remove(name);
        }
    }
}

/// Whether both URLs belong to the same system: the same origin, or the same host after a change
/// from `http` to `https` on their usual ports.
fn keeps_secrets(from: &Url, to: &Url) -> bool {
    let same_host = from.host() == to.host();
    let upgraded = from.scheme() == "http"
        && to.scheme() == "https"
        && from.port().is_none()
        && to.port().is_none();
    let same_rest = from.scheme() == to.scheme() && port_of(from) == port_of(to);
    same_host && (same_rest || upgraded)
}

pub(crate) fn basic(user: &str, password: &str) -> HeaderValue {
    let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}"))
        .expect("base64 consists of characters that headers may have");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
#[path = "redirect_tests.rs"]
mod tests;
