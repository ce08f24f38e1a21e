//! Times as they are read and shown: UTC, in the spelling of RFC 3339, so that one that was shown
//! can be given back.

use std::str::FromStr;

use crosspoint_broker::ledger::read_time;
use jiff::Timestamp;

use crate::config::durations::{Age, Delay};

/// A moment, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub i64);

/// Neither a time nor a duration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither a time such as 2026-03-01T08:00:00Z nor how long ago, such as 30m, 2h or 7d (at most \
     3650d)"
)]
pub struct NotAMoment;

// === impl Moment ===

impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Moment, NotAMoment> {
        read(text, Timestamp::now().as_millisecond())
    }
}

fn read(text: &str, now: i64) -> Result<Moment, NotAMoment> {
    if let Some(time) = read_time(text) {
        return Ok(Moment(time));
    }
    // Short ones by the one, long ones by the other.
    let ago = match (text.parse::<Delay>(), text.parse::<Age>()) {
        (Ok(Delay(ago)), _) | (_, Ok(Age(ago))) => ago,
        _ => return Err(NotAMoment),
    };
    let ago = i64::try_from(ago.as_millis()).map_err(|_| NotAMoment)?;
    Ok(Moment(now - ago))
}

/// To the second, for people.
pub fn seconds(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| "?".to_owned(), |time| format!("{time:.0}"))
}

/// How long something took: as short as it can be said.
pub fn took(ms: i64) -> String {
    match ms {
        ..1000 => format!("{ms}ms"),
        1000..60_000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{}m{:02}s", ms / 60_000, ms / 1000 % 60),
        _ => format!("{}h{:02}m", ms / 3_600_000, ms / 60_000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago_it_was() {
        let day = 24 * 3600 * 1000;
        for (text, ms) in [
            ("1970-01-11T00:00:00Z", 10 * day),
            ("1970-01-11T01:00:00.250+01:00", 10 * day + 250),
            ("0s", 100 * day),
            ("30m", 100 * day - day / 48),
            ("2h", 100 * day - day / 12),
            ("7d", 93 * day),
            ("2 weeks", 86 * day),
        ] {
            assert_eq!(read(text, 100 * day), Ok(Moment(ms)), "{text}");
        }
        for text in ["", "yesterday", "5", "-2h", "2026-03-01", "9999d"] {
            assert_eq!(read(text, 0), Err(NotAMoment), "{text}");
        }
    }

    #[test]
    fn times_are_utc_and_can_be_given_back() {
        let ms = 1_772_352_000_123;
        assert_eq!(seconds(ms), "2026-03-01T08:00:00Z");
        let exact = crosspoint_broker::ledger::time_json(ms).unwrap();
        assert_eq!(exact, "2026-03-01T08:00:00.123Z");
        assert_eq!(read(&exact, 0), Ok(Moment(ms)));
    }

    #[test]
    fn what_took_long_is_said_in_larger_units() {
        let shown = [7, 1_250, 59_999, 61_000, 3_723_000].map(took);
        assert_eq!(shown, ["7ms", "1.2s", "59.9s", "1m01s", "1h02m"]);
    }
}
