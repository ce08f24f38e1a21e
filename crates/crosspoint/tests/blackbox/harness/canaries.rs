//! Finds secrets where they must not be, in any spelling.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Secrets by the place where a test hides them. A new kind of place is a call of
/// [`Canaries::plant`], a new kind of output one of [`Canaries::look_in`].
#[derive(Default)]
pub struct Canaries {
    planted: Vec<Canary>,
}

struct Canary {
    place: String,
    spellings: BTreeSet<(&'static str, String)>,
}

/// What URLs leave as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// So many characters of a secret are a secret of their own: what cuts a text short must not cut
/// a secret so that the rest of it shows.
const FRAGMENT: usize = 12;

// === impl Canaries ===

impl Canaries {
    /// A secret for a place: no other text has it, and each encoding spells it differently.
    pub fn plant(&mut self, place: &str) -> String {
        let number = self.planted.len();
        let value =
            format!("c4n4ry{number}/k3pt?\"s3cr3t\\{number}&y=%41+{number}~z#9x8w7v6u{number}");
        self.hide(place, &value);
        value
    }

    /// A secret for a place where not every character may stand.
    pub fn plant_plain(&mut self, place: &str) -> String {
        let number = self.planted.len();
        let value = format!("c4n4ryPl41n{number}s3cr3t{number}z9x8w7v6u{number}");
        self.hide(place, &value);
        value
    }

    /// Looks for `value` from now on.
    pub fn hide(&mut self, place: &str, value: &str) {
        let place = place.to_owned();
        self.planted.push(Canary {
            place,
            spellings: spellings(value),
        });
    }

    /// Fails when a secret stands in a text, naming both.
    pub fn look_in(&self, what: &str, text: &str) {
        let found = self.found_in(text);
        assert!(found.is_empty(), "{what} shows {found:?}:\n{text}");
    }

    /// Which secrets stand in a text, and how they are spelled there.
    pub fn found_in(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for canary in &self.planted {
            for (name, spelling) in &canary.spellings {
                if text.contains(spelling.as_str()) {
                    found.push(format!("{} ({name}: {spelling})", canary.place));
                }
            }
        }
        found
    }

    /// Fails unless every secret stands in one of the texts: proves that what was looked for can
    /// be found, such as at the upstream that got it.
    pub fn all_arrived(&self, texts: &[String]) {
        for canary in &self.planted {
            let spelled = |text: &String| {
                canary
                    .spellings
                    .iter()
                    .any(|(_, s)| text.contains(s.as_str()))
            };
            assert!(texts.iter().any(spelled), "{} was never used", canary.place);
        }
    }
}

fn spellings(value: &str) -> BTreeSet<(&'static str, String)> {
    let json = |text: &str| {
        let quoted = Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let every = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let usual = utf8_percent_encode(value, UNRESERVED).to_string();
    let mut all = BTreeSet::from([
        ("raw", value.to_owned()),
        ("JSON", json(value)),
        ("JSON in JSON", json(&json(value))),
        ("debug", value.escape_debug().to_string()),
        ("URL", usual.clone()),
        ("URL, lower case", usual.to_lowercase()),
        ("URL, each character", every.clone()),
        ("form", usual.replace("%20", "+")),
    ]);
    for offset in 0..3 {
        for (name, engine) in [
            ("base64", &STANDARD_NO_PAD),
            ("base64 of URLs", &URL_SAFE_NO_PAD),
        ] {
            all.extend(aligned(engine, value, offset).map(|text| (name, text)));
        }
    }
    if value.len() > FRAGMENT {
        all.insert(("beginning", value[..FRAGMENT].to_owned()));
        all.insert(("end", value[value.len() - FRAGMENT..].to_owned()));
    }
    all
}

/// What stands in base64 of any text that has `value` `offset` bytes behind a multiple of three:
/// the groups of three bytes that belong to the value alone.
fn aligned(engine: &impl Engine, value: &str, offset: usize) -> Option<String> {
    let bytes = value.as_bytes();
    let whole = bytes.get((3 - offset) % 3..)?;
    let whole = &whole[..whole.len() / 3 * 3];
    (!whole.is_empty()).then(|| engine.encode(whole))
}

#[test]
fn a_canary_is_found_in_every_spelling() {
    let mut canaries = Canaries::default();
    let value = canaries.plant("here");
    assert!(canaries.found_in("nothing of the kind").is_empty());
    for before in ["", "a", "ab", "user:"] {
        let text = STANDARD_NO_PAD.encode(format!("{before}{value}!"));
        assert!(!canaries.found_in(&text).is_empty(), "{before}");
    }
    for text in [
        value.clone(),
        format!("{value:?}"),
        Value::from(value.as_str()).to_string(),
        utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string(),
        value[..value.len() - 3].to_owned(),
        value[3..].to_owned(),
    ] {
        assert!(!canaries.found_in(&text).is_empty(), "{text}");
    }
}
