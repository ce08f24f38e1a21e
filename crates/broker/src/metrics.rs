//! What `/metrics` shows. The handles of a command are looked up once, when the catalogue is
//! built, so that a call pays for atomic additions only.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crosspoint_core::{CommandId, Failure, Kind, Outcome, Refusal};
use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::callbacks::Verdict;
use crate::connectors::Gauges;
use crate::limiters::Scope;
use crate::oauth::Refreshes;

/// Upper bounds of the duration buckets in seconds: from what a call costs by itself to beyond
/// what an engine waits.
const BUCKETS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// The values of the label `outcome`: success, the kinds of failure, and calls that were dropped
/// because nobody waited any more.
const OUTCOMES: [&str; 9] = [
    "succeeded",
    "invalid",
    "refused",
    "reported",
    "transport",
    "raised",
    "crashed",
    "unknown",
    "abandoned",
];

/// The values of the label `outcome` of deliveries.
const DELIVERIES: [&str; 3] = ["delivered", "retried", "undeliverable"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabels {
    connector: String,
    command: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    connector: String,
    command: String,
    outcome: &'static str,
}

/// A limit, and why it refused a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct LimitedLabels {
    scope: Scope,
    reason: &'static str,
}

/// All metrics of a broker.
pub(crate) struct Metrics {
    /// Locked when the text is made and when metrics are added, never by a call.
    registry: Mutex<Registry>,
    calls: Family<CallLabels, Counter>,
    durations: Family<CommandLabels, Histogram, fn() -> Histogram>,
    in_flight: Family<CommandLabels, Gauge>,
    limited: Family<LimitedLabels, Counter>,
    retries: Family<Scope, Counter>,
    pub(crate) not_found: Counter<u64, AtomicU64>,
}

/// The metrics of the ledger, and of what is delivered from there.
pub(crate) struct LedgerMetrics {
    available: Gauge,
    lost: Counter<u64, AtomicU64>,
    queued: Gauge,
    pub(crate) unknown: Counter<u64, AtomicU64>,
    deliveries: [Counter; DELIVERIES.len()],
}

/// The metrics of one command.
pub(crate) struct CommandMetrics {
    calls: [Counter; OUTCOMES.len()],
    duration: Histogram,
    in_flight: Gauge,
}

// === impl Scope, LimitedLabels ===

/// A limit that the commands of a connector share has no label `command`.
impl EncodeLabelSet for Scope {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        ("connector", &*self.connector).encode(encoder.encode_label())?;
        match &self.command {
            Some(command) => ("command", &**command).encode(encoder.encode_label()),
            None => Ok(()),
        }
    }
}

impl EncodeLabelSet for LimitedLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.scope.encode(encoder)?;
        ("reason", self.reason).encode(encoder.encode_label())
    }
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("crosspoint");
        let calls = Family::<CallLabels, Counter>::default();
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let durations = Family::new_with_constructor(histogram);
        let in_flight = Family::<CommandLabels, Gauge>::default();
        let limited = Family::<LimitedLabels, Counter>::default();
        let retries = Family::<Scope, Counter>::default();
        let not_found = Counter::default();
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program that is running", version);
        registry.register("calls", "Calls that have ended, by outcome", calls.clone());
        registry.register(
            "call_duration_seconds",
            "From the arrival of a call to its answer",
            durations.clone(),
        );
        registry.register(
            "calls_in_flight",
            "Calls not answered yet",
            in_flight.clone(),
        );
        registry.register(
            "calls_not_found",
            "Calls of a connector or command that is not there",
            not_found.clone(),
        );
        registry.register(
            "calls_limited",
            "Calls that a limit of a connector or command refused",
            limited.clone(),
        );
        registry.register(
            "retries",
            "Calls that were tried again, once for each try",
            retries.clone(),
        );
        Metrics {
            registry: Mutex::new(registry),
            calls,
            durations,
            in_flight,
            limited,
            retries,
            not_found,
        }
    }

    /// How often calls were tried again.
    pub(crate) fn retries(&self, scope: &Scope) -> Counter {
        self.retries.get_or_create_owned(scope)
    }

    /// How many calls a limit has refused.
    pub(crate) fn limited(&self, scope: &Scope, refusal: Refusal) -> Counter {
        self.limited.get_or_create_owned(&LimitedLabels {
            scope: scope.clone(),
            reason: refusal.code(),
        })
    }

    pub(crate) fn command(&self, id: &CommandId) -> CommandMetrics {
        let (connector, command) = (id.connector.to_string(), id.command.to_string());
        let calls = OUTCOMES.map(|outcome| {
            let (connector, command) = (connector.clone(), command.clone());
            self.calls.get_or_create_owned(&CallLabels {
                connector,
                command,
                outcome,
            })
        });
        let labels = CommandLabels { connector, command };
        CommandMetrics {
            calls,
            duration: self.durations.get_or_create_owned(&labels),
            in_flight: self.in_flight.get_or_create_owned(&labels),
        }
    }

    /// Adds metrics, by names without the prefix.
    pub(crate) fn add(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry());
    }

    /// Adds those of limits, which are read when the text is made.
    pub(crate) fn limits(&self, gauges: Gauges) {
        self.registry().register_collector(Box::new(gauges));
    }

    /// Adds the refreshes of tokens.
    pub(crate) fn grants(&self, refreshes: Refreshes) {
        self.registry().register(
            "token_refreshes",
            "Requests to providers for a new token of a profile, by outcome",
            refreshes,
        );
    }

    fn registry(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds those of a ledger.
    pub(crate) fn ledger(&self) -> LedgerMetrics {
        let mut registry = self.registry();
        let (available, queued) = (Gauge::default(), Gauge::default());
        let (lost, unknown) = (Counter::default(), Counter::default());
        let callbacks = Family::<DeliveryLabels, Counter>::default();
        registry.register(
            "ledger_available",
            "Whether the ledger can be written",
            available.clone(),
        );
        registry.register(
            "ledger_queued",
            "Records that wait to be written to the ledger",
            queued.clone(),
        );
        registry.register(
            "ledger_lost",
            "Records that the ledger has lost",
            lost.clone(),
        );
        registry.register(
            "calls_unknown",
            "Calls of which nobody knows whether they have happened",
            unknown.clone(),
        );
        registry.register(
            "callbacks",
            "Attempts to deliver the result of a long call, by outcome",
            callbacks.clone(),
        );
        LedgerMetrics {
            available,
            lost,
            queued,
            unknown,
            deliveries: DELIVERIES
                .map(|outcome| callbacks.get_or_create_owned(&DeliveryLabels { outcome })),
        }
    }

    /// The text that Prometheus reads (OpenMetrics 1.0).
    pub(crate) fn render(&self) -> String {
        let mut text = String::with_capacity(16 * 1024);
        if prometheus_client::encoding::text::encode(&mut text, &self.registry()).is_err() {
            // Writing to a String does not fail; if it ever did, the scrape should show it.
            let _ = write!(text, "# encoding the metrics failed");
        }
        text
    }
}

