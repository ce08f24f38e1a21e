//! Who names a secret.

use std::collections::BTreeMap;

use anyhow::Result;
use crosspoint_broker::cabinet::Drawer;
use crosspoint_broker::profiles::{Definition, ProfileId, Source};

use super::Desk;

/// By the name of each secret, who refers to it: `profile crm/prod`, `auth crm/main`, `setting
/// python.env.TOKEN`.
pub type Uses = BTreeMap<String, Vec<String>>;

/// Everybody who names a secret: the profiles in the store and in the file, auths, and other settings.
pub async fn all(desk: &Desk) -> Result<Uses> {
    let mut uses = Uses::new();
    let mut add = |source: &Source, user: String| {
        if let Source::Kept(name) = source {
            uses.entry(name.clone()).or_default().push(user);
        }
    };
    let profile = |definition: &Definition| format!("profile {}", definition.id);
    for item in desk.cabinet().list(Drawer::Profile).await? {
        let Ok(id) = item.id.parse::<ProfileId>() else {
            continue;
        };
        let definition = Definition::from_kept(id, &item.body)?;
        for source in definition.secrets.values() {
            add(source, profile(&definition));
        }
    }
    for definition in &desk.loaded.profiles {
        for source in definition.secrets.values() {
            add(source, profile(definition));
        }
    }
    for auth in &desk.loaded.auths {
        for source in auth.sources() {
            add(source, format!("auth {}", auth.id));
        }
    }
    for (key, source) in &desk.loaded.references {
        add(source, format!("setting {key}"));
    }
    for users in uses.values_mut() {
        users.sort();
        users.dedup();
    }
    Ok(uses)
}
