//! A made-up secret, and finding it again in whatever spelling.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Mask;

/// A secret that is in nobody's use, to be sent where secrets go and looked for where they must
/// not be.
#[derive(Debug, Clone)]
pub struct Canary {
    text: String,
    mask: Mask,
}

// === impl Canary ===

impl Canary {
    /// Canaries of different numbers do not occur in each other.
    pub fn new(number: usize) -> Canary {
        // Signs that URLs, JSON and both alphabets of base64 spell in their own ways.
        let text = format!("canary/{number}+Zq7~x9\"Lm?>{number}");
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let twice = STANDARD.encode(STANDARD.encode(&text));
        let reversed: String = text.chars().rev().collect();
        let forms = [
            text.to_ascii_lowercase(),
            text.to_ascii_uppercase(),
            hex.to_ascii_uppercase(),
            hex,
            twice.trim_end_matches('=').to_owned(),
            reversed,
        ];
        let mask = Mask::new(std::iter::once(&text).chain(&forms));
        Canary { text, mask }
    }

    /// The secret.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a text holds the secret: as it is, in capitals or small letters, backwards, JSON-
    /// or URL-encoded, in base64 (once or twice) or hexadecimal.
    pub fn is_in(&self, text: &str) -> bool {
        self.mask.apply(text) != text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_hides_a_canary() {
        let canary = Canary::new(3);
        let text = canary.text();
        let spellings = [
            text.to_owned(),
            format!("Bearer {text}!"),
            format!("{text:?}"),
            STANDARD.encode(format!("user:{text}")),
            STANDARD.encode(STANDARD.encode(text)),
            text.to_uppercase(),
            text.chars().rev().collect(),
            text.bytes().map(|byte| format!("{byte:02X}")).collect(),
            "canary%2F3%2BZq7~x9%22Lm%3F%3E3".to_owned(),
        ];
        for spelling in spellings {
            assert!(canary.is_in(&spelling), "{spelling}");
        }
        assert!(!canary.is_in(Canary::new(4).text()));
        assert!(!canary.is_in("nothing of the kind"));
    }
}
