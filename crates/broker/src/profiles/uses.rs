//! Who names a secret.

use std::collections::{BTreeMap, BTreeSet};

use super::{Definition, Source};
use crate::oauth::AuthSettings;

/// By the name of each secret that is kept, who refers to it: `profile crm/prod`, `auth crm/main`,
/// `setting python.env.TOKEN`. Names only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses(BTreeMap<String, BTreeSet<String>>);

// === impl Uses ===

impl Uses {
    /// Everybody among these. `settings` are other references of the configuration, by their keys.
    pub fn among<'a>(
        profiles: impl IntoIterator<Item = &'a Definition>,
        auths: impl IntoIterator<Item = &'a AuthSettings>,
        settings: &[(String, Source)],
    ) -> Uses {
        let mut uses = Uses::default();
        for profile in profiles {
            let sources = profile.secrets.values();
            sources.for_each(|source| uses.add(source, || format!("profile {}", profile.id)));
        }
        for auth in auths {
            let sources = auth.sources();
            sources.for_each(|source| uses.add(source, || format!("auth {}", auth.id)));
        }
        for (key, source) in settings {
            uses.add(source, || format!("setting {key}"));
        }
        uses
    }

    /// Who refers to a secret, each once and in order.
    pub fn of(&self, secret: &str) -> Vec<String> {
        let users = self.0.get(secret);
        users.into_iter().flatten().cloned().collect()
    }

    fn add(&mut self, source: &Source, user: impl FnOnce() -> String) {
        if let Source::Kept(name) = source {
            self.0.entry(name.clone()).or_default().insert(user());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{AuthId, Grant};
    use crate::profiles::{ProfileId, Written};

    #[test]
    fn everybody_who_refers_to_a_secret_is_named_once() {
        let source = |text: &str| Source::of_reference(text).unwrap();
        let profile = |name: &str, reference: &str| {
            let mut definition = Definition::new(ProfileId::new("crm", name), Written::Store);
            for field in ["token", "other"] {
                let source = source(reference);
                definition.secrets.insert(field.to_owned(), source);
            }
            definition
        };
        let profiles = [
            profile("test", "secret:CRM"),
            profile("prod", "secret:CRM"),
            profile("far", "vault:CRM#token"),
        ];
        let grant = Grant::RefreshToken(source("secret:SEED"));
        let mut auth = AuthSettings::new(AuthId::new("crm", "main"), grant, "http://h", "me");
        auth.client_secret = Some(source("secret:CRM"));
        let settings = [("access.api_keys".to_owned(), source("secret:KEY"))];
        let uses = Uses::among(&profiles, [&auth], &settings);
        let all = ["auth crm/main", "profile crm/prod", "profile crm/test"];
        assert_eq!(uses.of("CRM"), all);
        assert_eq!(uses.of("SEED"), ["auth crm/main"]);
        assert_eq!(uses.of("KEY"), ["setting access.api_keys"]);
        assert!(uses.of("NOBODY").is_empty());
    }
}
