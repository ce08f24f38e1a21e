//! Takes secrets out of text before anyone sees it.
//!
//! Types keep our own code from printing a secret ([`crate::Secret`]); the mask is for what others
//! hand us: an upstream that echoes our header in its error page, a library that quotes a URL.
//! It looks for each value raw, JSON-escaped, URL-encoded and in base64 at any alignment.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Stands where a secret stood.
pub const MASKED: &str = "***";

/// Stands for a whole text that holds a secret too short to be cut out of it.
pub const WITHHELD: &str = "(withheld: the text holds a short secret)";

/// Secrets of fewer characters than this are not cut out, since they occur in any text by chance
/// and the gaps would spell them; the whole text is withheld instead.
const SHORTEST: usize = 4;

/// Secrets of a call that are longer than this many bytes are not searched for: building that takes
/// longer than the call should. Texts that could quote one are withheld instead.
const LONGEST: usize = 8 * 1024;

/// The secrets known from the configuration; compiled once, shared by all calls.
#[derive(Clone, Default)]
pub struct Mask(Option<Arc<Compiled>>);

struct Compiled {
    long: Option<AhoCorasick>,
    short: Vec<String>,
}

/// The secrets of one call on top of a [`Mask`]. Compiled when a text has to be masked, so that a
/// call which has nothing to say pays nothing.
#[derive(Default)]
pub struct CallMask {
    base: Mask,
    values: Mutex<BTreeSet<String>>,
}

// === impl Mask ===

impl Mask {
    /// A mask for these values. Empty ones are passed over.
    pub fn new<I>(values: I) -> Mask
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut forms = BTreeSet::new();
        let mut short = Vec::new();
        for value in values {
            match value.as_ref() {
                "" => {}
                value if value.chars().count() < SHORTEST => short.push(value.to_owned()),
                value => add_forms(value, &mut forms),
            }
        }
        if forms.is_empty() && short.is_empty() {
            return Mask(None);
        }
        // Building fails only past limits that secrets of any sane size do not reach; then the
        // safe answer is to withhold every text rather than to pass some.
        let long = (!forms.is_empty()).then(|| {
            // Its build takes time in proportion to the patterns; that of the automaton which the
            // library would choose takes the square of it for secrets that repeat themselves.
            AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .match_kind(MatchKind::LeftmostLongest)
                .build(&forms)
        });
        match long.transpose() {
            Ok(long) => Mask(Some(Arc::new(Compiled { long, short }))),
            Err(_) => Mask::withhold(),
        }
    }

    /// Withholds every text.
    fn withhold() -> Mask {
        let short = vec![String::new()];
        Mask(Some(Arc::new(Compiled { long: None, short })))
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// `text` without the secrets. Borrows when there was none in it.
    pub fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(compiled) = &self.0 else {
            return Cow::Borrowed(text);
        };
        if compiled
            .short
            .iter()
            .any(|short| text.contains(short.as_str()))
        {
            return Cow::Owned(WITHHELD.to_owned());
        }
        match &compiled.long {
            Some(long) if long.is_match(text) => {
                let mut out = String::with_capacity(text.len());
                long.replace_all_with(text, &mut out, |_, _, out| {
                    out.push_str(MASKED);
                    true
                });
                Cow::Owned(out)
            }
            _ => Cow::Borrowed(text),
        }
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() {
            "Mask(empty)"
        } else {
            "Mask(***)"
        })
    }
}

// === impl CallMask ===

impl CallMask {
    /// Begins with the secrets of the configuration.
    pub fn new(base: Mask) -> CallMask {
        CallMask {
            base,
            values: Mutex::default(),
        }
    }

    /// Adds a value that must not appear in this call's messages and logs.
    pub fn protect(&self, value: &str) {
        if !value.is_empty() {
            self.lock().insert(value.to_owned());
        }
    }

    /// The secrets of this call alone.
    pub fn own(&self) -> Mask {
        let too_long = self.lock().iter().any(|value| value.len() > LONGEST);
        match too_long {
            true => Mask::withhold(),
            false => Mask::new(self.lock().iter()),
        }
    }

    /// Masks a set of texts in place. All are withheld when a secret is too long to look for.
    pub fn apply_all<'t>(&self, texts: impl IntoIterator<Item = &'t mut String>) {
        let own = self.own();
        for text in texts {
            for mask in [&self.base, &own] {
                if let Cow::Owned(masked) = mask.apply(text) {
                    *text = masked;
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CallMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallMask(***)")
    }
}

/// All spellings of a secret that occur in practice.
fn add_forms(value: &str, forms: &mut BTreeSet<String>) {
    forms.insert(value.to_owned());
    let escaped = serde_json::Value::from(value).to_string();
    let escaped = escaped.trim_matches('"');
    forms.insert(escaped.to_owned());
    forms.insert(ascii_only(escaped));
    // Inside a JSON text that is itself a JSON string.
    forms.insert(
        serde_json::Value::from(escaped)
            .to_string()
            .trim_matches('"')
            .to_owned(),
    );
    forms.insert(value.escape_debug().to_string());
    for is_bytes in [false, true] {
        forms.insert(python_literal(value, is_bytes));
    }

    let encoded = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    for kept in [
        "",
        "-_.~",
        "-_.~!*'()",
        "-_.*",
        "-_.~/",
        "-_.~!$&'()*+,;=:@/?",
    ] {
        let mut partly = encoded.clone();
        for c in kept.chars() {
            partly = partly.replace(&format!("%{:02X}", u32::from(c)), &c.to_string());
        }
        forms.insert(partly.replace("%20", "+"));
        forms.insert(lower_hex(&partly));
        forms.insert(partly);
    }

    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        forms.insert(engine.encode(value));
        for offset in 0..3 {
            forms.extend(base64_core(engine, value, offset));
        }
    }
}

/// The characters of a base64 text that depend on `value` alone when `offset` bytes stand before
/// it (as a user name does in basic authentication) and any may follow.
fn base64_core(engine: &impl Engine, value: &str, offset: usize) -> Option<String> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(value.as_bytes());
    let encoded = engine.encode(&bytes);
    let head = [0, 2, 3][offset];
    let tail = usize::from(!bytes.len().is_multiple_of(3));
    let core = encoded.get(head..encoded.len() - tail)?;
    // Fewer characters would be found by chance.
    (core.len() >= 6).then(|| core.to_owned())
}

