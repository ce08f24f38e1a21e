//! Keys that are kept in the store, and follow its changes without a restart.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{AccessKey, KeyHash, Scopes};
use crate::cabinet::{Cabinet, Drawer, Expected, Item};
use crate::ledger::{StoreError, now};

/// How often a change by another process is looked for.
const LOOK: Duration = Duration::from_secs(2);

/// A key as it is kept: by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptKey {
    /// The key that counts.
    pub key: AccessKey,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// The key before it, and until when it is taken as well.
    pub previous: Option<(KeyHash, i64)>,
}

/// All kept keys, as they were last read.
pub struct KeptKeys {
    cabinet: Arc<dyn Cabinet>,
    keys: ArcSwap<Vec<Arc<AccessKey>>>,
}

/// Why a key was not kept.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// There is one of that name.
    #[error("there is a key '{0}' already: `crosspoint key rotate {0}` gives it a new value")]
    Taken(String),
    /// There is none of that name.
    #[error("there is no key '{0}' in the store: `crosspoint key list` shows those there are")]
    Missing(String),
    /// Somebody else changed it at the same moment.
    #[error("the key '{0}' was changed at the same moment: look at it, and try again")]
    Changed(String),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

// === impl KeptKey ===

impl KeptKey {
    /// A key with this value, made now.
    pub fn new(name: &str, value: &str, scopes: Scopes, expires: Option<i64>) -> KeptKey {
        let mut key = AccessKey::new(name, value);
        key.scopes = scopes;
        key.expires = expires;
        KeptKey {
            key,
            created: now(),
            previous: None,
        }
    }

    /// Gives it another value; the one before is taken for so long.
    pub fn rotate(&mut self, value: &str, grace: Duration) {
        let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let until = now().saturating_add(grace);
        self.previous = (grace > 0).then_some((self.key.hash, until));
        self.key.hash = KeyHash::of(value.as_bytes());
    }

    /// Every kept key, ordered by name. One that another version wrote is left out, aloud.
    pub async fn all(cabinet: &dyn Cabinet) -> Result<Vec<KeptKey>, StoreError> {
        let items = cabinet.list(Drawer::Key).await?;
        let read = items.iter().filter_map(|item| {
            let key = KeptKey::read(item);
            if key.is_none() {
                let name = &item.id;
                tracing::error!(
                    name,
                    "This access key cannot be read: another version wrote it."
                );
            }
            key
        });
        Ok(read.collect())
    }

    /// Keeps a new key.
    pub async fn keep(&self, cabinet: &dyn Cabinet) -> Result<(), NotKept> {
        let name = &*self.key.name;
        let put = cabinet.put(Drawer::Key, name, self.write(), None, Expected::Absent);
        match put.await? {
            Some(_) => Ok(()),
            None => Err(NotKept::Taken(name.to_owned())),
        }
    }

    /// Changes the key of that name; answers with it as it is then.
    pub async fn change(
        cabinet: &dyn Cabinet,
        name: &str,
        change: impl FnOnce(&mut KeptKey),
    ) -> Result<KeptKey, NotKept> {
        let missing = || NotKept::Missing(name.to_owned());
        let item = cabinet.get(Drawer::Key, name).await?.ok_or_else(missing)?;
        let mut key = KeptKey::read(&item).ok_or_else(missing)?;
        change(&mut key);
        let expected = Expected::Revision(item.revision);
        let put = cabinet.put(Drawer::Key, name, key.write(), None, expected);
        match put.await? {
            Some(_) => Ok(key),
            None => Err(NotKept::Changed(name.to_owned())),
        }
    }

    /// Removes the key of that name.
    pub async fn remove(cabinet: &dyn Cabinet, name: &str) -> Result<(), NotKept> {
        match cabinet.remove(Drawer::Key, name).await? {
            true => Ok(()),
            false => Err(NotKept::Missing(name.to_owned())),
        }
    }

    fn write(&self) -> Bytes {
        let kept = json!({
            "hash": self.key.hash.hex(),
            "scopes": self.key.scopes.texts(),
            "expires": self.key.expires,
            "created": self.created,
            "previous": self.previous.map(|(hash, until)| json!([hash.hex(), until])),
        });
        kept.to_string().into()
    }

