//! Texts that nobody can guess, and what PKCE makes of one (RFC 7636).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

/// 32 random bytes as 43 characters that may stand in a URL. None when the system has no
/// randomness, which it says only early in its life.
pub(super) fn handle() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// The SHA-256 of a text in the same form: the challenge of a verifier, and the name under which
/// what belongs to a handle is kept, so that nobody who reads the names has the handles.
pub(super) fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_example_in_rfc_7636() {
        // Appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(digest(verifier), challenge);
    }

    #[test]
    fn handles_differ_and_fit_into_a_url() {
        let (one, two) = (handle().unwrap(), handle().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 43);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        assert!(one.bytes().all(plain), "{one}");
    }
}
