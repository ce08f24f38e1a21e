//! `/openapi.json` and `/docs`: the commands for programs and for people. Both are made from the
//! catalogue, so they are never out of date, and neither fetches anything from elsewhere.

mod api;
mod document;
mod page;

use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use crosspoint_broker::{Catalogue, Entry};
use crosspoint_core::Parameter;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use serde_json::{Map, Value};

use crate::answer::{self, JSON};
use crate::router::Shared;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The page has a style sheet and nothing else: no script, no font, no picture.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'";

/// Both documents as last written, kept until the catalogue changes.
pub(crate) struct Documents {
    keyed: bool,
    written: ArcSwapOption<Written>,
}

struct Written {
    /// Not held: connectors that have been replaced end when nobody has their catalogue any more.
    catalogue: Weak<Catalogue>,
    document: Bytes,
    page: Bytes,
}

/// The OpenAPI 3.1 document.
pub(crate) async fn document(State(shared): State<Shared>) -> Response {
    let written = shared.documents.of(shared.broker.catalogue());
    answer::bytes(StatusCode::OK, JSON, written.document.clone())
}

/// The document as a page.
pub(crate) async fn page(State(shared): State<Shared>) -> Response {
    let written = shared.documents.of(shared.broker.catalogue());
    let mut response = answer::bytes(StatusCode::OK, HTML, written.page.clone());
    answer::set(response.headers_mut(), CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// Arguments to begin from: the required parameters.
fn sample(entry: &Entry) -> Value {
    let sample = |p: &Parameter| match (p.name.as_str(), p.spiff_type()) {
        ("url", _) => "https://example.com/".into(),
        (_, "int") => 1.into(),
        (_, "bool") => true.into(),
        (_, "any") => Value::Object(Map::new()),
        _ => "…".into(),
    };
    let required = entry.command.parameters.iter().filter(|p| p.required);
    Value::Object(required.map(|p| (p.name.clone(), sample(p))).collect())
}

// === impl Documents ===

impl Documents {
    /// `keyed`: whether requests need a key, which the document then says.
    pub(crate) fn new(keyed: bool) -> Documents {
        Documents {
            keyed,
            written: ArcSwapOption::empty(),
        }
    }

    fn of(&self, catalogue: Arc<Catalogue>) -> Arc<Written> {
        if let Some(written) = self.written.load_full()
            && written.catalogue.as_ptr() == Arc::as_ptr(&catalogue)
        {
            return written;
        }
        let document = document::write(&catalogue, self.keyed).to_string().into();
        let page = page::write(&catalogue, self.keyed).into();
        let written = Arc::new(Written {
            catalogue: Arc::downgrade(&catalogue),
            document,
            page,
        });
        self.written.store(Some(written.clone()));
        written
    }
}
