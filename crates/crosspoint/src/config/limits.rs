//! Rates and shares.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::format::{as_text, wrong};
use super::problem::Wrong;

/// The most calls that a rate may name.
const MOST: u32 = 1_000_000;

/// So many calls in a second, a minute or an hour; from 1 to 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub calls: u32,
    unit: Unit,
}

/// A share from 0 to 100 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(pub u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

as_text!(Rate, "rate", "string");
as_text!(Share, "share", "string");

// === impl Rate ===

impl Rate {
    /// In which time.
    pub fn per(self) -> Duration {
        Duration::from_secs(match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3600,
        })
    }
}

impl FromStr for Rate {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Rate, Wrong> {
        let fault = |fault: &str| wrong(text, fault, "rate");
        let Some((count, unit)) = text.split_once('/') else {
            return Err(fault("is not a rate"));
        };
        let unit = match unit.trim() {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            _ => return Err(fault("is not in `s`, `m` or `h`")),
        };
        match count.trim().parse::<u64>() {
            Ok(0) => Err(fault("lets no call through")),
            Ok(calls) if calls > MOST.into() => Err(fault(&format!("is more than `{MOST}`"))),
            Ok(calls) => Ok(Rate {
                calls: calls as u32,
                unit,
            }),
            Err(_) => Err(fault("is not a rate")),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
        };
        write!(f, "{}/{unit}", self.calls)
    }
}

// === impl Share ===

impl FromStr for Share {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Share, Wrong> {
        let fault = |fault| wrong(text, fault, "share");
        let Some(percent) = text.trim().strip_suffix('%') else {
            return Err(fault(match text.trim().parse::<f64>() {
                Ok(_) => "has no `%`",
                Err(_) => "is not a share",
            }));
        };
        match percent.trim().parse::<i64>() {
            Ok(percent @ 0..=100) => Ok(Share(percent as u8)),
            Ok(_) => Err(fault("is not from `0%` to `100%`")),
            Err(_) => Err(fault("is not a share in whole percent")),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_in_a_time() {
        for (text, normal, seconds) in [
            ("10/s", "10/s", 1),
            ("100 / m", "100/m", 60),
            ("1000000/h", "1000000/h", 3600),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(
                (&*rate.to_string(), rate.per().as_secs()),
                (normal, seconds)
            );
        }
        for (text, reason) in [
            ("10", "`10` is not a rate; expected a rate such as `10/s`"),
            ("10/d", "`10/d` is not in `s`, `m` or `h`"),
            ("0/s", "`0/s` lets no call through"),
            ("-1/s", "`-1/s` is not a rate"),
            ("1.5/s", "`1.5/s` is not a rate"),
            ("1000001/s", "`1000001/s` is more than `1000000`"),
            (
                "99999999999999999999/s",
                "`99999999999999999999/s` is not a rate",
            ),
            ("fast", "`fast` is not a rate"),
        ] {
            let why = text.parse::<Rate>().expect_err(text).to_string();
            assert!(why.starts_with(reason), "{why}");
        }
    }

    #[test]
    fn a_share_is_in_percent() {
        for (text, normal) in [("20%", "20%"), (" 0 % ", "0%"), ("100%", "100%")] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), normal);
        }
        for (text, reason) in [
            ("20", "`20` has no `%`; expected a share such as `20%`"),
            ("0.2", "`0.2` has no `%`"),
            ("101%", "`101%` is not from `0%` to `100%`"),
            ("-1%", "`-1%` is not from `0%` to `100%`"),
            ("1.5%", "`1.5%` is not a share in whole percent"),
            ("some", "`some` is not a share"),
        ] {
            let why = text.parse::<Share>().expect_err(text).to_string();
            assert!(why.starts_with(reason), "{why}");
        }
    }
}
