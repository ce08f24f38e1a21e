//! Round trips through a browser, and what is refused on the way.

use std::collections::HashMap;
use std::sync::Arc;

use url::Url;

use super::provider::{Manners, Provider, grants, grants_over, prod};
use crate::cabinet::{Cabinet, Drawer, Memory};
use crate::oauth::{AuthId, Callback, Finished, FlowError, Grants, Purpose};
use crate::profiles::Tokens;

fn main_auth() -> AuthId {
    AuthId::new("crm", "main")
}

fn keep() -> Purpose {
    Purpose::Keep {
        profile: prod(),
        by: "ada".to_owned(),
        ingress: "cli",
    }
}

fn query(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

async fn begin(grants: &Grants, purpose: Purpose) -> HashMap<String, String> {
    query(&grants.begin(&main_auth(), purpose).await.unwrap())
}

fn back(sent: &HashMap<String, String>) -> Callback {
    Callback {
        state: Some(sent["state"].clone()),
        code: Some("code-1".to_owned()),
        ..Callback::default()
    }
}

async fn refused(grants: &Grants, id: &AuthId, callback: Callback) -> String {
    match grants.end(id, callback).await {
        Err(FlowError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_browser_takes_the_tokens_to_the_engine() {
    let provider = Provider::start().await;
    let grants = grants(provider.consent());
    let address = "http://localhost:8000/v1.0/done/crm/main?token=canary".to_owned();
    let url = grants
        .begin(&main_auth(), Purpose::Redirect(address))
        .await
        .unwrap();
    assert!(
        url.as_str()
            .starts_with(&format!("{}/authorize?tenant=7&", provider.address))
    );
    assert!(!url.as_str().contains("canary"));
    let sent = query(&url);
    assert_eq!(sent["response_type"], "code");
    assert_eq!(sent["client_id"], "me");
    assert_eq!(sent["prompt"], "consent");
    assert_eq!(sent["code_challenge_method"], "S256");
    let callback = "http://127.0.0.1:7004/v1/auth/crm/main/callback";
    assert_eq!(sent["redirect_uri"], callback);
    let finished = grants.end(&main_auth(), back(&sent)).await.unwrap();
    let Finished::Redirect(to) = finished else {
        panic!("{finished:?}");
    };
    assert!(to.starts_with("http://localhost:8000/v1.0/done/crm/main?token=canary&response="));
    let response = &query(&to.parse().unwrap())["response"];
    let set: serde_json::Value = serde_json::from_str(response).unwrap();
    assert_eq!(set["access_token"], "access-1");
    assert_eq!(set["extra"][0], 1);
    let asked = provider.asked().remove(0);
    assert_eq!(asked["redirect_uri"], callback);
    assert_eq!(
        super::super::random::digest(&asked["code_verifier"]),
        sent["code_challenge"]
    );
    assert!(grants.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn tokens_are_kept_for_a_profile_and_another_replica_can_end_what_one_began() {
    let provider = Provider::start().await;
    let cabinet: Arc<dyn Cabinet> = Arc::new(Memory::default());
    let one = grants_over(cabinet.clone(), provider.consent());
    let other = grants_over(cabinet.clone(), provider.consent());
    assert!(one.token(&prod(), "main", None).await.is_err());
    let sent = begin(&one, keep()).await;
    let finished = other.end(&main_auth(), back(&sent)).await.unwrap();
    assert_eq!(finished, Finished::Kept(prod()));
    for grants in [&one, &other] {
        let token = grants.token(&prod(), "main", None).await.unwrap();
        assert_eq!(
            (&*token.field, &**token.value.expose()),
            ("access_token", "access-1")
        );
    }
    let listed = one.list().await.unwrap();
    assert_eq!(listed[0].by.as_deref(), Some("ada"));
    let acts = cabinet.acts(9, None).await.unwrap();
    let act = (&*acts[0].act, &*acts[0].subject, &*acts[0].actor);
    assert_eq!(act, ("auth.authorise", "crm/prod", "ada"));
    assert!(one.forget(&prod(), "ada", "cli").await.unwrap());
    assert!(one.token(&prod(), "main", None).await.is_err());
}

#[tokio::test]
async fn a_dead_grant_lives_again_when_somebody_authorises() {
    let provider = Provider::start().await;
    let grants = grants(provider.consent());
    let sent = begin(&grants, keep()).await;
    grants.end(&main_auth(), back(&sent)).await.unwrap();
    let token = grants.token(&prod(), "main", None).await.unwrap();
    provider.behave(Manners {
        instead: Some((200, r#"{"ok": false, "error": "token_revoked"}"#.to_owned())),
        ..Manners::default()
    });
    let failure = grants
        .token(&prod(), "main", Some(token.revision))
        .await
        .unwrap_err();
    assert!(
        failure.message.contains("crosspoint auth login crm/prod"),
        "{failure}"
    );
    assert_eq!(grants.problems(), [failure.message]);
    provider.behave(Manners::default());
    let sent = begin(&grants, keep()).await;
    grants.end(&main_auth(), back(&sent)).await.unwrap();
    let again = grants
        .token(&prod(), "main", Some(token.revision))
        .await
        .unwrap();
    assert_eq!(again.value.expose(), "access-2");
    assert!(again.revision > token.revision);
    assert!(grants.problems().is_empty());
}

#[tokio::test]
async fn a_state_counts_once_and_only_for_its_auth() {
    let provider = Provider::start().await;
    let grants = grants(provider.consent());
    let sent = begin(&grants, keep()).await;
    grants.end(&main_auth(), back(&sent)).await.unwrap();
    let why = refused(&grants, &main_auth(), back(&sent)).await;
    assert!(why.contains("not known"), "{why}");
    let sent = begin(&grants, keep()).await;
    let why = refused(&grants, &AuthId::new("crm", "other"), back(&sent)).await;
    assert!(why.contains("another auth"), "{why}");
    let why = refused(&grants, &main_auth(), back(&sent)).await;
    assert!(why.contains("not known"), "it was used up: {why}");
    let why = refused(&grants, &main_auth(), Callback::default()).await;
    assert!(why.contains("no state"), "{why}");
    let guessed = Callback {
        state: Some("guessed".to_owned()),
        code: Some("stolen".to_owned()),
        ..Callback::default()
    };
    let why = refused(&grants, &main_auth(), guessed).await;
    assert!(why.contains("not known"), "{why}");
    let sent = begin(&grants, keep()).await;
    let without_code = Callback {
        code: None,
        ..back(&sent)
    };
    let why = refused(&grants, &main_auth(), without_code).await;
    assert!(why.contains("no code"), "{why}");
    assert_eq!(provider.asked().len(), 1, "nothing was exchanged in vain");
}

#[tokio::test]
async fn an_answer_of_another_provider_is_refused() {
    let provider = Provider::start().await;
    let mut auth = provider.consent();
    auth.issuer = Some("https://idp.example".to_owned());
    let grants = grants(auth);
    let from = |sent: &HashMap<String, String>, iss: &str| Callback {
        iss: Some(iss.to_owned()),
        ..back(sent)
    };
    let sent = begin(&grants, keep()).await;
    let why = refused(&grants, &main_auth(), from(&sent, "https://evil.example")).await;
    assert!(why.contains("another provider"), "{why}");
    let sent = begin(&grants, keep()).await;
    let ended = grants
        .end(&main_auth(), from(&sent, "https://idp.example"))
        .await;
    assert!(ended.is_ok());
}

#[tokio::test]
async fn what_the_provider_or_the_person_says_is_told() {
    let provider = Provider::start().await;
    let grants = grants(provider.consent());
    let sent = begin(&grants, keep()).await;
    let denied = Callback {
        error: Some("access_denied".to_owned()),
        error_description: Some("<b>no</b>\r\nreally".to_owned()),
        ..back(&sent)
    };
    match grants.end(&main_auth(), denied).await {
        Err(FlowError::Denied(text)) => assert_eq!(text, "access_denied: <b>no</b> really"),
        other => panic!("{other:?}"),
    }
    let dead = Manners {
        instead: Some((502, "<html>".to_owned())),
        ..Manners::default()
    };
    provider.behave(dead);
    let sent = begin(&grants, keep()).await;
    match grants.end(&main_auth(), back(&sent)).await {
        Err(FlowError::Trouble(text)) => assert!(text.contains("answered 502"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn neither_the_address_nor_the_state_can_be_read_in_the_names_of_the_store() {
    let provider = Provider::start().await;
    let cabinet: Arc<dyn Cabinet> = Arc::new(Memory::default());
    let grants = grants_over(cabinet.clone(), provider.consent());
    let sent = begin(&grants, keep()).await;
    let items = cabinet.list(Drawer::State).await.unwrap();
    assert_ne!(items[0].id, sent["state"]);
    assert!(items[0].expires.unwrap() <= crate::ledger::now() + 600_000);
    for address in ["http://evil.example/?t=canary", "//x", ""] {
        let purpose = Purpose::Redirect(address.to_owned());
        match grants.begin(&main_auth(), purpose).await {
            Err(FlowError::Refused(why)) => assert!(!why.contains("canary"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}
