//! What calls choose from, made of the file, the cabinet, the environment and the variants.

use std::collections::BTreeMap;
use std::sync::Arc;

use crosspoint_core::Fields;

use super::checked::Checked;
use super::choice::follow;
use super::connections::{Connections, Sources, State};
use super::ground::Ground;
use super::held::{Held, Usable, Varied};
use super::{Definition, Variant};

// === impl Connections ===

impl Connections {
    /// What calls of a connector choose from. What was made before (`old`) is taken again where it is
    /// the same.
    pub(super) fn usable(
        &self,
        state: &State,
        connector: &Arc<str>,
        fields: &Fields,
        old: Option<&Usable>,
    ) -> Usable {
        let mut usable = self.usable_by(state, (connector, fields, None), old);
        let own = self
            .variants
            .iter()
            .filter(|variant| variant.connector == *connector);
        for variant in own {
            let name = &variant.name;
            let old = old.and_then(|old| old.variants.get(name));
            let old = old.map(|varied| &varied.usable);
            let varied = Varied {
                profile: variant.profile.clone(),
                usable: self.usable_by(state, (connector, fields, Some(variant)), old),
            };
            usable.variants.insert(name.clone(), varied);
        }
        usable
    }

    /// What calls of one variant, or of none, choose from.
    fn usable_by(
        &self,
        state: &State,
        (connector, fields, variant): (&Arc<str>, &Fields, Option<&Variant>),
        old: Option<&Usable>,
    ) -> Usable {
        let ground = |token| Ground {
            connector,
            fields,
            environment: &self.environment,
            token,
            variant,
        };
        let mut all: BTreeMap<Arc<str>, Arc<Checked>> = BTreeMap::new();
        let (mut oddities, mut default) = (Vec::new(), None);
        let file = state.file.iter().chain(&state.store);
        for definition in file.filter(|d| d.id.connector == *connector) {
            let id = &definition.id;
            if all.contains_key(&id.name) {
                let oddity =
                    "is in the configuration file and in the store: that of the file counts";
                oddities.push(format!("profile {id} {oddity}"));
                continue;
            }
            let known = old.and_then(|old| old.all.get(&id.name));
            let same = known.filter(|known| known.definition.as_ref() == Some(definition));
            let checked = same.cloned().unwrap_or_else(|| {
                let token = self.token_of(definition);
                Arc::new(Checked::new(Some(definition.clone()), ground(token)))
            });
            if definition.default {
                match &default {
                    None => default = Some(checked.clone()),
                    Some(_) => oddities.push(format!(
                        "profile {id} is not the default one: another profile of {connector} is"
                    )),
                }
            }
            all.insert(id.name.clone(), checked);
        }
        let only = || all.values().next().filter(|_| all.len() == 1).cloned();
        let bare = old.map(|old| old.bare.clone());
        Usable {
            default: default.or_else(only),
            bare: bare.unwrap_or_else(|| Arc::new(Checked::new(None, ground(None)))),
            all,
            oddities,
            variants: BTreeMap::new(),
        }
    }

    /// Which field the token of its auth fills.
    fn token_of(&self, definition: &Definition) -> Option<String> {
        let auth = definition.auth.as_deref()?;
        let tokens = self.sources.tokens.as_ref();
        Some(tokens.map_or_else(
            || super::tokens::FIELD.to_owned(),
            |tokens| tokens.field(&definition.id, auth),
        ))
    }
}

/// Whether a profile that was in use comes to something else now.
pub(super) async fn has_changed(before: &Usable, held: &Held) -> bool {
    let now = held.now.load_full();
    let mut changed = has_changed_to(before, &now, &held.sources).await;
    for (name, old) in &before.variants {
        changed |= match now.variants.get(name) {
            None => true,
            Some(new) => has_changed_to(&old.usable, &new.usable, &held.sources).await,
        };
    }
    // That is told with the rest.
    held.has_turned();
    changed
}

async fn has_changed_to(before: &Usable, now: &Usable, sources: &Sources) -> bool {
    let default = |usable: &Usable| usable.default.as_ref().map(|d| d.name());
    let used = before.default.as_ref().unwrap_or(&before.bare);
    let mut changed = default(before) != default(now) && used.last().is_some();
    for (name, old) in &before.all {
        let Some(last) = old.last() else { continue };
        changed |= match now.all.get(name) {
            None => true,
            Some(new) => match follow(new, sources).await {
                Ok(profile) => profile != last,
                Err(_) => true,
            },
        };
    }
    changed
}
