//! What every request gets, whatever its route: an id, the access check, a line in the log.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use crosspoint_broker::access::{AccessKey, Doer};
use crosspoint_core::{CallId, Trace};
use futures_util::TryFutureExt;
use futures_util::future::{Either, ready};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderName};
use http::{HeaderMap, Method};
use tokio::time::Instant;
use tower::Service;

use crate::access::{Denied, KEY_HEADER};
use crate::router::Shared;
use crate::{answer, api, mcp, rights};

/// By which a request is found in the log; taken from the caller when it sent a usable one.
pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Under which a call has one effect (draft-ietf-httpapi-idempotency-key-header, section 2).
pub(crate) static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key: it is kept with the call.
const LONGEST_KEY: usize = 1000;

/// What the layers in front of a route found out about a request.
#[derive(Clone)]
pub(crate) struct Seen {
    /// The id of the call that it may become; also the request's own unless the caller sent one.
    pub(crate) call: CallId,
    /// By which the caller knows it.
    pub(crate) id: Arc<str>,
    /// The access key it came with.
    pub(crate) key: Option<Arc<AccessKey>>,
}

// === impl Seen ===

impl Seen {
    /// The name of its access key: the scope of idempotency keys.
    pub(crate) fn caller(&self) -> Option<Arc<str>> {
        self.key.as_ref().map(|key| key.name.clone())
    }

    /// Why its key is not good for a connector, if it is not.
    pub(crate) fn refusal_of(&self, connector: &str) -> Option<String> {
        rights::refusal_of(self.key.as_deref()?, connector)
    }

    /// Whether it may see what belongs to a connector.
    pub(crate) fn sees(&self, connector: &str) -> bool {
        rights::sees(self.key.as_deref(), connector)
    }

    /// Whether its key is good for some connectors only.
    pub(crate) fn is_of_connectors(&self) -> bool {
        let key = self.key.as_ref();
        key.is_some_and(|key| key.scopes.are_of_connectors())
    }

    /// Who asks, for the audit.
    pub(crate) fn doer(&self) -> Doer {
        let name = self.caller();
        Doer {
            name: name.as_deref().unwrap_or("anonymous").to_owned(),
            ingress: "api",
        }
    }
}

/// Put on an answer whose request has its line in the log already: the broker writes that of a
/// call.
#[derive(Clone)]
pub(crate) struct Logged;

/// Gives a request its id, and logs it. Outermost, so that no answer goes without.
///
/// This and [`admit`] are no async functions: their futures would hold the request besides the one
/// that was passed on.
pub(crate) fn identify<S>(
    mut next: S,
    mut request: Request,
) -> impl Future<Output = Result<Response, Infallible>> + use<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let begun = Instant::now();
    let call = CallId::generate();
    let id = request_id(request.headers(), call);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(Seen {
        call,
        id: id.clone(),
        key: None,
    });
    next.call(request).map_ok(move |mut response| {
        if response.extensions_mut().remove::<Logged>().is_none() {
            let status = response.status().as_u16();
            let ms = begun.elapsed().as_millis() as u64;
            log(&id, &method, &path, status, ms);
        }
        answer::set(response.headers_mut(), REQUEST_ID.clone(), &id);
        response
    })
}

/// Lets a request pass or not.
pub(crate) fn admit(
    shared: &Shared,
    mut routes: Router,
    mut request: Request,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let admitted = shared
        .access
        .admit(request.method(), request.uri(), request.headers());
    match admitted {
        Ok(key) => {
            if let Some(seen) = request.extensions_mut().get_mut::<Seen>() {
                seen.key = key;
            }
            Either::Left(routes.call(request))
        }
        Err(Denied(status, message)) => {
            let denied = match request.uri().path() {
                mcp::PATH => mcp::denied(status, &message),
                path if api::is_below(path) => api::denied(status, message),
                _ => answer::denied(status, &message),
            };
            Either::Right(ready(Ok(denied)))
        }
    }
}

/// Probes and scrapes that went well are noise; everything else is one line.
fn log(request: &str, method: &Method, path: &str, status: u16, ms: u64) {
    let probe = matches!(
        path,
        "/liveness" | "/v1/liveness" | "/healthz" | "/readyz" | "/metrics"
    );
    let path = crosspoint_core::shorten(path);
    if probe && status < 400 {
        tracing::debug!(request, %method, path, status, ms, "Request answered.");
    } else {
        tracing::info!(request, %method, path, status, ms, "Request answered.");
    }
}

fn request_id(headers: &HeaderMap, call: CallId) -> Arc<str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    headers
        .get(&REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(plain))
        .map_or_else(|| call.to_string().into(), Arc::from)
}

/// The key under which the call has one effect. One that cannot be told from others is refused, not
/// passed over: whoever sends a key relies on it.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    let mut keys = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return match headers.contains_key(&IDEMPOTENCY_KEY) {
            true => Err("the header Idempotency-Key is there more than once"),
            false => Ok(None),
        };
    };
    match key.to_str() {
        Ok(key) if is_key(key) => Ok(Some(key.to_owned())),
        _ => Err("the header Idempotency-Key must have 1 to 1000 visible ASCII characters"),
    }
}

pub(crate) fn is_key(key: &str) -> bool {
    let plain = key.bytes().all(|b| matches!(b, b' '..=b'~'));
    plain && !key.trim().is_empty() && key.len() <= LONGEST_KEY
}

/// Whether a body says that it is JSON. None: it does not say what it is.
pub(crate) fn says_json(headers: &HeaderMap) -> Option<bool> {
    let sent = headers.get(CONTENT_TYPE)?.to_str().unwrap_or_default();
    let mime = sent.split(';').next().unwrap_or_default().trim();
    let mime = mime.to_ascii_lowercase();
    let of_application = mime.strip_prefix("application/");
    Some(of_application.is_some_and(|kind| kind == "json" || kind.ends_with("+json")))
}

/// The headers of a request that a connector may see: what it carried, but not who may call this
/// proxy.
pub(crate) fn passed_on(mut headers: HeaderMap) -> HeaderMap {
    for private in [&AUTHORIZATION, &COOKIE, &KEY_HEADER, &mcp::SESSION_ID] {
        headers.remove(private);
    }
    headers
}

/// The caller's trace, if it sent one.
pub(crate) fn trace(headers: &HeaderMap) -> Option<Trace> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Trace::parse(text("traceparent")?, text("tracestate"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usable_id_of_the_caller_is_kept_and_any_other_replaced() {
        let with = |id: &str| {
            let headers = HeaderMap::from_iter([(REQUEST_ID.clone(), id.parse().unwrap())]);
            request_id(&headers, CallId::generate())
        };
        assert_eq!(&*with("abc-1.2:3_4"), "abc-1.2:3_4");
        for odd in ["a b", "<script>", "", &"x".repeat(129)] {
            assert_ne!(&*with(odd), odd);
        }
        let call = CallId::generate();
        assert_eq!(*request_id(&HeaderMap::new(), call), *call.to_string());
    }
}