/// As Python's `json.dumps` writes it: everything beyond ASCII as `\u` and four hex digits.
fn ascii_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// As Python's `repr` writes it within a dictionary, an exception or a list: text, or bytes.
fn python_literal(value: &str, is_bytes: bool) -> String {
    // Apostrophes are escaped only where quotation marks could not stand around the text.
    let apostrophes = value.contains('\'') && value.contains('"');
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' if apostrophes => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || (is_bytes && !c.is_ascii()) => {
                let bytes = &mut [0; 4];
                match is_bytes {
                    true => (c.encode_utf8(bytes).bytes())
                        .for_each(|byte| out.push_str(&format!("\\x{byte:02x}"))),
                    false => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn lower_hex(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut hex = 0usize;
    for c in encoded.chars() {
        out.push(if hex > 0 { c.to_ascii_lowercase() } else { c });
        hex = if c == '%' {
            2
        } else {
            hex.saturating_sub(usize::from(hex > 0))
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "pä\"ss w/örd+1";

    #[test]
    fn every_spelling_of_a_secret_is_found() {
        let mask = Mask::new([SECRET]);
        let texts = [
            SECRET.to_owned(),
            serde_json::Value::from(SECRET).to_string(),
            ascii_only(&serde_json::Value::from(SECRET).to_string()),
            utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(),
            "p%C3%A4%22ss+w%2F%C3%B6rd%2B1".to_owned(),
            "p%c3%a4%22ss%20w/%c3%b6rd%2b1".to_owned(),
            format!("{SECRET:?}"),
        ];
        for text in texts {
            assert!(
                mask.apply(&format!("a {text} z")).contains(MASKED),
                "{text}"
            );
        }
    }

    #[test]
    fn python_quotes_are_found() {
        // What `repr` makes of each as text and as bytes.
        for (secret, repr, bytes) in [
            (r#"a\b"cd"#, r#"'a\\b"cd'"#, r#"b'a\\b"cd'"#),
            ("it's\"so", r#"'it\'s"so'"#, r#"b'it\'s"so'"#),
            ("it's so", r#""it's so""#, r#"b"it's so""#),
            ("pä\tss", r"'pä\tss'", r"b'p\xc3\xa4\tss'"),
            ("bell\x07", r"'bell\x07'", r"b'bell\x07'"),
        ] {
            let mask = Mask::new([secret]);
            for text in [repr, bytes] {
                let masked = mask.apply(text);
                let quoted = masked.trim_start_matches('b').len() == MASKED.len() + 2;
                assert!(quoted && masked.contains(MASKED), "{secret:?}: {masked}");
            }
        }
    }

    #[test]
    fn base64_is_found_wherever_the_secret_stands_in_it() {
        let mask = Mask::new(["correct horse"]);
        for user in ["", "a", "ab", "abc", "user:", "someone:"] {
            for after in ["", "\n", "!!"] {
                let text = STANDARD_NO_PAD.encode(format!("{user}correct horse{after}"));
                assert!(mask.apply(&text).contains(MASKED), "{user:?} {after:?}");
            }
        }
    }

    #[test]
    fn of_two_secrets_where_one_begins_the_other_the_longer_goes_whole() {
        let mask = Mask::new(["abcd", "abcdefgh"]);
        assert_eq!(mask.apply("<abcdefgh> <abcd>"), "<***> <***>");
    }

    #[test]
    fn a_short_secret_withholds_the_whole_text() {
        let mask = Mask::new(["xyz"]);
        assert_eq!(mask.apply("has xyz in it"), WITHHELD);
        assert_eq!(mask.apply("has not"), "has not");
    }

    #[test]
    fn a_call_masks_its_own_secrets_and_those_of_the_configuration() {
        let call = CallMask::new(Mask::new(["configured"]));
        call.protect("argument");
        call.protect("");
        let mut text = "configured argument rest".to_owned();
        let mut other = "nothing".to_owned();
        call.apply_all([&mut text, &mut other]);
        assert_eq!((text.as_str(), other.as_str()), ("*** *** rest", "nothing"));
    }

    #[test]
    fn a_secret_too_long_to_look_for_withholds_the_texts_of_its_call() {
        let call = CallMask::new(Mask::default());
        // Repeats itself, and is longer than any automaton for it should be.
        call.protect(&"0123456789abcdef".repeat(1 << 16));
        let mut text = "whatever it says".to_owned();
        call.apply_all([&mut text]);
        assert_eq!(text, WITHHELD);
    }

    #[test]
    fn a_long_secret_that_repeats_itself_is_found() {
        let secret = "0123456789abcdef".repeat(LONGEST / 16);
        let call = CallMask::new(Mask::default());
        call.protect(&secret);
        let mut text = format!("<{secret}>");
        call.apply_all([&mut text]);
        assert_eq!(text, "<***>");
    }

    #[test]
    fn a_withheld_text_is_withheld_in_a_call_too() {
        let call = CallMask::new(Mask::default());
        call.protect("ab");
        let mut text = "cab".to_owned();
        call.apply_all([&mut text]);
        assert_eq!(text, WITHHELD);
    }
}
