//! One refresh, however many ask.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::provider::{Manners, Provider, grants, grants_over, prod};
use crate::cabinet::{Cabinet, Drawer, Expected, Memory};
use crate::ledger::now;
use crate::oauth::kept::Kept;
use crate::oauth::{Grant, Grants};
use crate::profiles::Tokens;

async fn token(grants: &Grants, stale: Option<i64>) -> (String, i64) {
    let token = grants.token(&prod(), "main", stale).await.unwrap();
    (token.value.expose().clone(), token.revision)
}

/// A refresh under way at a provider that takes its time.
async fn refreshing(provider: &Provider, grants: &Grants, first: i64) -> JoinHandle<(String, i64)> {
    provider.behave(Manners {
        slow: Duration::from_millis(300),
        ..Manners::default()
    });
    let refreshing = tokio::spawn({
        let grants = grants.clone();
        async move { token(&grants, Some(first)).await }
    });
    while provider.asked().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    refreshing
}

#[tokio::test]
async fn two_hundred_calls_on_two_brokers_at_the_moment_of_expiry_refresh_once() {
    let provider = Provider::start().await;
    let cabinet: Arc<dyn Cabinet> = Arc::new(Memory::default());
    let brokers: Vec<_> = (0..2)
        .map(|_| grants_over(cabinet.clone(), provider.seeded()))
        .collect();
    let (_, first) = token(&brokers[0], None).await;
    token(&brokers[1], None).await;
    assert_eq!(provider.asked().len(), 1);
    provider.behave(Manners {
        slow: Duration::from_millis(300),
        ..Manners::default()
    });
    let calls = (0..200).map(|at| {
        let grants = brokers[at % 2].clone();
        tokio::spawn(async move { token(&grants, Some(first)).await })
    });
    let answers = join_all(calls).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|a| a == &answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, "access-2");
    assert_eq!(provider.asked().len(), 2);
    assert!(!provider.is_abused());
}

/// Moves the end of the token that is kept to so many milliseconds from now.
async fn ends_in(cabinet: &Arc<dyn Cabinet>, ms: i64) {
    let item = cabinet
        .get(Drawer::Grant, "crm/prod")
        .await
        .unwrap()
        .unwrap();
    let mut kept = Kept::read(&item.body).unwrap();
    kept.obtained = now() - 3_600_000;
    kept.expires = Some(now() + ms);
    let put = cabinet.put(Drawer::Grant, "crm/prod", kept.write(), None, Expected::Any);
    put.await.unwrap();
}

#[tokio::test]
async fn a_token_is_refreshed_before_its_end_and_the_old_one_counts_until_then() {
    let provider = Provider::start().await;
    let cabinet: Arc<dyn Cabinet> = Arc::new(Memory::default());
    let grants = grants_over(cabinet.clone(), provider.seeded());
    assert_eq!(token(&grants, None).await.0, "access-1");
    ends_in(&cabinet, 50_000).await;
    grants.renew();
    let in_trouble = Manners {
        instead: Some((503, "<html>down</html>".to_owned())),
        ..Manners::default()
    };
    provider.behave(in_trouble);
    assert_eq!(token(&grants, None).await.0, "access-1");
    assert_eq!(provider.asked().len(), 2);
    // It is left alone for a while.
    assert_eq!(token(&grants, None).await.0, "access-1");
    assert_eq!(provider.asked().len(), 2);
    ends_in(&cabinet, -1).await;
    grants.renew();
    let failure = grants.token(&prod(), "main", None).await.unwrap_err();
    assert!(failure.message.contains("answered 503"), "{failure}");
    provider.behave(Manners::default());
    grants.renew();
    assert_eq!(token(&grants, None).await.0, "access-2");
}

#[tokio::test]
async fn a_slow_provider_keeps_nobody_waiting_while_the_old_token_counts() {
    let provider = Provider::start().await;
    let cabinet: Arc<dyn Cabinet> = Arc::new(Memory::default());
    let (one, other) = (
        grants_over(cabinet.clone(), provider.seeded()),
        grants_over(cabinet.clone(), provider.seeded()),
    );
    token(&one, None).await;
    ends_in(&cabinet, 50_000).await;
    one.renew();
    provider.behave(Manners {
        slow: Duration::from_secs(5),
        ..Manners::default()
    });
    let (here, there) = tokio::join!(token(&one, None), async {
        while provider.asked().len() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The claim of the first is taken: this one does not even ask.
        token(&other, None).await
    });
    assert_eq!((&*here.0, &*there.0), ("access-1", "access-1"));
    one.finish().await;
    assert_eq!(token(&one, None).await.0, "access-2");
    assert_eq!(provider.asked().len(), 2);
}

