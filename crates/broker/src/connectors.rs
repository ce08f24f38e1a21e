//! What connectors and their limits are like at the moment, for people and for metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::catalogue::{Catalogue, Entry};
use crate::layers::breaker::BreakerPhase;
use crate::limiters::{Limiters, Limits, Scope};
use crate::policy::{CircuitBreaker, Concurrency, RateLimit};

/// A connector as it is at the moment.
pub struct ConnectorState {
    /// What callers write before the `/`.
    pub name: Arc<str>,
    /// What system it talks to, in a sentence.
    pub description: String,
    /// Where it comes from, such as `[connectors.crm]`.
    pub mounted_by: Arc<str>,
    /// What it can do, ordered by name, with the policy of each.
    pub commands: Vec<Arc<Entry>>,
    /// How many calls of it are not answered yet, those that wait included.
    pub in_flight: usize,
    /// The limits that its commands share.
    pub limits: LimitsState,
    /// Those of commands that have limits of their own, by the command's name.
    pub own: Vec<(String, LimitsState)>,
}

/// Limits as they are at the moment. They are those of this process: each replica has its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitsState {
    /// How many calls may begin in a time.
    pub rate: Option<RateLimit>,
    /// How many calls may run at once.
    pub concurrency: Option<ConcurrencyState>,
    /// When the system is left alone.
    pub breaker: Option<BreakerState>,
    /// How many of the calls may be retries, in percent.
    pub retry_budget: Option<u8>,
}

/// A concurrency limit at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcurrencyState {
    /// How many may run and wait.
    pub limit: Concurrency,
    /// How many have a place.
    pub running: usize,
    /// How many wait for one.
    pub waiting: usize,
}

/// A circuit breaker at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerState {
    /// When it opens, and for how long.
    pub settings: CircuitBreaker,
    /// What it does with the calls that come.
    pub phase: BreakerPhase,
    /// For how long it lets none through, where it is open.
    pub left: Duration,
}

/// Shows the limits in the metrics, as they are when these are read: so no limit stays there that
/// is gone.
pub(crate) struct Gauges(pub(crate) Arc<ArcSwap<Limiters>>);

/// Every connector of a catalogue, ordered by name.
pub(crate) fn states(catalogue: &Catalogue, limiters: &Limiters) -> Vec<ConnectorState> {
    let connectors = catalogue
        .entries()
        .chunk_by(|a, b| a.id.connector == b.id.connector);
    let state = |commands: &[Arc<Entry>]| {
        let first = commands.first()?;
        let of = limiters.connector(&first.id.connector);
        Some(ConnectorState {
            name: first.id.connector.clone(),
            description: first.connector.manifest().description.clone(),
            mounted_by: first.mounted_by.clone(),
            commands: commands.to_vec(),
            in_flight: commands.iter().map(|entry| entry.metrics.in_flight()).sum(),
            limits: of.map(|of| of.shared.state()).unwrap_or_default(),
            own: of.map_or_else(Vec::new, |of| {
                let own = of.own.iter();
                own.map(|(name, limits)| (name.clone(), limits.state()))
                    .collect()
            }),
        })
    };
    connectors.filter_map(state).collect()
}

// === impl Limits ===

impl Limits {
    pub(crate) fn state(&self) -> LimitsState {
        LimitsState {
            rate: self.rate.as_ref().map(|rate| rate.limit),
            concurrency: self.places.as_ref().map(|places| ConcurrencyState {
                limit: places.limit,
                running: places.running(),
                waiting: places.waiting(),
            }),
            breaker: self.breaker.as_ref().map(|breaker| BreakerState {
                settings: breaker.settings,
                phase: breaker.phase(),
                left: breaker.left(),
            }),
            retry_budget: self.retries.as_ref().map(|budget| budget.percent),
        }
    }
}

// === impl Gauges ===

type Value = fn(&LimitsState) -> Option<i64>;

/// Each gauge with its description and where its value comes from.
const GAUGES: [(&str, &str, Value); 3] = [
    (
        "breaker_state",
        "The circuit breaker: 0 closed, 1 with a call on probation, 2 open",
        |state| state.breaker.map(|breaker| breaker.phase.number()),
    ),
    (
        "calls_running",
        "Calls that have a place, where their number is limited",
        |state| state.concurrency.map(|c| number(c.running)),
    ),
    ("calls_waiting", "Calls that wait for a place", |state| {
        state.concurrency.map(|c| number(c.waiting))
    }),
];

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let limiters = self.0.load();
        let states: Vec<(Scope, LimitsState)> = limiters.all().collect();
        for (name, help, value) in GAUGES {
            let mut gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (scope, state) in &states {
                if let Some(value) = value(state) {
                    ConstGauge::new(value).encode(gauge.encode_family(scope)?)?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gauges")
    }
}
