//! The spans of a call, as the tracing system outside sees them. Their names and attributes are in
//! `docs/operate.md`; nothing here may be a secret, and arguments and results never are here.

use crosspoint_core::{Call, CommandId, Failure, Outcome, Parent, Span, SpanKind, Trace, Tracing};
use crosspoint_net::{NetError, Response};

use crate::callbacks::Verdict;
use crate::catalogue::Entry;
use crate::ledger::Row;

/// From the arrival of a call to its end.
pub(crate) fn call(entry: &Entry, call: &Call) -> Span {
    begin_call(&entry.tracing, &entry.id, call)
}

/// A call of a command that is not there.
pub(crate) fn not_found(tracing: &Tracing, call: &Call, failure: &Failure) {
    if !tracing.is_on() {
        return;
    }
    // The name may be anything.
    let parent = Parent::caller(call.trace.as_ref());
    let mut span = tracing.begin(format_args!("call"), SpanKind::Server, parent);
    describe(&mut span, &call.command, call);
    fail(&mut span, failure);
}

fn begin_call(tracing: &Tracing, id: &CommandId, call: &Call) -> Span {
    let parent = Parent::caller(call.trace.as_ref());
    let mut span = tracing.begin(format_args!("call {id}"), SpanKind::Server, parent);
    describe(&mut span, id, call);
    span
}

fn describe(span: &mut Span, id: &CommandId, call: &Call) {
    command(span, id);
    span.text("crosspoint.ingress", call.origin.ingress.name());
    span.shown("crosspoint.call_id", call.id);
    span.text("crosspoint.request_id", &call.request_id);
    if let Some(task) = &call.origin.task {
        span.text("crosspoint.task", task);
    }
}

/// One run of the connector.
pub(crate) fn attempt(entry: &Entry, call: &Call) -> Span {
    let parent = Parent::here(call.trace.as_ref());
    let name = format_args!("attempt {}", entry.id);
    let mut span = entry.tracing.begin(name, SpanKind::Client, parent);
    command(&mut span, &entry.id);
    span
}

/// One attempt to deliver a result to the engine.
pub(crate) fn delivery(tracing: &Tracing, row: &Row, call: Option<&Trace>) -> Span {
    let (connector, name) = (&row.about.connector, &row.about.command);
    let parent = Parent::caller(call);
    let title = format_args!("delivery {connector}/{name}");
    let mut span = tracing.begin(title, SpanKind::Client, parent);
    span.text("crosspoint.connector", connector);
    span.text("crosspoint.command", name);
    span.text("crosspoint.call_id", &row.id);
    span.text("crosspoint.request_id", &row.about.request_id);
    span.number("crosspoint.attempt", i64::from(row.delivery.attempts) + 1);
    span
}

fn command(span: &mut Span, id: &CommandId) {
    span.text("crosspoint.connector", &id.connector);
    span.text("crosspoint.command", &id.command);
}

/// How a call or an attempt has ended.
pub(crate) fn end(span: &mut Span, result: &Result<Outcome, Failure>) {
    match result {
        Ok(outcome) => {
            span.text("crosspoint.outcome", "succeeded");
            span.number("crosspoint.status", i64::from(outcome.status));
        }
        Err(failure) => fail(span, failure),
    }
}

/// Nobody waited any more for a read.
pub(crate) fn abandoned(span: &mut Span) {
    span.text("crosspoint.outcome", "abandoned");
}

/// How an attempt to deliver has ended.
pub(crate) fn delivered(span: &mut Span, answer: &Result<Response, NetError>, verdict: &Verdict) {
    if let Ok(answer) = answer {
        span.number("http.response.status_code", i64::from(answer.status));
    }
    let (outcome, why) = match verdict {
        Verdict::Delivered => ("delivered", None),
        Verdict::Later(why) | Verdict::Away(why) => ("retried", Some(why)),
        Verdict::GivenUp(why) => ("undeliverable", Some(why)),
    };
    span.text("crosspoint.outcome", outcome);
    if let Some(why) = why {
        span.failed(why);
    }
}

/// What a failure says of itself was masked before.
fn fail(span: &mut Span, failure: &Failure) {
    span.text("crosspoint.outcome", failure.kind.name());
    span.text("crosspoint.effect", failure.effect.name());
    span.text("error.type", &failure.code);
    if let Some(outcome) = &failure.outcome {
        span.number("crosspoint.status", i64::from(outcome.status));
    }
    span.failed(&failure.message);
}

#[cfg(test)]
#[path = "spans_tests.rs"]
mod tests;
