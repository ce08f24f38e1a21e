//! Counts and measures a call, and writes its one line in the log and its span.

use std::sync::Arc;

use crosspoint_core::{Call, Failure, Ingress, Kind, Outcome};
use tokio::time::Instant;
use tracing::{Level, Span};

use crate::catalogue::Entry;
use crate::spans;

/// The record of a call under way. However the call ends, it is counted and logged once: answered
/// ([`Record::end`]), or dropped because nobody waited.
pub(crate) struct Record {
    entry: Arc<Entry>,
    ingress: Ingress,
    begun: Instant,
    ended: bool,
    /// How often the call has been tried, where it may be tried again.
    pub(crate) tries: u32,
    /// Carries the ids of the call, so that whatever is logged on the way, a panic included, can
    /// be found by the id in the answer.
    pub(crate) span: Span,
    /// The same for the tracing system outside.
    told: crosspoint_core::Span,
}

// === impl Record ===

impl Record {
    /// Begins the record. From here on the call's own span is what everything on its way belongs
    /// to, where spans are told anywhere.
    pub(crate) fn begin(entry: Arc<Entry>, call: &mut Call) -> Record {
        entry.metrics.begin();
        let told = spans::call(&entry, call);
        if let Some(trace) = told.trace() {
            call.trace = Some(trace.clone());
        }
        let trace_id = call.trace.as_ref().map(|trace| &*trace.trace_id);
        // Usually the call's id is the request's too; then once is enough.
        let id = call.id.to_string();
        let request = (*id != *call.request_id).then_some(&*call.request_id);
        Record {
            span: tracing::info_span!("call", %id, request, command = %entry.id, trace_id),
            told,
            ingress: call.origin.ingress,
            begun: Instant::now(),
            ended: false,
            tries: 0,
            entry,
        }
    }

    /// Counts and logs the result, and hands it on.
    pub(crate) fn end(mut self, result: Result<Outcome, Failure>) -> Result<Outcome, Failure> {
        self.ended = true;
        let took = self.begun.elapsed();
        self.entry.metrics.end(&result, took);
        spans::end(&mut self.told, &result);
        let (ingress, ms) = (self.ingress.name(), took.as_millis() as u64);
        let tries = self.told_tries();
        let _entered = self.span.enter();
        match &result {
            Ok(Outcome { status, .. }) => {
                tracing::info!(ingress, ms, tries, status, "Call succeeded.");
            }
            Err(failure) => log_failure(failure, ingress, ms, tries),
        }
        result
    }

    /// One try is what everybody expects.
    fn told_tries(&self) -> Option<u32> {
        Some(self.tries).filter(|tries| *tries > 1)
    }

    fn end_early(&mut self) -> (&'static str, u64) {
        self.ended = true;
        let took = self.begun.elapsed();
        self.entry.metrics.end_early(took);
        spans::abandoned(&mut self.told);
        (self.ingress.name(), took.as_millis() as u64)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.ended {
            let (ingress, ms) = self.end_early();
            let tries = self.told_tries();
            let _entered = self.span.enter();
            tracing::info!(
                ingress,
                ms,
                tries,
                "Call dropped: nobody waits for it any more."
            );
        }
    }
}

/// The level says who has to act: nobody for what we or the outside turned away, perhaps the
/// operator for what could not be reached, certainly the operator for what broke here.
fn log_failure(failure: &Failure, ingress: &str, ms: u64, tries: Option<u32>) {
    let Failure {
        kind, code, effect, ..
    } = failure;
    let reason = one_line(&failure.message);
    let detail = failure.detail.as_deref().map(one_line);
    let effect = effect.name();
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                $level, ingress, ms, tries, kind = kind.name(), %code, effect, reason, detail,
                "Call failed."
            )
        };
    }
    match kind {
        Kind::Invalid(_) | Kind::Reported => line!(Level::INFO),
        Kind::Refused(_) | Kind::Transport => line!(Level::WARN),
        Kind::Raised | Kind::Crashed | Kind::Unknown => line!(Level::ERROR),
    }
}

/// What others wrote, short and without line breaks: a message may quote an upstream's page, which
/// must not be able to forge lines of the log.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut line: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_page_cannot_forge_lines_of_the_log() {
        let line = one_line(&format!(
            "404: <html>\n2026 INFO Call succeeded.\r{}",
            "x".repeat(999)
        ));
        assert!(!line.contains(['\n', '\r']) && line.ends_with('…'));
    }
}
