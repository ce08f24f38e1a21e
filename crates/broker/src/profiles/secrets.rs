//! Where the values of secrets come from: the cabinet, and stores of others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crosspoint_core::{Failure, Refusal, Secret};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::Source;
use crate::cabinet::{Cabinet, Drawer};

/// How long a value of the cabinet counts. Changes are noticed much earlier, by its version.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// A store of secrets that somebody else keeps.
pub trait Vault: Send + Sync + 'static {
    /// The value of a field of the secret at a path. Fails with a clause that says why there is
    /// none, such as `is not there` or `cannot be read: …`; it names no value.
    fn read<'a>(
        &'a self,
        path: &'a str,
        field: &'a str,
    ) -> BoxFuture<'a, Result<Secret<String>, String>>;

    /// How long a value counts before it is read again.
    fn ttl(&self) -> Duration;
}

/// Follows references to secrets.
#[derive(Default)]
pub struct Secrets {
    cabinet: Option<Arc<dyn Cabinet>>,
    vault: Mutex<Option<Arc<dyn Vault>>>,
    cached: Mutex<HashMap<String, Cached>>,
}

struct Cached {
    value: Secret<String>,
    until: Instant,
}

// === impl Secrets ===

impl Secrets {
    /// Those of a cabinet and a vault, as far as there are any.
    pub fn new(cabinet: Option<Arc<dyn Cabinet>>, vault: Option<Arc<dyn Vault>>) -> Secrets {
        Secrets {
            cabinet,
            vault: Mutex::new(vault),
            cached: Mutex::default(),
        }
    }

    /// The value. Fails with `secret_unavailable`, which names the reference. Where a value was had
    /// before, and its store cannot be reached now, that value still counts.
    pub async fn value(&self, source: &Source) -> Result<Secret<String>, Failure> {
        let Some(reference) = source.reference() else {
            let Source::Value(value) = source else {
                return Err(unavailable("a secret", "cannot be followed"));
            };
            return Ok(value.clone());
        };
        if let Some(value) = self.fresh(&reference) {
            return Ok(value);
        }
        let (read, ttl) = match source {
            Source::Vault { path, field } => match self.vault() {
                Some(vault) => (vault.read(path, field).await, vault.ttl()),
                None => (
                    Err("leads nowhere: there is no [vault]".to_owned()),
                    KEPT_FOR,
                ),
            },
            Source::Kept(name) => (self.kept(name).await, KEPT_FOR),
            Source::Value(value) => (Ok(value.clone()), KEPT_FOR),
        };
        let value = match read {
            Ok(value) => value,
            Err(why) => self
                .stale(&reference, &why)
                .ok_or_else(|| unavailable(&reference, &why))?,
        };
        let until = Instant::now() + ttl;
        let cached = Cached {
            value: value.clone(),
            until,
        };
        self.cached().insert(reference, cached);
        Ok(value)
    }

    /// Asks another vault from now on, or none.
    pub fn replace_vault(&self, vault: Option<Arc<dyn Vault>>) {
        *self.vault.lock().unwrap_or_else(PoisonError::into_inner) = vault;
        self.forget();
    }

    /// Has everything read again, so that changes count at once. What was read still counts where its
    /// store cannot be reached.
    pub fn forget(&self) {
        let now = Instant::now();
        let mut cached = self.cached();
        cached.values_mut().for_each(|value| value.until = now);
    }

    fn vault(&self) -> Option<Arc<dyn Vault>> {
        let vault = self.vault.lock().unwrap_or_else(PoisonError::into_inner);
        vault.clone()
    }

    async fn kept(&self, name: &str) -> Result<Secret<String>, String> {
        let Some(cabinet) = &self.cabinet else {
            return Err("leads nowhere: there is no store (store.url = \"none\")".to_owned());
        };
        match cabinet.get(Drawer::Secret, name).await {
            Ok(Some(item)) => match String::from_utf8(item.body.into()) {
                Ok(value) => Ok(Secret::new(value)),
                Err(_) => Err("is not text".to_owned()),
            },
            Ok(None) => {
                // Removed on purpose: an old value must not count.
                self.cached().remove(&format!("secret:{name}"));
                Err(format!(
                    "is not there: `crosspoint secret set {name}` makes it"
                ))
            }
            Err(error) => Err(format!("cannot be read: {error}")),
        }
    }

    fn fresh(&self, reference: &str) -> Option<Secret<String>> {
        let cached = self.cached();
        let found = cached.get(reference)?;
        (found.until > Instant::now()).then(|| found.value.clone())
    }

    fn stale(&self, reference: &str, why: &str) -> Option<Secret<String>> {
        let value = self.cached().get(reference)?.value.clone();
        tracing::warn!(reference, why, "Using the last known value of this secret.");
        Some(value)
    }

    fn cached(&self) -> MutexGuard<'_, HashMap<String, Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(reference: &str, why: &str) -> Failure {
    Failure::refused(Refusal::SecretUnavailable, format!("{reference} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cabinet::{Expected, Memory};

    #[tokio::test]
    async fn a_secret_is_cached_until_forgotten_and_missing_ones_are_named() {
        let memory = Arc::new(Memory::default());
        let secrets = Secrets::new(Some(memory.clone()), None);
        let source = Source::Kept("crm".to_owned());
        let error = secrets.value(&source).await.unwrap_err();
        assert_eq!(error.code, "secret_unavailable");
        assert!(
            error.message.starts_with("secret:crm is not there"),
            "{error}"
        );
        let put = |value: &'static str| {
            memory.put(Drawer::Secret, "crm", value.into(), None, Expected::Any)
        };
        put("one").await.unwrap();
        assert_eq!(secrets.value(&source).await.unwrap().expose(), "one");
        put("two").await.unwrap();
        assert_eq!(secrets.value(&source).await.unwrap().expose(), "one");
        secrets.forget();
        assert_eq!(secrets.value(&source).await.unwrap().expose(), "two");
        memory.remove(Drawer::Secret, "crm").await.unwrap();
        secrets.forget();
        assert!(secrets.value(&source).await.is_err());
        let far = Source::of_reference("vault:a/b#c").unwrap();
        let error = secrets.value(&far).await.unwrap_err();
        assert_eq!(
            error.message,
            "vault:a/b#c leads nowhere: there is no [vault]"
        );
    }
}
