//! What an access key is good for and until when, as texts.

use std::fmt;
use std::str::FromStr;

use crosspoint_broker::access::Scopes;
use crosspoint_broker::ledger::read_time;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::format::{as_text, wrong};
use super::problem::Wrong;

/// One scope of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeText(pub String);

/// From when on a key is not taken any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    text: String,
    /// In milliseconds since 1970.
    pub ms: i64,
}

as_text!(ScopeText, "scope", "string");
as_text!(Expiry, "expiry", "string");

// === impl ScopeText ===

impl FromStr for ScopeText {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<ScopeText, Wrong> {
        match text.parse::<Scopes>() {
            Ok(_) => Ok(ScopeText(text.to_owned())),
            Err(error) => Err(Wrong {
                why: error.to_string(),
                help: "docs/access.md lists them".to_owned(),
            }),
        }
    }
}

impl fmt::Display for ScopeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Expiry ===

impl FromStr for Expiry {
    type Err = Wrong;

    /// A time as in RFC 3339, or a day, which means its beginning in UTC.
    fn from_str(text: &str) -> Result<Expiry, Wrong> {
        let day = || {
            let day = Date::strptime("%Y-%m-%d", text).ok()?;
            let day = day.to_zoned(TimeZone::UTC).ok()?;
            Some(day.timestamp().as_millisecond())
        };
        match read_time(text).or_else(day) {
            Some(ms) => Ok(Expiry {
                text: text.to_owned(),
                ms,
            }),
            None => Err(wrong(text, "is neither a day nor a time", "expiry")),
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc() {
        let ms = |text: &str| text.parse::<Expiry>().map(|expiry| expiry.ms);
        assert_eq!(ms("1970-01-02").unwrap(), 86_400_000);
        assert_eq!(ms("1970-01-02T00:00:01Z").unwrap(), 86_401_000);
        for text in ["", "tomorrow", "2027", "2027-13-01", "2027-01-01T00:00"] {
            assert!(ms(text).is_err(), "{text}");
        }
    }
}
