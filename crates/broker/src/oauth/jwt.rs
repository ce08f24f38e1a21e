//! Signed statements: JSON Web Tokens in their compact form (RFC 7515, RFC 7519).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// A key that signs, and by which algorithm.
pub(super) enum SigningKey {
    /// RSA, `RS256`.
    Rsa(Box<RsaKeyPair>),
    /// The curve P-256, `ES256`.
    Ec(Box<EcdsaKeyPair>),
}

// === impl SigningKey ===

impl SigningKey {
    /// Reads a key in PEM form. Fails with a clause that says what is wrong; it shows nothing of
    /// the key.
    pub(super) fn parse(pem: &str) -> Result<SigningKey, &'static str> {
        let (label, der) = unwrap(pem).ok_or("is not a private key in PEM form")?;
        match label {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der)
                .map(|key| SigningKey::Rsa(Box::new(key)))
                .map_err(|_| "is an RSA key that cannot be used: it needs 2048 to 4096 bits"),
            "PRIVATE KEY" => of_pkcs8(&der),
            "EC PRIVATE KEY" => Err(
                "is in the old form of EC keys: `openssl pkcs8 -topk8 -nocrypt` makes a PRIVATE KEY \
                 of it",
            ),
            "ENCRYPTED PRIVATE KEY" => Err("is encrypted: keep it without a pass phrase"),
            _ => Err("is not a private key"),
        }
    }

    /// The statement, signed.
    pub(super) fn sign(
        &self,
        key_id: Option<&str>,
        claims: &Map<String, Value>,
    ) -> Result<String, &'static str> {
        let mut head = json!({"alg": self.algorithm(), "typ": "JWT"});
        if let Some(key_id) = key_id {
            head["kid"] = key_id.into();
        }
        let claims = serde_json::to_string(claims).map_err(|_| "has claims that are no JSON")?;
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", encode(&head.to_string()), encode(&claims));
        let random = SystemRandom::new();
        let signature = match self {
            SigningKey::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(
                    &RSA_PKCS1_SHA256,
                    &random,
                    signed.as_bytes(),
                    &mut signature,
                )
                .map(|()| signature)
            }
            SigningKey::Ec(key) => key
                .sign(&random, signed.as_bytes())
                .map(|signature| signature.as_ref().to_vec()),
        };
        let signature = signature.map_err(|_| "cannot sign")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            SigningKey::Rsa(_) => "RS256",
            SigningKey::Ec(_) => "ES256",
        }
    }
}

fn of_pkcs8(der: &[u8]) -> Result<SigningKey, &'static str> {
    if let Ok(key) = RsaKeyPair::from_pkcs8(der) {
        return Ok(SigningKey::Rsa(Box::new(key)));
    }
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
        .map(|key| SigningKey::Ec(Box::new(key)))
        .map_err(|_| "is neither an RSA key of 2048 to 4096 bits nor one of the curve P-256")
}

/// The label and the content of the first PEM block. A key that was squeezed onto one line, with
/// `\n` written out, as in Google's JSON files, is read, too.
fn unwrap(pem: &str) -> Option<(&str, Zeroizing<Vec<u8>>)> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    let body = Zeroizing::new(body.replace("\\n", ""));
    let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    let der = STANDARD.decode(body.as_bytes()).ok()?;
    Some((label, Zeroizing::new(der)))
}

#[cfg(test)]
mod tests {
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    };

    use super::*;

    fn pem(label: &str, der: &[u8]) -> String {
        let body = STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    }

    #[test]
    fn a_statement_is_signed_so_that_the_public_key_fits() {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let text = pem("PRIVATE KEY", pkcs8.unwrap().as_ref());
        for text in [text.clone(), text.replace('\n', "\\n")] {
            let key = SigningKey::parse(&text).ok().unwrap();
            let claims = Map::from_iter([("iss".to_owned(), Value::from("me"))]);
            let jwt = key.sign(Some("k1"), &claims).unwrap();
            let parts: Vec<_> = jwt.split('.').collect();
            let decode = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).unwrap();
            let head: Value = serde_json::from_slice(&decode(0)).unwrap();
            assert_eq!(head, json!({"alg": "ES256", "typ": "JWT", "kid": "k1"}));
            let SigningKey::Ec(pair) = &key else {
                panic!("not an EC key");
            };
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key());
            let signed = format!("{}.{}", parts[0], parts[1]);
            public.verify(signed.as_bytes(), &decode(2)).unwrap();
        }
    }

    #[test]
    fn an_rsa_key_signs_in_either_form() {
        // Made for this test, and used nowhere else.
        for pem in [
            include_str!("tests/data/rsa-pkcs1.pem"),
            include_str!("tests/data/rsa-pkcs8.pem"),
        ] {
            let key = SigningKey::parse(pem).ok().unwrap();
            let jwt = key.sign(None, &Map::new()).unwrap();
            let (signed, signature) = jwt.rsplit_once('.').unwrap();
            let head = URL_SAFE_NO_PAD.decode(signed.split('.').next().unwrap());
            let head: Value = serde_json::from_slice(&head.unwrap()).unwrap();
            assert_eq!(head, json!({"alg": "RS256", "typ": "JWT"}));
            let SigningKey::Rsa(pair) = &key else {
                panic!("not an RSA key");
            };
            let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key());
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            public.verify(signed.as_bytes(), &signature).unwrap();
        }
    }

    #[test]
    fn what_is_no_key_is_told_without_showing_it() {
        for (text, part) in [
            ("canary", "PEM"),
            (&pem("EC PRIVATE KEY", b"x"), "pkcs8"),
            (&pem("ENCRYPTED PRIVATE KEY", b"x"), "pass phrase"),
            (&pem("CERTIFICATE", b"x"), "not a private key"),
            (&pem("PRIVATE KEY", b"canary"), "neither"),
            (&pem("RSA PRIVATE KEY", b"canary"), "2048"),
        ] {
            let fault = SigningKey::parse(text).err().unwrap();
            assert!(fault.contains(part) && !fault.contains("canary"), "{fault}");
        }
    }
}
