//! What secrets may be called.

/// The longest name of a secret or an access key.
const LONGEST: usize = 128;

/// Whether a secret or an access key may bear this name: `[A-Za-z0-9_.-]+`, at most 128 characters.
pub fn is_secret_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_plain_and_short() {
        for name in ["a", "CRM_TOKEN", "crm.prod-2", &"x".repeat(128)] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["", "a b", "a/b", "a#b", "ä", "a\n", &"x".repeat(129)] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
