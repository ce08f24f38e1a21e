//! Results of long calls on their way to the engine.

mod carry;
mod deliver;
mod judge;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{Failure, Ingress, Outcome, Secret, is_loopback_host};
use crosspoint_net::Http;
use url::Url;

use crate::ledger::Row;

pub(crate) use carry::is_carried;
pub use carry::{Carried, Carry, carried_to};
pub(crate) use deliver::run;
pub(crate) use judge::Verdict;

/// How an ingress writes the result of a call for its engine.
pub type Write = fn(&Row, Result<Outcome, Failure>) -> Bytes;

/// An engine, or another program, that takes results by callback.
#[derive(Clone)]
pub struct Engine {
    /// The way in of its calls.
    pub ingress: Ingress,
    /// The only origin that gets callbacks and the token. None: any loopback address.
    pub origin: Option<Url>,
    /// What it knows us by.
    pub token: Option<Secret<String>>,
    /// The client that delivers.
    pub http: Http,
    /// How a result is written.
    pub write: Write,
    /// Takes a result once: a 400 to one that it may have already says that it has it.
    pub once: bool,
    /// How long a call may take that is answered by callback.
    pub deadline: Duration,
    /// How long a delivery is tried, counted from the end of the call.
    pub patience: Duration,
}

/// The engines that take results by callback.
#[derive(Clone, Default)]
pub struct Callbacks(pub Arc<[Engine]>);

// === impl Callbacks ===

impl Callbacks {
    /// The engine that a callback belongs to.
    pub(crate) fn engine(&self, ingress: Ingress, callback: &str) -> Option<&Engine> {
        let url = Url::parse(callback).ok()?;
        let mut engines = self.0.iter();
        engines.find(|engine| engine.ingress == ingress && engine.takes(&url))
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engines = self.0.iter();
        let origins = engines.map(|engine| engine.origin.as_ref().map(Url::as_str));
        f.debug_list().entries(origins).finish()
    }
}

// === impl Engine ===

impl Engine {
    fn takes(&self, url: &Url) -> bool {
        // What stands before the host is no part of an origin, and would be sent there.
        let plain = url.username().is_empty() && url.password().is_none();
        let web = matches!(url.scheme(), "http" | "https");
        plain
            && web
            && match &self.origin {
                Some(origin) => origin.origin() == url.origin(),
                None => url.host_str().is_some_and(is_loopback_host),
            }
    }
}

/// What may be shown of a callback: its path may be a secret.
pub(crate) fn origin_of(callback: &str) -> String {
    if is_carried(callback) {
        return callback.to_owned();
    }
    match Url::parse(callback) {
        Ok(url) => url.origin().ascii_serialization(),
        Err(_) => "not a URL".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(origin: Option<&str>, callback: &str) -> bool {
        let engine = Engine {
            ingress: Ingress::Spiff,
            origin: origin.map(|origin| origin.parse().unwrap()),
            token: None,
            http: Http::new(crosspoint_net::Settings::default()).unwrap(),
            write: |_, _| Bytes::new(),
            once: true,
            deadline: Duration::ZERO,
            patience: Duration::ZERO,
        };
        let callbacks = Callbacks([engine].into());
        callbacks.engine(Ingress::Cli, callback).is_none()
            && callbacks.engine(Ingress::Spiff, callback).is_some()
    }

    #[test]
    fn only_callbacks_of_the_engines_origin_are_taken() {
        let engine = Some("https://engine.example:8443");
        for callback in [
            "https://engine.example:8443/v1.0/cb/1?x=y",
            "HTTPS://ENGINE.example:8443",
        ] {
            assert!(takes(engine, callback), "{callback}");
        }
        for callback in [
            "http://engine.example:8443/",
            "https://engine.example/",
            "https://engine.example.evil:8443/",
            "https://engine.example:8443@evil/",
            "https://me@engine.example:8443/",
            "//engine.example:8443/",
            "",
        ] {
            assert!(!takes(engine, callback), "{callback}");
        }
    }

    #[test]
    fn without_an_engine_only_loopback_is_taken() {
        for callback in [
            "http://localhost:8000/cb",
            "http://127.0.0.1/",
            "http://[::1]:1/",
            "https://a.localhost/",
        ] {
            assert!(takes(None, callback), "{callback}");
        }
        for callback in [
            "http://localhost.evil/",
            "http://10.0.0.1/",
            "ftp://localhost/",
            "file:///x",
        ] {
            assert!(!takes(None, callback), "{callback}");
        }
    }

    #[test]
    fn the_path_of_a_callback_is_not_shown() {
        assert_eq!(origin_of("http://h:1/secret?x"), "http://h:1");
        assert_eq!(origin_of("secret"), "not a URL");
    }
}
