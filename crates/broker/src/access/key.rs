//! A key by its hash.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

use super::Scopes;
use crate::ledger::now;

/// SHA-256 of a key. Keys are random or long, so that nothing slower is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

/// A key that callers may present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// How it is called in logs and the ledger; the scope of idempotency keys.
    pub name: Arc<str>,
    /// What it is known by.
    pub hash: KeyHash,
    /// What it is good for.
    pub scopes: Scopes,
    /// From when on it is not taken any more, in milliseconds since 1970.
    pub expires: Option<i64>,
}

// === impl KeyHash ===

impl KeyHash {
    /// Of what a caller sends.
    pub fn of(key: &[u8]) -> KeyHash {
        KeyHash(Sha256::digest(key).into())
    }

    /// As it is kept: 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What was kept.
    pub fn from_hex(text: &str) -> Option<KeyHash> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut hash = [0; 32];
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(KeyHash(hash))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

// === impl AccessKey ===

impl AccessKey {
    /// A key that is good for everything, for ever.
    pub fn new(name: impl Into<Arc<str>>, key: &str) -> AccessKey {
        AccessKey {
            name: name.into(),
            hash: KeyHash::of(key.as_bytes()),
            scopes: Scopes::default(),
            expires: None,
        }
    }

    /// Whether it is not taken any more.
    pub fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= now())
    }
}

/// What a new key is: 32 random bytes as text, which says what it is wherever it turns up.
pub fn new_key() -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| NoRandomness)?;
    Ok(format!("cpk_{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The system gives no random bytes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_keys_differ_and_fit_into_a_header() {
        let (one, two) = (new_key().unwrap(), new_key().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 47);
        assert!(
            one.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        );
    }

    #[test]
    fn a_hash_is_kept_as_hexadecimal_digits() {
        let hash = KeyHash::of(b"abc");
        // FIPS 180-4, example of SHA-256.
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.hex(), hex);
        assert!(KeyHash::from_hex(hex) == Some(hash));
        for odd in ["", "zz", &hex[1..], &hex.replace('b', "é")] {
            assert!(KeyHash::from_hex(odd).is_none(), "{odd}");
        }
    }
}
