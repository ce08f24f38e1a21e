//! Profiles that wait for somebody's consent.

use std::collections::HashMap;
use std::sync::Arc;

use super::grants::{Grants, lock};
use super::settings::AuthId;
use crate::cabinet::Item;
use crate::catalogue::Catalogue;
use crate::oauth::Authorised;
use crate::profiles::{Connections, Definition, ProfileId};

/// By which auth each profile was authorised, as far as this process knows.
#[derive(Default)]
pub(super) struct Consents {
    /// None: nobody has looked yet.
    known: Option<HashMap<ProfileId, Arc<str>>>,
    /// Grows with each change that was made here: what was read before may be older than that.
    changes: u64,
}

/// A sentence for each profile of the file and the cabinet that needs a person's consent by the auth that
/// it names and never had it. Nothing before somebody has looked at the grants.
pub(crate) fn waiting(
    grants: &Grants,
    connections: &Connections,
    catalogue: &Catalogue,
) -> Vec<String> {
    let consents = lock(&grants.0.consents);
    let Some(known) = &consents.known else {
        return Vec::new();
    };
    let waits = |definition: Definition| {
        let id = AuthId::new(definition.id.connector.clone(), definition.auth?);
        let granted = known.get(&definition.id).is_some_and(|by| *by == id.auth);
        let waits = definition.enabled && !granted && needs_consent(grants, catalogue, &id);
        waits.then(|| never(&definition.id))
    };
    connections
        .in_effect()
        .into_iter()
        .filter_map(waits)
        .collect()
}

/// What is said where nobody has authorised a profile.
pub(super) fn never(profile: &ProfileId) -> String {
    format!("nobody has authorised {profile} yet: run `crosspoint auth login {profile}`")
}

/// Whether a person consents to an auth. Those that only a connector's code knows are all of that kind.
fn needs_consent(grants: &Grants, catalogue: &Catalogue, id: &AuthId) -> bool {
    let described = || {
        let mut auths = catalogue.auths().iter();
        auths.any(|(own, _)| own.connector == id.connector && own.command == id.auth)
    };
    grants.needs_consent(id).unwrap_or_else(described)
}

// === impl Consents ===

impl Consents {
    /// How often something has changed here.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Somebody has consented, here or in another process.
    pub(super) fn given(&mut self, profile: &ProfileId, auth: &Arc<str>) {
        let known = self.known.as_mut();
        let before = known.and_then(|known| known.insert(profile.clone(), auth.clone()));
        self.changes += u64::from(before.as_ref() != Some(auth));
    }

    /// There is no consent any more.
    pub(super) fn taken_back(&mut self, profile: &ProfileId) {
        let known = self.known.as_mut();
        let before = known.map(|known| known.remove(profile).is_some());
        self.changes += u64::from(before != Some(false));
    }

    /// The grants as they are for all processes. False where something has changed here since they were
    /// read: they must be read again.
    pub(super) fn read(&mut self, items: &[Item], changes: u64) -> bool {
        if self.changes != changes {
            return false;
        }
        let granted = items.iter().filter_map(|item| {
            let profile = item.id.parse().ok()?;
            Some((profile, Authorised::of(item)?.auth.into()))
        });
        self.known = Some(granted.collect());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::kept::Kept;

    #[test]
    fn what_was_read_before_somebody_consented_does_not_count() {
        let profile = ProfileId::new("crm", "prod");
        let other = ProfileId::new("crm", "other");
        let items = [Item {
            id: other.to_string(),
            body: Kept::place("main", None).write(),
            revision: 1,
            changed: 0,
            expires: None,
        }];
        let mut consents = Consents::default();
        let before = consents.changes();
        consents.given(&profile, &"main".into());
        assert!(!consents.read(&items, before));
        assert!(consents.read(&items, consents.changes()));
        let known = consents.known.as_ref().unwrap();
        assert_eq!(known.get(&other).map(|auth| &**auth), Some("main"));
        consents.given(&profile, &"main".into());
        consents.taken_back(&other);
        let known = consents.known.as_ref().unwrap();
        assert!(known.contains_key(&profile) && !known.contains_key(&other));
    }
}
