//! A collector of spans.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use prost::Message;
use serde_json::{Value, json};

use crate::harness::{Reply, Seen, Setup, Upstream, until};

/// Takes spans by OTLP over HTTP.
pub struct Collector {
    pub upstream: Upstream,
}

/// A span that was told to a collector.
#[derive(Debug, Clone)]
pub struct Told {
    pub name: String,
    /// Hexadecimal, as the header has them.
    pub trace: String,
    pub id: String,
    /// Empty when it has none.
    pub parent: String,
    pub state: String,
    /// By the number that OTLP has for it.
    pub kind: i32,
    pub attributes: BTreeMap<String, Value>,
    /// The reason of a failure.
    pub failed: Option<String>,
    /// What is said of the process.
    pub resource: BTreeMap<String, Value>,
    pub begun: u64,
    pub ended: u64,
}

pub const SERVER: i32 = 2;
pub const CLIENT: i32 = 3;
pub const INTERNAL: i32 = 1;

// === impl Collector ===

impl Collector {
    pub async fn start() -> Collector {
        Collector::answering(|_| Reply::status(200)).await
    }

    /// One that answers like this.
    pub async fn answering(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Collector {
        let upstream = Upstream::start(reply).await;
        Collector { upstream }
    }

    /// A proxy that exports to it, soon after a span has ended.
    pub fn setup(&self) -> Setup {
        exporting_to(&self.upstream.url(""))
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Told> {
        let told = |seen: &Seen| told(&decode(seen));
        self.upstream.seen().iter().flat_map(told).collect()
    }

    /// Waits for a span with this beginning of its name, and gives the first one.
    pub async fn span(&self, begin: &str) -> Told {
        self.named(begin, 1).await.remove(0)
    }

    /// Waits for so many spans with this beginning of their names.
    pub async fn named(&self, begin: &str, count: usize) -> Vec<Told> {
        let find = || {
            let mut spans = self.spans();
            spans.retain(|span| span.name.starts_with(begin));
            spans
        };
        let what = format!("there are {count} spans {begin}…");
        until(&what, async || find().len() >= count).await;
        find()
    }
}

/// A proxy that exports to an address.
pub fn exporting_to(url: &str) -> Setup {
    Setup::new()
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        .env("OTEL_BSP_SCHEDULE_DELAY", "20")
}

/// What a request says, in whichever spelling.
pub fn decode(seen: &Seen) -> ExportTraceServiceRequest {
    let mut body = seen.body.clone();
    if seen.header("content-encoding") == "gzip" {
        body = Vec::new();
        let mut unpacked = GzDecoder::new(&*seen.body);
        unpacked.read_to_end(&mut body).unwrap();
    }
    match seen.header("content-type") {
        "application/x-protobuf" => ExportTraceServiceRequest::decode(&*body).unwrap(),
        "application/json" => serde_json::from_slice(&body).unwrap(),
        other => panic!("{other} is no spelling of OTLP"),
    }
}

fn told(request: &ExportTraceServiceRequest) -> Vec<Told> {
    let mut told = Vec::new();
    for of_resource in &request.resource_spans {
        let resource = of_resource.resource.as_ref().unwrap();
        let resource = attributes(&resource.attributes);
        for scope in &of_resource.scope_spans {
            assert_eq!(scope.scope.as_ref().unwrap().name, "crosspoint");
            let spans = scope.spans.iter();
            told.extend(spans.map(|span| one(span, &resource)));
        }
    }
    told
}

fn one(span: &Span, resource: &BTreeMap<String, Value>) -> Told {
    let status = span.status.as_ref();
    let failed = status.filter(|status| status.code() == StatusCode::Error);
    assert!(span.events.is_empty() && span.links.is_empty(), "{span:?}");
    Told {
        name: span.name.clone(),
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        state: span.trace_state.clone(),
        kind: span.kind,
        attributes: attributes(&span.attributes),
        failed: failed.map(|status| status.message.clone()),
        resource: resource.clone(),
        begun: span.start_time_unix_nano,
        ended: span.end_time_unix_nano,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attributes(list: &[KeyValue]) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for KeyValue { key, value, .. } in list {
        let before = all.insert(key.clone(), value.as_ref().map(json_of).unwrap_or_default());
        assert_eq!(before, None, "{key} is there twice");
    }
    all
}

fn json_of(value: &AnyValue) -> Value {
    match &value.value {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::BoolValue(yes)) => json!(yes),
        other => panic!("{other:?} is not expected"),
    }
}

// === impl Told ===

impl Told {
    /// An attribute as text; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        let value = self.attributes.get(name).and_then(Value::as_str);
        value.unwrap_or_default()
    }

    /// The header that makes it the parent of whatever is sent.
    pub fn header(&self) -> String {
        format!("00-{}-{}-01", self.trace, self.id)
    }

    /// Fails unless it is within another one, by its ids and its time.
    pub fn is_within(&self, outer: &Told) {
        let found = (&self.trace, &self.parent);
        assert_eq!(found, (&outer.trace, &outer.id), "{self:?} {outer:?}");
        let inside = outer.begun <= self.begun && self.ended <= outer.ended;
        assert!(inside && self.begun <= self.ended, "{self:?} {outer:?}");
    }
}
