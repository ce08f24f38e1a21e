//! All profiles as they are, for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use crosspoint_core::nearest;

use super::{Connections, Definition, ProfileId};

/// A profile and whether it can be used.
#[derive(Debug, Clone)]
pub struct Listed {
    /// As it was written down.
    pub definition: Definition,
    /// Whether calls that name none use it.
    pub is_used: bool,
    /// Why it cannot be used, for people.
    pub problem: Option<String>,
}

// === impl Connections ===

impl Connections {
    /// Every profile that there is, ordered by its id. One of the cabinet that is covered by the file
    /// is left out.
    pub fn list(&self) -> Vec<Listed> {
        let (_, _, held) = self.snapshot();
        let listed = |definition: Definition| {
            let id = &definition.id;
            let (is_used, problem) = match held.get(&id.connector) {
                Some(held) => held.how_is(&id.name),
                None => (
                    false,
                    Some(format!("there is no connector {}", id.connector)),
                ),
            };
            Listed {
                definition,
                is_used,
                problem,
            }
        };
        self.in_effect().into_iter().map(listed).collect()
    }

    /// Every profile as it was written down, ordered by its id. One of the cabinet that is covered by the
    /// file is left out.
    pub(crate) fn in_effect(&self) -> Vec<Definition> {
        let (file, store, _) = self.snapshot();
        let mut all = BTreeMap::new();
        for definition in file.into_iter().chain(store) {
            all.entry(definition.id.clone()).or_insert(definition);
        }
        all.into_values().collect()
    }

    /// The profile of that id, as it was written down.
    pub(crate) fn definition(&self, id: &ProfileId) -> Option<Definition> {
        let mut all = self.in_effect().into_iter();
        all.find(|definition| definition.id == *id)
    }

    /// A sentence for whoever named a profile that is not there: which may be meant, and how to make it
    /// with an auth.
    pub(crate) fn missing(&self, id: &ProfileId, auth: &str) -> String {
        let all = self.in_effect();
        let known: Vec<_> = all.iter().map(|one| one.id.to_string()).collect();
        let (asked, near) = (id.to_string(), known.iter().map(String::as_str));
        let meant = match &nearest(&asked, near)[..] {
            [] => String::new(),
            near => format!("; did you mean {}?", near.join(", ")),
        };
        let end = if meant.is_empty() { "." } else { "" };
        format!(
            "there is no profile {id}{meant}{end} To make it: crosspoint profile set {id} --auth {auth}"
        )
    }

    /// The profiles of the configuration file.
    pub fn in_file(&self) -> Vec<Definition> {
        self.snapshot().0
    }
}

// === impl Held ===

impl super::Held {
    /// Whether a profile is used by default, and why it cannot be used.
    fn how_is(&self, name: &Arc<str>) -> (bool, Option<String>) {
        let now = self.now.load();
        let Some(checked) = now.all.get(name) else {
            return (false, None);
        };
        let default = now.default.as_ref();
        let is_used = default.is_some_and(|default| Arc::ptr_eq(default, checked));
        let problem = checked.usable(&|_| false).err();
        (is_used, problem.map(|failure| failure.message))
    }
}
