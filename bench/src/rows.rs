//! The rows of the result: a value, the yardstick beside it, what their ratio should be.

use serde::Serialize;

use crate::stats::{median, rounded};

/// Everything that was measured, as `cargo xtask bench` reads it.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) cores: usize,
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) rows: Vec<Row>,
}

/// One thing that was measured, next to a yardstick measured in the same rounds.
#[derive(Serialize)]
pub(crate) struct Row {
    what: String,
    how: String,
    unit: &'static str,
    value: f64,
    yardstick: &'static str,
    yardstick_value: f64,
    /// The median of the rounds' ratios, which need not be the ratio of the medians.
    ratio: Option<f64>,
    target: Option<Target>,
    met: Option<bool>,
}

/// What is judged, and against what.
#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    RatioAtLeast(f64),
    RatioAtMost(f64),
    ValueAtLeast(f64),
    ValueAtMost(f64),
}

// === impl Row ===

impl Row {
    /// A row from pairs of (value, yardstick), one pair for each round.
    pub(crate) fn new(
        what: impl Into<String>,
        unit: &'static str,
        yardstick: &'static str,
        pairs: &[(f64, f64)],
    ) -> Row {
        let ratios: Vec<f64> = pairs
            .iter()
            .filter(|(_, yardstick)| *yardstick > 0.0)
            .map(|(value, yardstick)| value / yardstick)
            .collect();
        Row {
            what: what.into(),
            how: String::new(),
            unit,
            value: rounded(median(pairs.iter().map(|pair| pair.0))),
            yardstick,
            yardstick_value: rounded(median(pairs.iter().map(|pair| pair.1))),
            ratio: (!ratios.is_empty()).then(|| rounded(median(ratios))),
            target: None,
            met: None,
        }
    }

    /// Says how the value was got.
    pub(crate) fn how(mut self, how: impl Into<String>) -> Row {
        self.how = how.into();
        self
    }

    /// Sets the target and judges it. Without a ratio a target on the ratio is missed.
    pub(crate) fn target(mut self, target: Target) -> Row {
        self.met = Some(match target {
            Target::RatioAtLeast(limit) => self.ratio.is_some_and(|ratio| ratio >= limit),
            Target::RatioAtMost(limit) => self.ratio.is_some_and(|ratio| ratio <= limit),
            Target::ValueAtLeast(limit) => self.value >= limit,
            Target::ValueAtMost(limit) => self.value <= limit,
        });
        self.target = Some(target);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_over_the_rounds() {
        let row = Row::new(
            "calls",
            "calls/s",
            "forwarder",
            &[(6.0, 10.0), (1.0, 100.0), (9.0, 10.0)],
        );
        assert_eq!(
            (row.value, row.yardstick_value, row.ratio),
            (6.0, 10.0, Some(0.6))
        );
    }

    #[test]
    fn a_target_is_met_at_its_limit_and_missed_beyond() {
        let met = |target| Row::new("x", "ms", "y", &[(3.0, 1.0)]).target(target).met;
        assert_eq!(met(Target::RatioAtMost(3.0)), Some(true));
        assert_eq!(met(Target::RatioAtMost(2.9)), Some(false));
        assert_eq!(met(Target::RatioAtLeast(3.1)), Some(false));
        assert_eq!(met(Target::ValueAtMost(2.0)), Some(false));
        assert_eq!(met(Target::ValueAtLeast(3.0)), Some(true));
    }

    #[test]
    fn a_yardstick_of_nothing_gives_no_ratio() {
        let row = Row::new("x", "s", "y", &[(3.0, 0.0)]).target(Target::RatioAtMost(9.0));
        assert_eq!((row.ratio, row.met), (None, Some(false)));
    }

    #[test]
    fn a_row_is_written_as_the_presenter_reads_it() {
        let row = Row::new("x", "s", "y", &[(1.0, 2.0)]).target(Target::ValueAtMost(3.0));
        let json = serde_json::to_value(row).unwrap();
        assert_eq!(json["target"], serde_json::json!({"value_at_most": 3.0}));
        assert_eq!(json["met"], true);
    }
}
