//! Answers over HTTP.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::fault::Fault;
use super::message::Id;
use super::reply::Text;
use crate::answer::{self, COPY, JSON};

/// What the access rules turned away.
pub(crate) fn denied(status: StatusCode, message: &str) -> Response {
    let mut response = refused(status, &Fault::invalid_request(message));
    if status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    response
}

/// A message. A large one is written from where it lies.
pub(super) fn answered(text: Text) -> Response {
    let Text(parts) = text;
    let size: usize = parts.iter().map(bytes::Bytes::len).sum();
    let body = match size > COPY {
        true => Body::new(answer::Parts::new(parts)),
        false => parts.concat().into(),
    };
    answer::bytes(StatusCode::OK, JSON, body)
}

/// A request that is not done, with the status that its fault has.
pub(super) fn bad(id: Option<&Id>, fault: &Fault) -> Response {
    let mut response = answer::bytes(fault.status, JSON, fault.text(id));
    if fault.status == StatusCode::SERVICE_UNAVAILABLE {
        answer::set(response.headers_mut(), RETRY_AFTER, "1");
    }
    response
}

/// A request that is not even looked at.
pub(super) fn refused(status: StatusCode, fault: &Fault) -> Response {
    answer::bytes(status, JSON, fault.text(None))
}

/// What cannot be had now.
pub(super) fn busy(message: &str) -> Response {
    bad(None, &Fault::busy(message))
}
