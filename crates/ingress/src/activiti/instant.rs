//! Instants as engines read them.

/// The instant that a text stands for, with its offset; a day alone is its midnight in UTC. None: engines
/// would not take it, and no more than that is passed over: days that no month has, hours, minutes, seconds and
/// offsets that no clock has, more than nine digits of a second.
pub fn instant(text: &str) -> Option<String> {
    let day = text.get(..10).filter(|day| is_day(day))?;
    if text.len() == 10 {
        return Some(format!("{day}T00:00:00Z"));
    }
    let time = text.get(10..19)?;
    let within = |at: usize, most: u32| two(time.get(at..at + 2)?).filter(|n| *n <= most);
    let shape = [(0, "T"), (3, ":"), (6, ":")];
    if shape
        .iter()
        .any(|(at, sign)| time.get(*at..at + 1) != Some(sign))
    {
        return None;
    }
    for (at, most) in [(1, 23), (4, 59), (7, 59)] {
        within(at, most)?;
    }
    let rest = &text[19..];
    let offset = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = fraction.len() - offset.len();
            (1..=9).contains(&digits).then_some(offset)?
        }
    };
    is_offset(offset).then(|| text.to_owned())
}

/// `2019-09-01`, a day that there is.
fn is_day(text: &str) -> bool {
    let [year, century, month, day] =
        [text.get(2..4), text.get(..2), text.get(5..7), text.get(8..)]
            .map(|part| part.and_then(two));
    let (Some(year), Some(century), Some(month), Some(day)) = (year, century, month, day) else {
        return false;
    };
    let year = century * 100 + year;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day) && [text.get(4..5), text.get(7..8)] == [Some("-"); 2]
}

/// `Z`, or hours and minutes of no more than 18 hours.
fn is_offset(text: &str) -> bool {
    let Some(clock) = text.strip_prefix(['+', '-']) else {
        return text == "Z";
    };
    let hours = clock.get(..2).and_then(two);
    let minutes = clock.get(2..).and_then(|rest| two(rest.strip_prefix(':')?));
    match (hours, minutes) {
        (Some(hours), Some(minutes)) => minutes < 60 && hours * 60 + minutes <= 18 * 60,
        _ => false,
    }
}

/// The number that two digits are.
fn two(text: &str) -> Option<u32> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_clock_and_a_calendar_have_is_an_instant() {
        assert_eq!(
            instant("2020-02-29").as_deref(),
            Some("2020-02-29T00:00:00Z")
        );
        for text in [
            "2019-09-01T10:20:30Z",
            "2000-02-29T00:00:00.1Z",
            "2019-12-31T23:59:59.123456789+18:00",
            "0000-01-01T00:00:00-18:00",
            "9999-12-31T23:59:59+05:45",
        ] {
            assert_eq!(instant(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_no_engine_can_read_is_none() {
        for text in [
            "",
            "soon",
            "2020-13-45",
            "2020-00-01",
            "2020-01-00",
            "2020-04-31",
            "2019-02-29",
            "1900-02-29",
            "2020-1-1",
            "2020/01/01",
            "+020-01-01",
            "２０20-01-01",
            "2020-02-30T25:61:61+99:99",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:60:00Z",
            "2020-01-01T23:59:60Z",
            "2020-01-01T00:00Z",
            "2020-01-01T00:00:00",
            "2020-01-01 00:00:00Z",
            "2020-01-01t00:00:00z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00.1234567890Z",
            "2020-01-01T00:00:00+18:01",
            "2020-01-01T00:00:00-19:00",
            "2020-01-01T00:00:00+00:60",
            "2020-01-01T00:00:00+0100",
            "2020-01-01T00:00:00+01",
            "2020-01-01T00:00:00ZZ",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