    /// None where another version wrote something else.
    fn read(item: &Item) -> Option<KeptKey> {
        let kept: Value = serde_json::from_slice(&item.body).ok()?;
        let texts = kept.get("scopes")?.as_array()?;
        let texts: Option<Vec<&str>> = texts.iter().map(Value::as_str).collect();
        let previous = match kept.get("previous") {
            None | Some(Value::Null) => None,
            Some(pair) => Some((KeyHash::from_hex(pair[0].as_str()?)?, pair[1].as_i64()?)),
        };
        Some(KeptKey {
            key: AccessKey {
                name: item.id.as_str().into(),
                hash: KeyHash::from_hex(kept.get("hash")?.as_str()?)?,
                scopes: Scopes::read(texts?).ok()?,
                expires: kept.get("expires").and_then(Value::as_i64),
            },
            created: kept.get("created")?.as_i64()?,
            previous,
        })
    }

    /// The key, and the one before it while that is taken.
    fn taken(self) -> impl Iterator<Item = Arc<AccessKey>> {
        let earliest = |until: i64, own: Option<i64>| own.map_or(until, |own| own.min(until));
        let previous = self.previous.map(|(hash, until)| AccessKey {
            hash,
            expires: Some(earliest(until, self.key.expires)),
            ..self.key.clone()
        });
        std::iter::once(self.key).chain(previous).map(Arc::new)
    }
}

// === impl KeptKeys ===

impl KeptKeys {
    /// Reads the keys. Fails where they cannot be read: nobody could tell who may come in.
    pub async fn open(cabinet: Arc<dyn Cabinet>) -> Result<KeptKeys, StoreError> {
        let keys = KeptKeys {
            cabinet,
            keys: ArcSwap::default(),
        };
        keys.refresh().await?;
        Ok(keys)
    }

    /// The keys that may be presented, those that have expired among them.
    pub fn keys(&self) -> arc_swap::Guard<Arc<Vec<Arc<AccessKey>>>> {
        self.keys.load()
    }

    /// Reads the keys again.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let keys = KeptKey::all(&*self.cabinet).await?;
        let keys = keys.into_iter().flat_map(KeptKey::taken).collect();
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// Follows the changes that others make, for ever. What cannot be read leaves the keys as they
    /// are.
    pub async fn follow(self: Arc<Self>) {
        let mut seen = None;
        loop {
            if let Ok(version) = self.cabinet.version().await
                && seen != Some(version)
                && self.refresh().await.is_ok()
            {
                seen = Some(version);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cabinet::Memory;

    #[tokio::test]
    async fn a_key_is_kept_by_its_hash_and_rotated_with_a_grace() {
        let memory: Arc<dyn Cabinet> = Arc::new(Memory::default());
        let scopes = Scopes::read(["call", "connector:crm"]).unwrap();
        let key = KeptKey::new("engine", "canary-1", scopes, Some(i64::MAX));
        key.keep(&*memory).await.unwrap();
        let taken = key.keep(&*memory).await.unwrap_err();
        assert_eq!(taken, NotKept::Taken("engine".to_owned()));
        let kept = memory.list(Drawer::Key).await.unwrap();
        assert!(!String::from_utf8_lossy(&kept[0].body).contains("canary"));

        let keys = KeptKeys::open(memory.clone()).await.unwrap();
        assert_eq!(**keys.keys().first().unwrap(), key.key);
        let rotate = |key: &mut KeptKey| key.rotate("canary-2", Duration::from_secs(60));
        KeptKey::change(&*memory, "engine", rotate).await.unwrap();
        keys.refresh().await.unwrap();
        let hashes: Vec<_> = keys.keys().iter().map(|key| key.hash).collect();
        assert!(hashes == ["canary-2", "canary-1"].map(|key| KeyHash::of(key.as_bytes())));
        assert!(keys.keys().iter().all(|key| !key.has_expired()));

        let rotate = |key: &mut KeptKey| key.rotate("canary-3", Duration::ZERO);
        KeptKey::change(&*memory, "engine", rotate).await.unwrap();
        keys.refresh().await.unwrap();
        assert_eq!(keys.keys().len(), 1);
        KeptKey::remove(&*memory, "engine").await.unwrap();
        keys.refresh().await.unwrap();
        assert!(keys.keys().is_empty());
        let missing = KeptKey::remove(&*memory, "engine").await.unwrap_err();
        assert_eq!(missing, NotKept::Missing("engine".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn changes_of_others_are_followed() {
        let memory: Arc<dyn Cabinet> = Arc::new(Memory::default());
        let keys = Arc::new(KeptKeys::open(memory.clone()).await.unwrap());
        tokio::spawn(keys.clone().follow());
        tokio::time::sleep(LOOK).await;
        let key = KeptKey::new("engine", "x", Scopes::default(), None);
        key.keep(&*memory).await.unwrap();
        tokio::time::sleep(2 * LOOK).await;
        assert_eq!(keys.keys().len(), 1);
    }
}
