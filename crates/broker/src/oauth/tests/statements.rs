//! A signed statement in the place of a consent.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crosspoint_core::Secret;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::Value;

use super::provider::{Provider, grants, prod};
use crate::oauth::{Assertion, Grant};
use crate::profiles::{Source, Tokens};

fn assertion(key: String) -> Assertion {
    Assertion {
        key: Source::Value(Secret::new(key)),
        key_id: Some("k1".to_owned()),
        issuer: "robot@crm".to_owned(),
        subject: "somebody@crm".to_owned(),
        audience: "https://h/token".to_owned(),
        claims: [("tenant".to_owned(), "7".to_owned())].into(),
    }
}

#[tokio::test]
async fn a_statement_says_who_for_whom_and_how_long() {
    let provider = Provider::start().await;
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let body = STANDARD.encode(key.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----");
    let mut auth = provider.auth(Grant::JwtBearer(assertion(pem)));
    auth.client_id = String::new();
    auth.client_secret = None;
    let token = grants(auth).token(&prod(), "main", None).await.unwrap();
    assert_eq!(token.value.expose(), "access-1");
    let asked = provider.asked().remove(0);
    assert_eq!(
        asked["grant_type"],
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    assert!(!asked.contains_key("client_id"));
    let part = asked["assertion"].split('.').nth(1).unwrap().to_owned();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    assert_eq!(
        [text("iss"), text("sub"), text("aud"), text("tenant")],
        ["robot@crm", "somebody@crm", "https://h/token", "7"]
    );
    let time = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(time("exp") - time("iat"), 300);
}

#[tokio::test]
async fn a_key_that_is_none_is_said_before_anybody_is_asked() {
    let provider = Provider::start().await;
    let auth = provider.auth(Grant::JwtBearer(assertion("canary".to_owned())));
    let failure = grants(auth).token(&prod(), "main", None).await.unwrap_err();
    assert!(
        failure.message.contains("is not a private key in PEM form"),
        "{failure}"
    );
    assert!(!failure.message.contains("canary"), "{failure}");
    assert!(provider.asked().is_empty());
}
