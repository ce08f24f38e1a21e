//! A store that fails at the worst moments.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::provider::{Provider, grants_over, prod};
use crate::cabinet::{Act, Cabinet, Drawer, Expected, Item, Memory};
use crate::ledger::StoreError;
use crate::oauth::Grant;
use crate::profiles::Tokens;

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A cabinet that cannot be written, or not even read, when it is told so.
#[derive(Default)]
struct Shaky {
    inner: Memory,
    read_only: AtomicBool,
    gone: AtomicBool,
}

fn down<'a, T: Send + 'a>() -> Answer<'a, T> {
    let error = StoreError::Unavailable("the disk is full".to_owned());
    Box::pin(std::future::ready(Err(error)))
}

impl Shaky {
    fn is(flag: &AtomicBool) -> bool {
        flag.load(Ordering::SeqCst)
    }
}

impl Cabinet for Shaky {
    fn version(&self) -> Answer<'_, i64> {
        self.inner.version()
    }

    fn list(&self, drawer: Drawer) -> Answer<'_, Vec<Item>> {
        self.inner.list(drawer)
    }

    fn get<'a>(&'a self, drawer: Drawer, id: &'a str) -> Answer<'a, Option<Item>> {
        match Shaky::is(&self.gone) {
            true => down(),
            false => self.inner.get(drawer, id),
        }
    }

    fn put<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
        body: Bytes,
        expires: Option<i64>,
        expected: Expected,
    ) -> Answer<'a, Option<i64>> {
        match Shaky::is(&self.read_only) || Shaky::is(&self.gone) {
            true => down(),
            false => self.inner.put(drawer, id, body, expires, expected),
        }
    }

    fn remove<'a>(&'a self, drawer: Drawer, id: &'a str) -> Answer<'a, bool> {
        self.inner.remove(drawer, id)
    }

    fn take<'a>(&'a self, drawer: Drawer, id: &'a str) -> Answer<'a, Option<Item>> {
        self.inner.take(drawer, id)
    }

    fn claim<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
        revision: i64,
        lease: Duration,
    ) -> Answer<'a, bool> {
        match Shaky::is(&self.gone) {
            true => down(),
            false => self.inner.claim(drawer, id, revision, lease),
        }
    }

    fn record(&self, act: Act) -> Answer<'_, ()> {
        self.inner.record(act)
    }

    fn acts<'a>(&'a self, limit: u32, before: Option<&'a str>) -> Answer<'a, Vec<Act>> {
        self.inner.acts(limit, before)
    }
}

#[tokio::test]
async fn new_tokens_that_cannot_be_kept_are_used_and_kept_as_soon_as_that_is_possible() {
    let provider = Provider::start().await;
    let cabinet = Arc::new(Shaky::default());
    let grants = grants_over(cabinet.clone(), provider.seeded());
    let first = grants.token(&prod(), "main", None).await.unwrap();
    cabinet.read_only.store(true, Ordering::SeqCst);
    let stale = Some(first.revision);
    let second = grants.token(&prod(), "main", stale).await.unwrap();
    assert_eq!(second.value.expose(), "access-2");
    // Also after what is known has to be looked at again.
    grants.renew();
    let again = grants.token(&prod(), "main", None).await.unwrap();
    assert_eq!(again.value.expose(), "access-2");
    cabinet.read_only.store(false, Ordering::SeqCst);
    let kept = async {
        loop {
            let listed = grants.list().await.unwrap();
            if listed[0].serial == second.revision {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), kept)
        .await
        .unwrap();
    let other = grants_over(cabinet, provider.seeded());
    let token = other.token(&prod(), "main", stale).await.unwrap();
    assert_eq!(token.value.expose(), "access-2");
    assert_eq!(provider.asked().len(), 2);
}

#[tokio::test]
async fn without_the_store_the_last_token_counts_and_a_client_gets_another() {
    let provider = Provider::start().await;
    let cabinet = Arc::new(Shaky::default());
    let grants = grants_over(cabinet.clone(), provider.seeded());
    let first = grants.token(&prod(), "main", None).await.unwrap();
    cabinet.gone.store(true, Ordering::SeqCst);
    grants.renew();
    let token = grants.token(&prod(), "main", None).await.unwrap();
    assert_eq!(token.value.expose(), "access-1");
    let failure = grants
        .token(&prod(), "main", Some(first.revision))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "secret_unavailable");
    assert!(failure.message.contains("the disk is full"), "{failure}");
    let client = grants_over(cabinet, provider.auth(Grant::ClientCredentials));
    let token = client.token(&prod(), "main", None).await.unwrap();
    assert_eq!(token.value.expose(), "access-2");
}
