//! Who has authorised what, for people.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::sleep;

use super::grants::{Grants, lock};
use super::kept::Kept;
use crate::cabinet::{Act, Drawer, Item};
use crate::ledger::{StoreError, now};
use crate::profiles::ProfileId;

/// How often the grants of all processes are looked at.
const SURVEY: Duration = Duration::from_secs(10);

/// What is known of a grant. No token is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorised {
    /// The profile that it is for.
    pub profile: String,
    /// The auth by which it was granted.
    pub auth: String,
    /// Tells a grant from the ones before and after it.
    pub serial: i64,
    /// When the last token came, in milliseconds since 1970; 0 before the first.
    pub obtained: i64,
    /// When the access token ends, if that is known.
    pub expires: Option<i64>,
    /// Whether it can be refreshed by a refresh token.
    pub refreshable: bool,
    /// Since when and why it is of no use.
    pub dead: Option<(i64, String)>,
    /// Who has authorised.
    pub by: Option<String>,
    /// When somebody has, in milliseconds since 1970; 0 where nobody had to.
    pub authorised: i64,
}

// === impl Authorised ===

impl Authorised {
    /// What an item of [`Drawer::Grant`] tells. None: another version wrote it.
    pub fn of(item: &Item) -> Option<Authorised> {
        let kept = Kept::read(&item.body)?;
        Some(Authorised {
            profile: item.id.clone(),
            auth: kept.auth,
            serial: kept.serial,
            obtained: kept.obtained,
            expires: kept.expires,
            refreshable: kept.refresh_token.is_some(),
            dead: kept.dead.map(|dead| (dead.at, dead.why)),
            by: kept.by,
            authorised: kept.authorised,
        })
    }
}

// === impl Grants ===

impl Grants {
    /// Every grant that is kept, ordered by profile.
    pub async fn list(&self) -> Result<Vec<Authorised>, StoreError> {
        let items = self.0.cabinet.list(Drawer::Grant).await?;
        Ok(items.iter().filter_map(Authorised::of).collect())
    }

    /// Forgets the grant of a profile. False when there is none. The provider is not told.
    pub async fn forget(
        &self,
        profile: &ProfileId,
        by: &str,
        ingress: &str,
    ) -> Result<bool, StoreError> {
        let id = profile.to_string();
        let there = self.0.cabinet.remove(Drawer::Grant, &id).await?;
        lock(&self.0.consents).taken_back(profile);
        if there {
            self.record("auth.forget", profile, by, ingress, None).await;
        }
        self.mourn(profile, None);
        let slot = self.slot(profile);
        let mut state = slot.state();
        state.forget();
        state.seen = None;
        Ok(there)
    }

    /// Records what somebody did. The deed is done: that it cannot be recorded is said aloud.
    pub(super) async fn record(
        &self,
        act: &str,
        profile: &ProfileId,
        by: &str,
        ingress: &str,
        detail: Option<String>,
    ) {
        let recorded = self.0.cabinet.record(Act {
            id: String::new(),
            at: now(),
            actor: by.to_owned(),
            ingress: ingress.to_owned(),
            act: act.to_owned(),
            subject: profile.to_string(),
            detail,
        });
        if let Err(error) = recorded.await {
            tracing::error!(act, %profile, %error, "Recording an administrative act failed.");
        }
    }

    /// The grants that are of no use, a sentence each that says who has to do what.
    pub fn problems(&self) -> Vec<String> {
        lock(&self.0.dead).values().cloned().collect()
    }

    /// Keeps the problems as they are for all processes. Never returns.
    pub async fn attend(self) {
        loop {
            let changes = lock(&self.0.consents).changes();
            if let Ok(items) = self.0.cabinet.list(Drawer::Grant).await
                && !self.survey(&items, changes)
            {
                continue;
            }
            sleep(SURVEY).await;
        }
    }

    /// False where the items are older than what has happened here meanwhile.
    fn survey(&self, items: &[Item], changes: u64) -> bool {
        if !lock(&self.0.consents).read(items, changes) {
            return false;
        }
        let found = items.iter().filter_map(|item| {
            let profile: ProfileId = item.id.parse().ok()?;
            let (_, why) = Authorised::of(item)?.dead?;
            let message = format!(
                "{profile} has to be authorised again: the provider does not take what it granted any \
                 more ({why}). Run `crosspoint auth login {profile}`"
            );
            Some((profile, message))
        });
        let mut found: BTreeMap<_, _> = found.collect();
        let mut dead = lock(&self.0.dead);
        // Those that were met by calls say more, and of what has ended by itself no item tells.
        for (profile, message) in std::mem::take(&mut *dead) {
            let item = items.iter().find(|item| item.id == profile.to_string());
            let kept = item.and_then(|item| Kept::read(&item.body));
            let still =
                kept.is_some_and(|kept| kept.dead.is_some() || kept.refresh_token.is_none());
            if still {
                found.insert(profile, message);
            }
        }
        *dead = found;
        true
    }

    pub(super) fn mourn(&self, profile: &ProfileId, message: Option<String>) {
        let mut dead = lock(&self.0.dead);
        match message {
            Some(message) => dead.insert(profile.clone(), message),
            None => dead.remove(profile),
        };
    }
}