// === impl LedgerMetrics ===

impl LedgerMetrics {
    pub(crate) fn set(&self, available: bool, lost: u64, queued: usize) {
        self.available.set(available.into());
        self.queued.set(i64::try_from(queued).unwrap_or(i64::MAX));
        self.lost.inner().store(lost, Ordering::Relaxed);
    }

    pub(crate) fn delivery(&self, verdict: &Verdict) {
        let outcome = match verdict {
            Verdict::Delivered => 0,
            Verdict::Later(_) | Verdict::Away(_) => 1,
            Verdict::GivenUp(_) => 2,
        };
        self.deliveries[outcome].inc();
    }
}

// === impl CommandMetrics ===

impl CommandMetrics {
    pub(crate) fn begin(&self) {
        self.in_flight.inc();
    }

    /// How many calls are not answered yet.
    pub(crate) fn in_flight(&self) -> usize {
        usize::try_from(self.in_flight.get()).unwrap_or_default()
    }

    /// Ends a call that was answered.
    pub(crate) fn end(&self, result: &Result<Outcome, Failure>, took: Duration) {
        self.count(
            match result.as_ref().err().map(|failure| failure.kind) {
                None => 0,
                Some(Kind::Invalid(_)) => 1,
                Some(Kind::Refused(_)) => 2,
                Some(Kind::Reported) => 3,
                Some(Kind::Transport) => 4,
                Some(Kind::Raised) => 5,
                Some(Kind::Crashed) => 6,
                Some(Kind::Unknown) => 7,
            },
            took,
        );
    }

    /// Ends a call that was dropped.
    pub(crate) fn end_early(&self, took: Duration) {
        self.count(8, took);
    }

    fn count(&self, outcome: usize, took: Duration) {
        self.in_flight.dec();
        self.calls[outcome].inc();
        self.duration.observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_counts_calls_by_outcome() {
        let metrics = Metrics::new();
        let command = metrics.command(&CommandId::new("http", "Get"));
        command.begin();
        let failure = Failure::transport("ReadTimeout", "slow");
        command.end(&Err(failure), Duration::from_millis(30));
        let text = metrics.render();
        let labels = r#"connector="http",command="Get""#;
        for line in [
            format!("crosspoint_calls_total{{{labels},outcome=\"transport\"}} 1"),
            format!("crosspoint_calls_total{{{labels},outcome=\"succeeded\"}} 0"),
            format!("crosspoint_calls_in_flight{{{labels}}} 0"),
            format!("crosspoint_call_duration_seconds_bucket{{le=\"0.05\",{labels}}} 1"),
        ] {
            assert!(text.contains(&line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn the_outcomes_are_the_names_of_the_kinds() {
        assert_eq!(OUTCOMES[4], Kind::Transport.name());
        assert_eq!(OUTCOMES[7], Kind::Unknown.name());
    }
}
