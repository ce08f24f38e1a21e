//! Spans: where the time of a call goes, told to a tracing system outside.
//!
//! What is done here is a port. Without a [`Tracer`] behind it a [`Span`] is nothing: beginning one
//! costs a look at an `Option`, and nothing is formatted or allocated.

use std::fmt;
use std::sync::Arc;

use crate::{Failure, Trace};

/// Takes spans in. There is at most one in a process.
pub trait Tracer: Send + Sync + 'static {
    /// Begins a span, which ends when it is dropped. None when none can be had any more: the
    /// process is at its end.
    fn begin(
        &self,
        name: String,
        kind: SpanKind,
        parent: Parent<'_>,
    ) -> Option<(Trace, Box<dyn OpenSpan>)>;
}

/// A span that has begun. What it is given leaves the process: nothing secret, and no bodies.
/// Secrets of the configuration are masked in texts, those of a call are not known here.
pub trait OpenSpan: Send + Sync {
    /// Adds a text.
    fn text(&mut self, name: &'static str, value: &str);
    /// Adds a number.
    fn number(&mut self, name: &'static str, value: i64);
    /// Marks it as failed. The reason may be empty.
    fn failed(&mut self, reason: &str);
}

/// Which side of a conversation a span is, as in OpenTelemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Somebody asked us.
    Server,
    /// We ask somebody.
    Client,
    /// Neither.
    Internal,
}

/// What a span belongs to. A trace that is not sampled makes spans that are not exported.
#[derive(Debug, Clone, Copy)]
pub enum Parent<'t> {
    /// Nothing: it begins a trace.
    None,
    /// A span of another process, or of this one at another time.
    Remote(&'t Trace),
    /// A span of this process that has not ended.
    Here(&'t Trace),
}

/// Where spans are told to; by default nowhere. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tracing(Option<Arc<dyn Tracer>>);

/// Something that takes time. Ends when it is dropped; nothing where spans are told nowhere.
#[derive(Default)]
pub struct Span(Option<Box<Begun>>);

struct Begun {
    trace: Trace,
    open: Box<dyn OpenSpan>,
}

// === impl Parent ===

impl<'t> Parent<'t> {
    /// The caller's span, if it sent one.
    pub fn caller(trace: Option<&'t Trace>) -> Parent<'t> {
        trace.map_or(Parent::None, Parent::Remote)
    }

    /// A span of ours that goes on meanwhile, if there is one.
    pub fn here(trace: Option<&'t Trace>) -> Parent<'t> {
        trace.map_or(Parent::None, Parent::Here)
    }
}

// === impl Tracing ===

impl Tracing {
    /// Spans are told to this.
    pub fn to(tracer: Arc<dyn Tracer>) -> Tracing {
        Tracing(Some(tracer))
    }

    /// Whether spans are told anywhere.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a span. Its name is one of few: nothing that differs from call to call.
    pub fn begin(&self, name: fmt::Arguments<'_>, kind: SpanKind, parent: Parent<'_>) -> Span {
        let begun = self
            .0
            .as_ref()
            .and_then(|tracer| tracer.begin(name.to_string(), kind, parent));
        Span(begun.map(|(trace, open)| Box::new(Begun { trace, open })))
    }
}

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() {
            "Tracing(on)"
        } else {
            "Tracing(off)"
        })
    }
}

// === impl Span ===

impl Span {
    /// The trace with this span as the parent of whatever follows; none where spans are told
    /// nowhere.
    pub fn trace(&self) -> Option<&Trace> {
        self.0.as_ref().map(|begun| &begun.trace)
    }

    /// Adds a text that is no secret.
    pub fn text(&mut self, name: &'static str, value: &str) {
        if let Some(begun) = &mut self.0 {
            begun.open.text(name, value);
        }
    }

    /// The same for what has to be written first.
    pub fn shown(&mut self, name: &'static str, value: impl fmt::Display) {
        if let Some(begun) = &mut self.0 {
            begun.open.text(name, &value.to_string());
        }
    }

    /// Adds a number.
    pub fn number(&mut self, name: &'static str, value: i64) {
        if let Some(begun) = &mut self.0 {
            begun.open.number(name, value);
        }
    }

    /// Marks it as failed with a reason that is public.
    pub fn failed(&mut self, reason: &str) {
        if let Some(begun) = &mut self.0 {
            begun.open.failed(reason);
        }
    }

    /// Says how far a failure went. Its message is told elsewhere: here it may not be masked yet.
    pub fn failed_with(&mut self, failure: &Failure) {
        self.text("error.type", &failure.code);
        self.failed("");
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Span").field(&self.trace()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Never;

    impl fmt::Display for Never {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("nobody reads this")
        }
    }

    #[test]
    fn without_a_tracer_nothing_is_formatted() {
        let name = format_args!("call {Never}");
        let mut span = Tracing::default().begin(name, SpanKind::Server, Parent::None);
        span.shown("crosspoint.call_id", Never);
        assert!(span.trace().is_none());
    }
}
