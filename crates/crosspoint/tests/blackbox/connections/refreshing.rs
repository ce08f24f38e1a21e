//! Refreshing at a real provider: what the program got by its round trip, kept by the same code that
//! keeps the tokens of profiles.

use std::sync::Arc;

use crosspoint_broker::cabinet::{Cabinet, Memory};
use crosspoint_broker::oauth::{AuthId, AuthSettings, Grant, Grants, Redirects, Setup as Wanted};
use crosspoint_broker::profiles::{ProfileId, Secrets, Source, Tokens};
use crosspoint_core::Secret;
use serde_json::Value;

use super::provider::{Provider, at, open, query};
use crate::harness::Setup;

#[tokio::test]
async fn a_real_provider_gives_new_tokens_for_the_old_ones() {
    let provider = Provider::start(&[]).await;
    let proxy = Setup::new().config(&provider.auth("main")).serve().await;
    let begun = open(
        &proxy,
        "/v1/auth/http/main?redirect_url=http://localhost:8000/",
    )
    .await;
    let back = provider.consent(begun.header("location")).await;
    let ended = open(&proxy, &at(&proxy, &back)).await;
    let set = &query(ended.header("location"))["response"];
    let set: Value = serde_json::from_str(set).unwrap();
    let seed = set["refresh_token"].as_str().unwrap().to_owned();

    let secret = |text: &str| Source::Value(Secret::new(text.to_owned()));
    let mut auth = AuthSettings::new(
        AuthId::new("http", "main"),
        Grant::RefreshToken(secret(&seed)),
        format!("{}/oauth2/token", provider.url),
        "crosspoint",
    );
    auth.client_secret = Some(secret("canary-client-secret"));
    let cabinet: Arc<dyn Cabinet> = Arc::new(Memory::default());
    let secrets = Arc::new(Secrets::new(Some(cabinet.clone()), None));
    let grants = Grants::new(
        cabinet,
        secrets,
        Wanted {
            auths: vec![auth],
            public_url: "http://127.0.0.1:7004".to_owned(),
            redirects: Redirects::default(),
            http: crosspoint_net::Http::new(crosspoint_net::Settings::default()).unwrap(),
            own_http: Default::default(),
        },
    );
    let profile = ProfileId::new("http", "prod");
    let mut stale = None;
    let mut seen = vec![set["access_token"].as_str().unwrap().to_owned()];
    for _ in 0..3 {
        let token = grants.token(&profile, "main", stale).await.unwrap();
        let value = token.value.expose().clone();
        assert!(!seen.contains(&value), "{seen:?}");
        seen.push(value);
        stale = Some(token.revision);
    }
    let listed = grants.list().await.unwrap();
    assert!(listed[0].expires.is_some() && listed[0].refreshable);
}
