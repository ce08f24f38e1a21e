//! Spans of the broker as spans of the OpenTelemetry SDK.

use crosspoint_core::{OpenSpan, Parent, SpanKind, Trace, Tracer};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind as Kind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use crate::logging::LogMask;

/// The longest text in a span, in characters.
const LONGEST: usize = 400;

/// The SDK's tracer, behind a mask.
pub struct Exported {
    tracer: SdkTracer,
    mask: LogMask,
}

struct Open {
    span: Span,
    mask: LogMask,
}

// === impl Exported ===

impl Exported {
    pub fn new(tracer: SdkTracer, mask: LogMask) -> Exported {
        Exported { tracer, mask }
    }
}

impl Tracer for Exported {
    fn begin(
        &self,
        name: String,
        kind: SpanKind,
        parent: Parent<'_>,
    ) -> Option<(Trace, Box<dyn OpenSpan>)> {
        let (parent, remote) = match parent {
            Parent::None => (None, false),
            Parent::Remote(trace) => (Some(trace), true),
            Parent::Here(trace) => (Some(trace), false),
        };
        let context = match parent.and_then(|trace| span_context(trace, remote)) {
            Some(parent) => Context::new().with_remote_span_context(parent),
            None => Context::new(),
        };
        let builder = self.tracer.span_builder(name).with_kind(match kind {
            SpanKind::Server => Kind::Server,
            SpanKind::Client => Kind::Client,
            SpanKind::Internal => Kind::Internal,
        });
        let span = self.tracer.build_with_context(builder, &context);
        let begun = span.span_context();
        // The process is at its end.
        if !begun.is_valid() {
            return None;
        }
        let trace = Trace {
            trace_id: begun.trace_id().to_string(),
            parent_id: begun.span_id().to_string(),
            flags: format!("{:02x}", begun.trace_flags().to_u8()),
            // As it came, whether or not it is what it should be.
            state: parent.and_then(|parent| parent.state.clone()),
        };
        let mask = self.mask.clone();
        Some((trace, Box::new(Open { span, mask })))
    }
}

fn span_context(trace: &Trace, remote: bool) -> Option<SpanContext> {
    let flags = u8::from_str_radix(&trace.flags, 16).ok()?;
    let state = trace.state.as_deref().unwrap_or_default().parse();
    Some(SpanContext::new(
        TraceId::from_hex(&trace.trace_id).ok()?,
        SpanId::from_hex(&trace.parent_id).ok()?,
        TraceFlags::new(flags),
        remote,
        state.unwrap_or(TraceState::NONE),
    ))
}

// === impl Open ===

impl Open {
    /// Masked as in the log, before it is cut.
    fn shown(&self, text: &str) -> String {
        let text = self.mask.apply(text);
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

impl OpenSpan for Open {
    fn text(&mut self, name: &'static str, value: &str) {
        if self.span.is_recording() {
            let value = self.shown(value);
            self.span.set_attribute(KeyValue::new(name, value));
        }
    }

    fn number(&mut self, name: &'static str, value: i64) {
        self.span.set_attribute(KeyValue::new(name, value));
    }

    fn failed(&mut self, reason: &str) {
        if self.span.is_recording() {
            let reason = self.shown(reason);
            self.span.set_status(Status::error(reason));
        }
    }
}
