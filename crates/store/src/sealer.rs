//! Seals what must not be readable at rest: XChaCha20-Poly1305 under the master key.
//!
//! A sealed value is one byte for the form (1), a random nonce of 24 bytes, and the ciphertext with
//! its tag. The row's id and the column are bound to it, so that a value that was moved to another
//! place does not open.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::key::{Keys, MasterKey};

const FORM: u8 = 1;
const NONCE: usize = 24;

/// Seals and opens. The key is wiped from memory when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Sealer {
    current: Arc<XChaCha20Poly1305>,
    /// Of older keys, which open and do not seal.
    others: Arc<[XChaCha20Poly1305]>,
}

/// A value that was changed, moved, or sealed with another key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotSealedHere;

// === impl Sealer ===

impl Sealer {
    pub(crate) fn new(keys: &Keys) -> Sealer {
        Sealer {
            current: Arc::new(cipher(&keys.current)),
            others: keys.others.iter().map(cipher).collect(),
        }
    }

    /// Seals a value for one place. Fails only beyond 256 GiB.
    pub(crate) fn seal(
        &self,
        id: &str,
        column: &str,
        plain: &[u8],
    ) -> Result<Vec<u8>, NotSealedHere> {
        let nonce = XNonce::generate();
        let place = place(id, column);
        let payload = Payload {
            msg: plain,
            aad: &place,
        };
        let sealed = self.current.encrypt(&nonce, payload);
        let sealed = sealed.map_err(|_| NotSealedHere)?;
        Ok([&[FORM][..], &nonce, &sealed].concat())
    }

    /// Opens a value that was sealed for this place.
    pub(crate) fn open(
        &self,
        id: &str,
        column: &str,
        sealed: &[u8],
    ) -> Result<Vec<u8>, NotSealedHere> {
        let current = open_with(&self.current, id, column, sealed);
        let older = |_| {
            let mut opened = self
                .others
                .iter()
                .map(|key| open_with(key, id, column, sealed));
            opened.find_map(Result::ok).ok_or(NotSealedHere)
        };
        current.or_else(older)
    }

    /// The value sealed with the current key, unless it is already.
    pub(crate) fn reseal(
        &self,
        id: &str,
        column: &str,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, NotSealedHere> {
        if open_with(&self.current, id, column, sealed).is_ok() {
            return Ok(None);
        }
        let plain = Zeroizing::new(self.open(id, column, sealed)?);
        self.seal(id, column, &plain).map(Some)
    }
}

fn cipher(key: &MasterKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

fn open_with(
    key: &XChaCha20Poly1305,
    id: &str,
    column: &str,
    sealed: &[u8],
) -> Result<Vec<u8>, NotSealedHere> {
    let Some((&[FORM], rest)) = sealed.split_at_checked(1) else {
        return Err(NotSealedHere);
    };
    let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or(NotSealedHere)?;
    let nonce = XNonce::try_from(nonce).map_err(|_| NotSealedHere)?;
    let place = place(id, column);
    let payload = Payload {
        msg: sealed,
        aad: &place,
    };
    key.decrypt(&nonce, payload).map_err(|_| NotSealedHere)
}

/// No column has a NUL in its name, so that no two places are spelled alike.
fn place(id: &str, column: &str) -> Vec<u8> {
    [b"crosspoint\0", column.as_bytes(), b"\0", id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(seed: u8) -> Sealer {
        sealer_of(seed, &[])
    }

    fn sealer_of(seed: u8, others: &[u8]) -> Sealer {
        Sealer::new(&Keys {
            current: MasterKey::of([seed; 32]),
            others: others
                .iter()
                .map(|seed| MasterKey::of([*seed; 32]))
                .collect(),
        })
    }

    #[test]
    fn an_older_key_opens_and_what_is_sealed_anew_needs_it_no_more() {
        let old = sealer(1).seal("id", "result", b"plain").unwrap();
        let both = sealer_of(2, &[1]);
        assert_eq!(both.open("id", "result", &old).unwrap(), b"plain");
        let new = both.reseal("id", "result", &old).unwrap().unwrap();
        assert_eq!(sealer(2).open("id", "result", &new).unwrap(), b"plain");
        assert_eq!(both.reseal("id", "result", &new), Ok(None));
        assert_eq!(sealer(3).reseal("id", "result", &old), Err(NotSealedHere));
        assert!(sealer(1).open("id", "result", &new).is_err());
    }

    #[test]
    fn a_value_opens_in_its_place_only() {
        let sealed = sealer(1).seal("id", "result", b"plain").unwrap();
        assert_eq!(sealer(1).open("id", "result", &sealed).unwrap(), b"plain");
        for (key, id, column) in [
            (2, "id", "result"),
            (1, "other", "result"),
            (1, "id", "call"),
        ] {
            assert_eq!(
                sealer(key).open(id, column, &sealed),
                Err(NotSealedHere),
                "{key} {id} {column}"
            );
        }
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_noticed() {
        let sealed = sealer(1).seal("id", "result", b"plain").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(
                sealer(1).open("id", "result", &flipped).is_err(),
                "bit {bit}"
            );
        }
        for len in 0..sealed.len() {
            assert!(sealer(1).open("id", "result", &sealed[..len]).is_err());
        }
    }

    #[test]
    fn equal_values_do_not_look_alike() {
        let sealer = sealer(1);
        let twice = [(); 2].map(|()| sealer.seal("id", "result", b"plain").unwrap());
        assert_ne!(twice[0], twice[1]);
    }
}
