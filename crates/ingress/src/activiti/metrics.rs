//! What `/metrics` shows of the side towards the message broker. The handles are looked up once, so
//! that a request pays for atomic additions only.

use std::sync::atomic::AtomicU64;

use crosspoint_broker::Broker;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::answer::Verdict;
use super::publisher::Unpublished;

/// What became of a request that was taken from a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Acknowledged, with this in a queue of its runtime bundle.
    Answered(Verdict),
    /// Acknowledged, and the ledger has promised the result.
    Promised,
    /// Acknowledged: it is for another version of the application.
    PassedOver,
    /// Acknowledged, and its answer waits in the ledger for whoever takes it.
    Waits,
    /// Rejected, and kept in the ledger with the reason.
    Parked,
    /// Back in its queue.
    GivenBack,
    /// The connection was gone before its end: it comes again.
    Lost,
}

/// The values of the label `outcome` of requests.
const OUTCOMES: [&str; 9] = [
    "result",
    "bpmn_error",
    "technical_error",
    "promised",
    "passed_over",
    "parked",
    "given_back",
    "lost",
    "waiting",
];

/// The values of the label `outcome` of answers: what they are, or why they are in no queue.
const ANSWERS: [&str; 7] = [
    "result",
    "bpmn_error",
    "technical_error",
    "unroutable",
    "not_taken",
    "lost",
    "refused",
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

/// All of them. They count on when the settings change.
pub(crate) struct Metrics {
    requests: [Counter; OUTCOMES.len()],
    in_flight: Gauge,
    redelivered: Counter<u64, AtomicU64>,
    answers: [Counter; ANSWERS.len()],
    connected: Gauge,
    reconnections: Counter<u64, AtomicU64>,
}

/// A request in flight, until it is dropped.
pub(crate) struct InFlight(Gauge);

// === impl Metrics ===

impl Metrics {
    /// Adds them to those of a broker, which must happen once.
    pub(crate) fn of(broker: &Broker) -> Metrics {
        let (requests, answers) = (
            Family::<Labels, Counter>::default(),
            Family::<Labels, Counter>::default(),
        );
        let (in_flight, connected) = (Gauge::default(), Gauge::default());
        let (redelivered, reconnections) = (Counter::default(), Counter::default());
        broker.add_metrics(|registry| {
            registry.register(
                "activiti_requests",
                "Requests of service tasks that were taken from a queue, by what became of them",
                requests.clone(),
            );
            registry.register(
                "activiti_requests_in_flight",
                "Requests of service tasks that are neither answered nor given back yet",
                in_flight.clone(),
            );
            registry.register(
                "activiti_requests_redelivered",
                "Requests of service tasks that the message broker had handed out before",
                redelivered.clone(),
            );
            registry.register(
                "activiti_answers",
                "Attempts to publish an answer to a service task, by outcome",
                answers.clone(),
            );
            registry.register(
                "activiti_connected",
                "Whether there is a connection to the message broker",
                connected.clone(),
            );
            registry.register(
                "activiti_reconnections",
                "Connections to the message broker that were made anew after a loss",
                reconnections.clone(),
            );
        });
        Metrics {
            requests: OUTCOMES.map(|outcome| requests.get_or_create_owned(&Labels { outcome })),
            in_flight,
            redelivered,
            answers: ANSWERS.map(|outcome| answers.get_or_create_owned(&Labels { outcome })),
            connected,
            reconnections,
        }
    }

    /// A request begins.
    pub(crate) fn begin(&self, redelivered: bool) -> InFlight {
        if redelivered {
            self.redelivered.inc();
        }
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// A request has ended.
    pub(crate) fn taken(&self, taken: Taken) {
        let outcome = match taken {
            Taken::Answered(verdict) => of_verdict(verdict),
            Taken::Promised => 3,
            Taken::PassedOver => 4,
            Taken::Parked => 5,
            Taken::GivenBack => 6,
            Taken::Lost => 7,
            Taken::Waits => 8,
        };
        self.requests[outcome].inc();
    }

    /// An answer has been published, or has not.
    pub(crate) fn published(&self, verdict: Verdict, published: &Result<(), Unpublished>) {
        let outcome = match published {
            Ok(()) => of_verdict(verdict),
            Err(Unpublished::Unroutable(_)) => 3,
            Err(Unpublished::NotTaken | Unpublished::Blocked) => 4,
            Err(Unpublished::NotSent(_) | Unpublished::Unconfirmed(_)) => 5,
            Err(Unpublished::Never(_)) => 6,
        };
        self.answers[outcome].inc();
    }

    /// Whether there is a connection.
    pub(crate) fn connected(&self, connected: bool) {
        self.connected.set(connected.into());
    }

    /// There is one again.
    pub(crate) fn reconnected(&self) {
        self.reconnections.inc();
    }
}

fn of_verdict(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Result => 0,
        Verdict::BpmnError => 1,
        Verdict::TechnicalError => 2,
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcomes_are_the_names_of_the_verdicts() {
        for verdict in [Verdict::Result, Verdict::BpmnError, Verdict::TechnicalError] {
            let at = of_verdict(verdict);
            assert_eq!(
                (OUTCOMES[at], ANSWERS[at]),
                (verdict.name(), verdict.name())
            );
        }
    }
}
