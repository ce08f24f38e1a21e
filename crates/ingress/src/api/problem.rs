//! What is answered where nothing was done: `application/problem+json` (RFC 9457).

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use crosspoint_broker::ledger::StoreError;
use crosspoint_core::{Body, CallId, Effect, Outcome, shorten};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};

use crate::answer;

const MIME: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    /// By which programs tell problems of one status from each other.
    code: Cow<'static, str>,
    /// For people.
    detail: String,
    /// Each mistake of a request that has several.
    errors: Vec<Mistake>,
    /// The call that it is about.
    call: Option<CallId>,
    /// Whether the outside may have changed.
    effect: Option<Effect>,
    retry_after: Option<Duration>,
    /// What a connector says of its failure beside that.
    body: Option<Box<Value>>,
}

/// One mistake of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    place: Place,
    detail: String,
}

/// Where a mistake is.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// A JSON pointer into the body (RFC 6901).
    Body(String),
    /// A parameter of the query.
    Query(String),
    /// A header.
    Header(&'static str),
}

// === impl Mistake ===

impl Mistake {
    /// In the member of the body that these names lead to.
    pub(super) fn at(names: &[&str], detail: impl Into<String>) -> Mistake {
        let escaped = |name: &&str| format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        Mistake {
            place: Place::Body(names.iter().map(escaped).collect()),
            detail: detail.into(),
        }
    }

    /// In a parameter of the query.
    pub(super) fn in_query(name: &str, detail: impl Into<String>) -> Mistake {
        Mistake {
            place: Place::Query(shorten(name)),
            detail: detail.into(),
        }
    }

    /// In a header.
    pub(super) fn in_header(name: &'static str, detail: impl Into<String>) -> Mistake {
        Mistake {
            place: Place::Header(name),
            detail: detail.into(),
        }
    }

    fn json(&self) -> Value {
        let (name, place) = match &self.place {
            Place::Body(pointer) => ("pointer", pointer.as_str()),
            Place::Query(name) => ("parameter", name.as_str()),
            Place::Header(name) => ("header", *name),
        };
        json!({"detail": self.detail, name: place})
    }
}

// === impl Problem ===

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Problem {
        Problem {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            call: None,
            effect: None,
            retry_after: None,
            body: None,
        }
    }

    /// A request with mistakes, all of them.
    pub(super) fn mistakes(mistakes: Vec<Mistake>) -> Problem {
        let details: Vec<_> = mistakes.iter().map(|m| m.detail.as_str()).collect();
        let detail = details.join("; ");
        Problem {
            errors: mistakes,
            ..Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
        }
    }

    /// The caller's key is not good for it.
    pub(super) fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// There is no such thing.
    pub(super) fn no_such(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// There is no such call.
    pub(super) fn no_such_call(id: &str) -> Problem {
        let detail = format!("there is no call {} in the ledger", shorten(id));
        Problem::new(StatusCode::NOT_FOUND, "call_not_found", detail)
    }

    /// There is no ledger to ask.
    pub(super) fn no_ledger() -> Problem {
        let detail = "this needs the ledger, which is switched off here (store.url = \"none\")";
        Problem::new(StatusCode::NOT_IMPLEMENTED, "ledger_off", detail)
    }

    /// Others still need it.
    pub(super) fn in_use(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, "in_use", detail)
    }

    /// The state of a call does not allow it.
    pub(super) fn not_possible(call: Option<CallId>, detail: impl Into<String>) -> Problem {
        Problem {
            call,
            ..Problem::new(StatusCode::CONFLICT, "not_possible", detail)
        }
    }

    /// With each mistake.
    pub(super) fn with_errors(mut self, errors: Vec<Mistake>) -> Problem {
        self.errors = errors;
        self
    }

    /// With the JSON that came with a failure, unless that is empty.
    pub(super) fn with_body(mut self, outcome: Option<Box<Outcome>>) -> Problem {
        let json = match outcome.map(|outcome| outcome.body) {
            Some(Body::Json(json)) => serde_json::from_slice(json.as_bytes()).ok(),
            _ => None,
        };
        self.body = json.filter(|json| *json != json!({})).map(Box::new);
        self
    }

    /// About a call.
    pub(super) fn about(mut self, call: CallId, effect: Effect) -> Problem {
        self.call = Some(call);
        self.effect = Some(effect);
        self
    }

    /// Worth another try after this time.
    pub(super) fn again_after(mut self, wait: Option<Duration>) -> Problem {
        self.retry_after = wait;
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        let detail = error.to_string();
        match error {
            StoreError::NotFound(id) => Problem::no_such_call(&id),
            StoreError::NotAllowed { .. } | StoreError::TakenOver(_) => {
                Problem::not_possible(None, detail)
            }
            StoreError::Unavailable(_) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let detail = "the ledger does not answer at the moment";
                Problem::new(status, "ledger_unavailable", detail)
                    .again_after(Some(Duration::from_secs(1)))
            }
            StoreError::Sealed { .. } | StoreError::Refused(_) => {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "ledger_error", detail)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            // The status says it all; the code is ours.
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if !self.errors.is_empty() {
            body["errors"] = self.errors.iter().map(Mistake::json).collect();
        }
        if let Some(call) = self.call {
            body["call"] = call.to_string().into();
        }
        if let Some(effect) = self.effect {
            body["effect"] = effect.name().into();
        }
        if let Some(told) = self.body {
            body["body"] = *told;
        }
        let mut response = answer::bytes(self.status, MIME, body.to_string());
        if let Some(wait) = self.retry_after {
            let seconds = answer::seconds(wait).to_string();
            answer::set(response.headers_mut(), RETRY_AFTER, &seconds);
        }
        response
    }
}
