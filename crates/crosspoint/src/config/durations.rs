//! Durations, written with units.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, SpanRelativeTo};

use super::format::{as_text, wrong};
use super::problem::Wrong;

/// A duration from 1 ms to 24 h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A duration from nothing to 24 h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay(pub Duration);

/// A duration from 1 h to 3650 days of 24 h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age(pub Duration);

/// A duration from 3 s to 10 min.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease(pub Duration);

as_text!(Span, "time-span", "string");
as_text!(Delay, "delay", "string");
as_text!(Age, "age", "string");
as_text!(Lease, "lease", "string");

// === impl Span, Delay, Age, Lease ===

impl Span {
    /// That many seconds.
    pub const fn seconds(seconds: u64) -> Span {
        Span(Duration::from_secs(seconds))
    }
}

impl Age {
    /// That many days of 24 hours.
    pub const fn days(days: u64) -> Age {
        Age(Duration::from_hours(24 * days))
    }
}

impl Default for Lease {
    fn default() -> Lease {
        Lease(Duration::from_secs(30))
    }
}

impl FromStr for Span {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Span, Wrong> {
        let (least, most) = (
            SignedDuration::from_millis(1),
            SignedDuration::from_hours(24),
        );
        read(text, "time-span", least, most).map(Span)
    }
}

impl FromStr for Delay {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Delay, Wrong> {
        let (least, most) = (SignedDuration::ZERO, SignedDuration::from_hours(24));
        read(text, "delay", least, most).map(Delay)
    }
}

impl FromStr for Age {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Age, Wrong> {
        let hours = SignedDuration::from_hours;
        read(text, "age", hours(1), hours(24 * 3650)).map(Age)
    }
}

impl FromStr for Lease {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Lease, Wrong> {
        let (least, most) = (SignedDuration::from_secs(3), SignedDuration::from_mins(10));
        read(text, "lease", least, most).map(Lease)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}

/// Reads a duration that lies within bounds. A day has 24 hours.
fn read(
    text: &str,
    format: &str,
    least: SignedDuration,
    most: SignedDuration,
) -> Result<Duration, Wrong> {
    if text.trim().parse::<f64>().is_ok() {
        return Err(wrong(text, "has no unit", format));
    }
    let not_one = |_| wrong(text, "is not a duration", format);
    let span: jiff::Span = text.trim().parse().map_err(not_one)?;
    let days = SpanRelativeTo::days_are_24_hours();
    let duration = span.to_duration(days).map_err(not_one)?;
    let bound = |fault, bound: SignedDuration| {
        let bound = Age(bound.unsigned_abs());
        wrong(text, &format!("is {fault} than `{bound}`"), format)
    };
    match duration {
        _ if duration < least => Err(bound("shorter", least)),
        _ if duration > most => Err(bound("longer", most)),
        _ => Ok(duration.unsigned_abs()),
    }
}

/// Several days as days, all else by the clock.
fn write(duration: Duration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let day = Duration::from_hours(24);
    if duration > day && duration.as_nanos().is_multiple_of(day.as_nanos()) {
        return write!(f, "{}d", duration.as_secs() / day.as_secs());
    }
    let signed = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    write!(f, "{signed:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why<T: FromStr<Err = Wrong> + fmt::Debug>(text: &str) -> String {
        text.parse::<T>().expect_err(text).to_string()
    }

    fn shown<T: FromStr<Err = Wrong> + fmt::Display>(text: &str) -> String {
        text.parse::<T>()
            .unwrap_or_else(|wrong| panic!("{wrong}"))
            .to_string()
    }

    #[test]
    fn a_duration_has_units_and_bounds() {
        for (text, normal) in [
            ("40s", "40s"),
            ("90s", "1m 30s"),
            ("1m 30s", "1m 30s"),
            ("PT40S", "40s"),
            ("250 ms", "250ms"),
            ("1.5s", "1s 500ms"),
            ("24h", "24h"),
            ("1d", "24h"),
        ] {
            assert_eq!(shown::<Span>(text), normal);
            assert_eq!(normal.parse::<Span>(), text.parse::<Span>());
        }
        assert!(
            why::<Span>("40").starts_with("`40` has no unit; expected a duration such as `40s`")
        );
        assert!(why::<Span>("soon").starts_with("`soon` is not a duration"));
        for text in ["0s", "-5s", "40s ago", "1us"] {
            assert!(
                why::<Span>(text).contains("is shorter than `1ms`"),
                "{text}"
            );
        }
        assert!(why::<Span>("25h").contains("is longer than `24h`"));
    }

    #[test]
    fn a_delay_may_be_nothing() {
        for (text, normal) in [("0s", "0s"), ("PT0S", "0s"), ("30s", "30s"), ("24h", "24h")] {
            assert_eq!(shown::<Delay>(text), normal);
            assert_eq!(normal.parse::<Delay>(), text.parse::<Delay>());
        }
        for (text, reason) in [
            (
                "0",
                "`0` has no unit; expected a duration such as `30s`, or `0s`",
            ),
            ("-5s", "`-5s` is shorter than `0s`"),
            ("25h", "`25h` is longer than `24h`"),
            ("always", "`always` is not a duration"),
        ] {
            assert!(
                why::<Delay>(text).starts_with(reason),
                "{}",
                why::<Delay>(text)
            );
        }
    }

    #[test]
    fn a_lease_is_neither_too_short_to_be_renewed_nor_too_long_to_wait_for() {
        for (text, normal) in [("3s", "3s"), ("PT30S", "30s"), ("10m", "10m")] {
            assert_eq!(shown::<Lease>(text), normal);
        }
        for (text, reason) in [
            ("30", "`30` has no unit; expected a duration such as `30s`"),
            ("2s", "`2s` is shorter than `3s`"),
            ("-30s", "`-30s` is shorter than `3s`"),
            ("11m", "`11m` is longer than `10m`"),
            ("never", "`never` is not a duration"),
        ] {
            let why = why::<Lease>(text);
            assert!(why.starts_with(reason), "{why}");
        }
    }

    #[test]
    fn an_age_is_in_days_or_hours() {
        for (text, normal) in [
            ("90d", "90d"),
            ("720h", "30d"),
            ("P90D", "90d"),
            ("2 weeks", "14d"),
            ("36h", "36h"),
            ("1h", "1h"),
            ("1d 1h", "25h"),
            ("3650d", "3650d"),
        ] {
            assert_eq!(shown::<Age>(text), normal);
            assert_eq!(normal.parse::<Age>(), text.parse::<Age>());
        }
        for (text, reason) in [
            (
                "90",
                "`90` has no unit; expected a duration such as `90d` or `720h`",
            ),
            ("59m", "`59m` is shorter than `1h`"),
            ("-90d", "`-90d` is shorter than `1h`"),
            ("3651d", "`3651d` is longer than `3650d`"),
            // How long they are depends on when they begin.
            ("3 months", "`3 months` is not a duration"),
            ("1y", "`1y` is not a duration"),
            ("ever", "`ever` is not a duration"),
        ] {
            assert!(why::<Age>(text).starts_with(reason), "{}", why::<Age>(text));
        }
    }
}
