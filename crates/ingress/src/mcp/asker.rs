//! Who asks, and what came with the request beside its text.

use std::sync::Arc;

use crosspoint_broker::access::AccessKey;
use crosspoint_core::{CallId, Trace};
use http::HeaderMap;

use crate::request::{self, Seen};

/// Who asks.
#[derive(Clone)]
pub(crate) struct Asker {
    /// The key that the request came with.
    pub(crate) key: Option<Arc<AccessKey>>,
    /// The id of the call that the request may become.
    pub(crate) call: CallId,
    /// By which the caller knows the request.
    pub(crate) request_id: Arc<str>,
    /// What a connector may see of the headers.
    pub(crate) headers: HeaderMap,
    /// The caller's place in a trace.
    pub(crate) trace: Option<Trace>,
    /// That of the header.
    pub(crate) idempotency_key: Option<String>,
}

// === impl Asker ===

impl Asker {
    /// Of a request over HTTP.
    pub(crate) fn over_http(
        seen: &Seen,
        headers: HeaderMap,
        idempotency_key: Option<String>,
    ) -> Asker {
        Asker {
            key: seen.key.clone(),
            call: seen.call,
            request_id: seen.id.clone(),
            trace: request::trace(&headers),
            headers: request::passed_on(headers),
            idempotency_key,
        }
    }

    /// Of who started this process, and speaks to it by standard input.
    pub(crate) fn beside() -> Asker {
        let call = CallId::generate();
        Asker {
            key: None,
            call,
            request_id: call.to_string().into(),
            headers: HeaderMap::new(),
            trace: None,
            idempotency_key: None,
        }
    }

    /// The same for another message of a batch: another call.
    pub(crate) fn again(&self) -> Asker {
        Asker {
            call: CallId::generate(),
            ..self.clone()
        }
    }

    /// The scope of idempotency keys.
    pub(crate) fn caller(&self) -> Option<Arc<str>> {
        self.key.as_ref().map(|key| key.name.clone())
    }
}
