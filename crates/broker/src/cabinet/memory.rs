//! A cabinet that lasts as long as the process.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::port::{Act, Cabinet, Drawer, Expected, Item};
use crate::ledger::{StoreError, now};

/// A cabinet in memory, for a process that has no store: nothing in it survives a restart, and no
/// other process sees it.
#[derive(Default)]
pub struct Memory(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    items: BTreeMap<(&'static str, String), Held>,
    acts: Vec<Act>,
    revision: i64,
    version: i64,
}

struct Held {
    item: Item,
    claimed: Option<Instant>,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

// === impl Memory ===

impl Memory {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now();
        inner
            .items
            .retain(|_, held| held.item.expires.is_none_or(|expires| expires > now));
        inner
    }
}

fn answer<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(ready(Ok(value)))
}

impl Cabinet for Memory {
    fn version(&self) -> Answer<'_, i64> {
        answer(self.inner().version)
    }

    fn list(&self, drawer: Drawer) -> Answer<'_, Vec<Item>> {
        let inner = self.inner();
        let items = inner.items.iter().filter(|((d, _), _)| *d == drawer.name());
        answer(items.map(|(_, held)| held.item.clone()).collect())
    }

    fn get<'a>(&'a self, drawer: Drawer, id: &'a str) -> Answer<'a, Option<Item>> {
        let inner = self.inner();
        let held = inner.items.get(&(drawer.name(), id.to_owned()));
        answer(held.map(|held| held.item.clone()))
    }

    fn put<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
        body: Bytes,
        expires: Option<i64>,
        expected: Expected,
    ) -> Answer<'a, Option<i64>> {
        let mut inner = self.inner();
        let key = (drawer.name(), id.to_owned());
        let found = inner.items.get(&key).map(|held| held.item.revision);
        let fits = match expected {
            Expected::Any => true,
            Expected::Absent => found.is_none(),
            Expected::Revision(revision) => found == Some(revision),
        };
        if !fits {
            return answer(None);
        }
        inner.revision += 1;
        inner.version += i64::from(drawer.is_versioned());
        let revision = inner.revision;
        let item = Item {
            id: id.to_owned(),
            body,
            revision,
            changed: now(),
            expires,
        };
        let held = Held {
            item,
            claimed: None,
        };
        inner.items.insert(key, held);
        answer(Some(revision))
    }

    fn remove<'a>(&'a self, drawer: Drawer, id: &'a str) -> Answer<'a, bool> {
        let taken = self.take(drawer, id);
        Box::pin(async move { Ok(taken.await?.is_some()) })
    }

    fn take<'a>(&'a self, drawer: Drawer, id: &'a str) -> Answer<'a, Option<Item>> {
        let mut inner = self.inner();
        let held = inner.items.remove(&(drawer.name(), id.to_owned()));
        if held.is_some() {
            inner.version += i64::from(drawer.is_versioned());
        }
        answer(held.map(|held| held.item))
    }

    fn claim<'a>(
        &'a self,
        drawer: Drawer,
        id: &'a str,
        revision: i64,
        lease: Duration,
    ) -> Answer<'a, bool> {
        let mut inner = self.inner();
        let now = Instant::now();
        let held = inner.items.get_mut(&(drawer.name(), id.to_owned()));
        let free = held.filter(|held| {
            held.item.revision == revision && held.claimed.is_none_or(|until| until <= now)
        });
        answer(match free {
            Some(held) => {
                held.claimed = Some(now + lease);
                true
            }
            None => false,
        })
    }

    fn record(&self, mut act: Act) -> Answer<'_, ()> {
        let mut inner = self.inner();
        inner.revision += 1;
        act.id = format!("{:020}", inner.revision);
        inner.acts.push(act);
        answer(())
    }

    fn acts<'a>(&'a self, limit: u32, before: Option<&'a str>) -> Answer<'a, Vec<Act>> {
        let inner = self.inner();
        let newest = inner.acts.iter().rev();
        let found = newest.filter(|act| before.is_none_or(|before| *act.id < *before));
        answer(found.take(limit as usize).cloned().collect())
    }

    fn is_durable(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_item_is_taken_once_and_claimed_by_one() {
        let memory = Memory::default();
        let put = |expected| memory.put(Drawer::Grant, "a", "x".into(), None, expected);
        let first = put(Expected::Absent).await.unwrap().unwrap();
        assert_eq!(put(Expected::Absent).await.unwrap(), None);
        let claim = |revision| memory.claim(Drawer::Grant, "a", revision, Duration::from_secs(9));
        assert!(claim(first).await.unwrap());
        assert!(!claim(first).await.unwrap());
        let second = put(Expected::Revision(first)).await.unwrap().unwrap();
        assert!(!claim(first).await.unwrap());
        assert!(claim(second).await.unwrap());
        assert!(memory.take(Drawer::Grant, "a").await.unwrap().is_some());
        assert!(memory.take(Drawer::Grant, "a").await.unwrap().is_none());
        assert_eq!(memory.version().await.unwrap(), 3);
    }

    #[tokio::test]
    async fn an_item_that_has_expired_is_not_there() {
        let memory = Memory::default();
        let put = memory.put(
            Drawer::State,
            "a",
            "x".into(),
            Some(now() - 1),
            Expected::Any,
        );
        put.await.unwrap();
        assert_eq!(memory.get(Drawer::State, "a").await.unwrap(), None);
        assert_eq!(memory.version().await.unwrap(), 0);
    }
}