#[tokio::test]
async fn the_old_refresh_token_is_kept_when_the_answer_omits_it() {
    let provider = Provider::start().await;
    provider.behave(Manners {
        omits: true,
        ..Manners::default()
    });
    let grants = grants(provider.seeded());
    let (_, one) = token(&grants, None).await;
    let (_, two) = token(&grants, Some(one)).await;
    assert_eq!(token(&grants, Some(two)).await.0, "access-3");
    let asked = provider.asked();
    assert!(
        asked
            .iter()
            .all(|form| form["refresh_token"] == "seed-refresh")
    );
}

#[tokio::test]
async fn who_goes_away_does_not_take_the_refresh_token_along() {
    let provider = Provider::start().await;
    let grants = grants(provider.seeded());
    let (_, one) = token(&grants, None).await;
    provider.behave(Manners {
        slow: Duration::from_millis(200),
        ..Manners::default()
    });
    let profile = prod();
    let asking = grants.token(&profile, "main", Some(one));
    let given_up = tokio::time::timeout(Duration::from_millis(50), asking).await;
    assert!(given_up.is_err());
    grants.finish().await;
    assert_eq!(token(&grants, Some(one)).await.0, "access-2");
    assert_eq!(provider.asked().len(), 2);
}

#[tokio::test]
async fn a_client_gets_its_token_without_anybody_and_a_new_one_when_the_old_was_refused() {
    let provider = Provider::start().await;
    let mut auth = provider.auth(Grant::ClientCredentials);
    auth.scopes = vec!["read".to_owned(), "write".to_owned()];
    auth.scope_separator = ",".to_owned();
    auth.parameters = [("audience".to_owned(), "crm".to_owned())].into();
    let grants = grants(auth);
    let (text, one) = token(&grants, None).await;
    assert_eq!(text, "access-1");
    assert_eq!(token(&grants, Some(one)).await.0, "access-2");
    let asked = provider.asked();
    assert_eq!(asked[0]["grant_type"], "client_credentials");
    assert_eq!(asked[0]["scope"], "read,write");
    assert_eq!(asked[0]["audience"], "crm");
    let head = provider.head().to_ascii_lowercase();
    assert!(head.contains("authorization: basic "), "{head}");
    assert!(!asked[0].contains_key("client_secret"));
}

#[tokio::test]
async fn what_a_process_had_claimed_that_died_is_taken_over() {
    let provider = Provider::start().await;
    let cabinet: Arc<dyn Cabinet> = Arc::new(Memory::default());
    let (one, other) = (
        grants_over(cabinet.clone(), provider.seeded()),
        grants_over(cabinet.clone(), provider.seeded()),
    );
    let (_, first) = token(&one, None).await;
    let item = cabinet
        .get(Drawer::Grant, "crm/prod")
        .await
        .unwrap()
        .unwrap();
    let lease = Duration::from_millis(500);
    let claim = cabinet.claim(Drawer::Grant, "crm/prod", item.revision, lease);
    assert!(claim.await.unwrap());
    let both = join_all([token(&one, Some(first)), token(&other, Some(first))]).await;
    assert_eq!(both[0], both[1]);
    assert_eq!(both[0].0, "access-2");
    assert_eq!(provider.asked().len(), 2);
}

#[tokio::test]
async fn new_tokens_go_over_a_grant_that_another_found_dead_meanwhile() {
    let provider = Provider::start().await;
    let cabinet: Arc<dyn Cabinet> = Arc::new(Memory::default());
    let grants = grants_over(cabinet.clone(), provider.seeded());
    let (_, first) = token(&grants, None).await;
    let refreshing = refreshing(&provider, &grants, first).await;
    // The claim has run out while the provider took its time, and another has tried in vain.
    let item = cabinet
        .get(Drawer::Grant, "crm/prod")
        .await
        .unwrap()
        .unwrap();
    let mut kept = Kept::read(&item.body).unwrap();
    kept.dead = Some(crate::oauth::kept::Ended {
        at: now(),
        why: "invalid_grant".to_owned(),
    });
    let put = cabinet.put(Drawer::Grant, "crm/prod", kept.write(), None, Expected::Any);
    put.await.unwrap();
    assert_eq!(refreshing.await.unwrap().0, "access-2");
    let listed = grants.list().await.unwrap();
    assert_eq!(
        (listed[0].dead.as_ref(), listed[0].serial > first),
        (None, true)
    );
}

#[tokio::test]
async fn what_was_forgotten_meanwhile_is_not_put_back() {
    let provider = Provider::start().await;
    let grants = grants(provider.seeded());
    let (_, first) = token(&grants, None).await;
    let refreshing = refreshing(&provider, &grants, first).await;
    assert!(grants.forget(&prod(), "ada", "cli").await.unwrap());
    refreshing.await.unwrap();
    assert!(grants.list().await.unwrap().is_empty());
}
