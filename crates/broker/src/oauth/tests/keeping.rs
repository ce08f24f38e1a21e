//! Grants that end, and providers in trouble.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::{Kind, Refusal, Secret};

use super::provider::{Manners, Provider, SECRET, grants, grants_over, prod};
use crate::cabinet::{Cabinet, Drawer, Memory};
use crate::oauth::{AuthSettings, Grant};
use crate::profiles::{Source, Tokens};

#[tokio::test]
async fn a_grant_that_the_provider_does_not_take_any_more_is_dead_for_all_until_it_is_replaced() {
    let provider = Provider::start().await;
    let cabinet: Arc<dyn Cabinet> = Arc::new(Memory::default());
    let (one, other) = (
        grants_over(cabinet.clone(), provider.seeded()),
        grants_over(cabinet.clone(), provider.seeded()),
    );
    let first = one.token(&prod(), "main", None).await.unwrap();
    provider.behave(Manners {
        instead: Some((
            400,
            r#"{"error": "invalid_grant", "error_description": "revoked"}"#.into(),
        )),
        ..Manners::default()
    });
    let failure = one
        .token(&prod(), "main", Some(first.revision))
        .await
        .unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::NotAuthorised));
    assert!(
        failure.message.contains("invalid_grant: revoked"),
        "{failure}"
    );
    assert!(failure.message.contains("set a new one"), "{failure}");
    let asked = provider.asked().len();
    for grants in [&one, &other] {
        let failure = grants.token(&prod(), "main", None).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Refused(Refusal::NotAuthorised));
    }
    assert_eq!(provider.asked().len(), asked, "it is not asked in vain");
    assert_eq!(one.problems().len(), 1);
    let listed = other.list().await.unwrap();
    assert_eq!(listed[0].dead.as_ref().unwrap().1, "invalid_grant: revoked");
    // Another refresh token begins anew.
    provider.behave(Manners::default());
    let mut auth = provider.seeded();
    auth.grant = Grant::RefreshToken(Source::Value(Secret::new("refresh-1".into())));
    let anew = grants_over(cabinet, auth);
    let token = anew.token(&prod(), "main", None).await.unwrap();
    assert_eq!(token.value.expose(), "access-2");
}

#[tokio::test]
async fn nobody_has_authorised_says_who_has_to_do_what() {
    let provider = Provider::start().await;
    let grants = grants(provider.consent());
    let failure = grants.token(&prod(), "main", None).await.unwrap_err();
    assert_eq!(failure.code, "not_authorised");
    assert!(
        failure.message.contains("crosspoint auth login crm/prod"),
        "{failure}"
    );
    let failure = grants.token(&prod(), "other", None).await.unwrap_err();
    assert!(failure.message.contains("no auth crm/other"), "{failure}");
    assert!(provider.asked().is_empty());
}

async fn failing(auth: AuthSettings) -> crosspoint_core::Failure {
    grants(auth).token(&prod(), "main", None).await.unwrap_err()
}

#[tokio::test]
async fn a_provider_in_trouble_is_told_clearly_and_kills_nothing() {
    let provider = Provider::start().await;
    let huge = format!("\"{}\"", "x".repeat(2 << 20));
    let cases = [
        (
            500,
            "<html>Oops</html>",
            "answered 500 with what is no JSON object",
        ),
        (
            200,
            "<html>Sign in</html>",
            "answered 200 with what is no JSON object",
        ),
        (307, "{}", "answered 307"),
        (200, &huge, "AnswerTooLarge"),
        (429, r#"{"error": "slow_down"}"#, "answered 429: slow_down"),
    ];
    for (status, body, part) in cases {
        provider.behave(Manners {
            instead: Some((status, body.to_owned())),
            ..Manners::default()
        });
        let failure = failing(provider.seeded()).await;
        let text = failure.to_string();
        assert!(text.contains(part) || failure.code == part, "{text}");
        assert_eq!(failure.effect, crosspoint_core::Effect::None, "{text}");
    }
    provider.behave(Manners {
        hangs_up: true,
        ..Manners::default()
    });
    assert_eq!(failing(provider.seeded()).await.kind, Kind::Transport);
    // The redirect was not followed: no secret went elsewhere.
    assert!(
        provider.head().starts_with("POST /token "),
        "{}",
        provider.head()
    );
}

#[tokio::test]
async fn a_wrong_client_is_said_and_what_was_sent_is_not() {
    let provider = Provider::start().await;
    let echo = format!(
        r#"{{"error": "invalid_client", "error_description": "{SECRET} and seed-refresh do not fit"}}"#
    );
    provider.behave(Manners {
        instead: Some((401, echo)),
        ..Manners::default()
    });
    let failure = failing(provider.seeded()).await;
    assert_eq!(failure.kind, Kind::Refused(Refusal::NotAuthorised));
    assert!(
        failure
            .message
            .contains("invalid_client: *** and *** do not fit"),
        "{failure}"
    );
    assert!(failure.message.contains("client_id"), "{failure}");
}

#[tokio::test]
async fn after_trouble_the_next_one_may_try_without_waiting_for_a_claim() {
    let provider = Provider::start().await;
    let cabinet: Arc<dyn Cabinet> = Arc::new(Memory::default());
    let one = grants_over(cabinet.clone(), provider.seeded());
    let other = grants_over(cabinet.clone(), provider.seeded());
    provider.behave(Manners {
        instead: Some((503, "{}".to_owned())),
        ..Manners::default()
    });
    assert!(one.token(&prod(), "main", None).await.is_err());
    provider.behave(Manners::default());
    let profile = prod();
    let trying = other.token(&profile, "main", None);
    let token = tokio::time::timeout(Duration::from_secs(5), trying).await;
    assert_eq!(token.unwrap().unwrap().value.expose(), "access-1");
    // The first one does not use its refresh token again, which would end the grant.
    one.renew();
    let token = one.token(&prod(), "main", None).await.unwrap();
    assert_eq!(token.value.expose(), "access-1");
    assert!(
        cabinet
            .get(Drawer::Grant, "crm/prod")
            .await
            .unwrap()
            .is_some()
    );
}
