//! What an upstream answers.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use tokio::sync::Semaphore;

use super::Seen;

/// What a request is answered with.
pub struct Reply {
    head: String,
    body: Vec<u8>,
    framed: bool,
    pub(super) then: Then,
    pub(super) gate: Option<Gate>,
    pub(super) pause: Duration,
}

/// What happens on the connection after a reply's bytes.
pub(super) enum Then {
    /// The next request may come.
    Keep,
    /// It is closed.
    Close,
    /// Nothing, until the other side closes it.
    Hold,
    /// These bytes follow for ever, with a pause before each time.
    Repeat(&'static [u8], Duration),
}

/// Holds replies back until it is opened.
#[derive(Clone)]
pub struct Gate(pub(super) Arc<Semaphore>);

// === impl Reply ===

impl Reply {
    pub fn status(status: u16) -> Reply {
        Reply {
            head: format!("HTTP/1.1 {status} Whatever\r\n"),
            body: Vec::new(),
            framed: true,
            then: Then::Keep,
            gate: None,
            pause: Duration::ZERO,
        }
    }

    pub fn ok(mimetype: &str, body: impl AsRef<[u8]>) -> Reply {
        Reply::status(200)
            .header("content-type", mimetype)
            .body(body)
    }

    pub fn json(body: &str) -> Reply {
        Reply::ok("application/json", body)
    }

    pub fn redirect(status: u16, location: &str) -> Reply {
        Reply::status(status).header("location", location)
    }

    /// The request's description as JSON.
    pub fn echo(seen: &Seen) -> Reply {
        let headers = seen.headers.iter().cloned();
        let headers: Map<_, _> = headers.map(|(name, value)| (name, value.into())).collect();
        let description = serde_json::json!({
            "method": seen.method,
            "target": seen.target,
            "headers": headers,
            "body": seen.text(),
        });
        Reply::json(&description.to_string())
    }

    /// These bytes as they are, and then the connection is closed.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Reply {
        Reply {
            head: String::new(),
            body: bytes.as_ref().to_vec(),
            framed: false,
            then: Then::Close,
            gate: None,
            pause: Duration::ZERO,
        }
    }

    /// Nothing, ever.
    pub fn silence() -> Reply {
        Reply {
            then: Then::Hold,
            ..Reply::raw("")
        }
    }

    /// These bytes, and then others for ever, with a pause before each time.
    pub fn endless(bytes: &str, more: &'static [u8], pause: Duration) -> Reply {
        Reply {
            then: Then::Repeat(more, pause),
            ..Reply::raw(bytes)
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Reply {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Reply {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Waits for the gate before it is sent.
    pub fn behind(mut self, gate: &Gate) -> Reply {
        self.gate = Some(gate.clone());
        self
    }

    /// Takes its time. For load, never for an order of things.
    pub fn after(mut self, pause: Duration) -> Reply {
        self.pause = pause;
        self
    }

    /// What goes over the wire; to a request that wants no body, none.
    pub(super) fn bytes(&self, bodiless: bool) -> Vec<u8> {
        let mut bytes = self.head.clone().into_bytes();
        if self.framed {
            bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).bytes());
        }
        if !bodiless {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

// === impl Gate ===

impl Gate {
    /// A gate that is shut.
    pub fn new() -> Gate {
        Gate(Arc::new(Semaphore::new(0)))
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.0.add_permits(100_000);
    }
}
