//! Who names a secret.

use std::collections::BTreeMap;

use anyhow::Result;
use crosspoint_broker::cabinet::Drawer;
use crosspoint_broker::profiles::{Definition, ProfileId, Source};

use super::Desk;

/// By the name of each secret, who refers to it: `profile crm/prod`, `setting python.env.TOKEN`.
pub type Uses = BTreeMap<String, Vec<String>>;

/// Everybody who names a secret: the profiles in the store, and the configuration.
pub async fn all(desk: &Desk) -> Result<Uses> {
    let mut uses = Uses::new();
    for item in desk.cabinet().list(Drawer::Profile).await? {
        let Ok(id) = item.id.parse::<ProfileId>() else {
            continue;
        };
        let definition = Definition::from_kept(id, &item.body)?;
        for source in definition.secrets.values() {
            if let Source::Kept(name) = source {
                let profile = format!("profile {}", definition.id);
                let users = uses.entry(name.clone()).or_default();
                users.push(profile);
            }
        }
    }
    for (key, source) in &desk.references {
        if let Source::Kept(name) = source {
            let users = uses.entry(name.clone()).or_default();
            users.push(format!("setting {key}"));
        }
    }
    for users in uses.values_mut() {
        users.sort();
        users.dedup();
    }
    Ok(uses)
}
