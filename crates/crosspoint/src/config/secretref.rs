//! References to secrets as Django Automate writes them: `secretref://env/stripe/prod/api_key`.

/// How they begin.
pub const SCHEME: &str = "secretref://";

/// What the backend `env` puts before the names of variables.
const PREFIX: &str = "AUTOMATE_SECRET__";

/// Where such a reference leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretRef<'a> {
    /// Into the environment, by namespaces and name.
    Env(&'a str),
    /// Into Vault: the path of a secret, and as its last part the field.
    Vault(&'a str),
    /// Nowhere, for this reason.
    Wrong(&'static str),
}

// === impl SecretRef ===

impl<'a> SecretRef<'a> {
    /// Reads what comes after [`SCHEME`].
    pub fn of(rest: &'a str) -> SecretRef<'a> {
        let (path, query) = rest
            .split_once('?')
            .map_or((rest, None), |(p, q)| (p, Some(q)));
        let Some((backend, path)) = path.split_once('/') else {
            return SecretRef::Wrong("`secretref://` wants a backend, a namespace and a name");
        };
        let version = query.map(|query| query.strip_prefix("version="));
        if path.split('/').count() < 2 || path.split('/').any(is_odd) {
            let why = "`secretref://` wants a namespace and a name: parts that are not empty, no `.` \
                       or `..`, and none that begins with `__`";
            return SecretRef::Wrong(why);
        }
        match (backend, version) {
            (_, Some(None | Some(""))) => {
                SecretRef::Wrong("after the `?` of a `secretref://` comes `version=…`")
            }
            // The environment has one version of a variable, whichever is asked for.
            ("env", _) => SecretRef::Env(path),
            ("vault", None) => SecretRef::Vault(path),
            ("vault", Some(_)) => {
                SecretRef::Wrong("versions of secrets in Vault are not read: take `?version=…` out")
            }
            ("encrypted_db", _) => SecretRef::Wrong(
                "the database of Django Automate is not read: keep the secret by `crosspoint secret set` \
                 and write `secret:NAME`",
            ),
            _ => SecretRef::Wrong("the backend of a `secretref://` is `env` or `vault`"),
        }
    }

    /// Why it cannot be followed whatever is there, if so.
    pub fn fault(self) -> Option<&'static str> {
        match self {
            SecretRef::Wrong(why) => Some(why),
            SecretRef::Env(_) | SecretRef::Vault(_) => None,
        }
    }
}

/// The variable that the backend `env` looks at.
pub fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('/', "__"))
}

fn is_odd(part: &str) -> bool {
    matches!(part, "" | "." | "..") || part.starts_with("__") || part.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leads_into_the_environment_or_vault() {
        assert_eq!(
            SecretRef::of("env/stripe/prod/key"),
            SecretRef::Env("stripe/prod/key")
        );
        assert_eq!(SecretRef::of("env/a/b?version=3"), SecretRef::Env("a/b"));
        assert_eq!(
            SecretRef::of("vault/team/crm/token"),
            SecretRef::Vault("team/crm/token")
        );
        assert_eq!(
            variable("stripe/prod/key"),
            "AUTOMATE_SECRET__stripe__prod__key"
        );
    }

    #[test]
    fn what_leads_nowhere_is_told() {
        for text in [
            "",
            "env",
            "env/",
            "env/only",
            "env/a/../b",
            "env/./b",
            "env/a//b",
            "env/__a/b",
            "env/a/b?x=1",
            "env/a/b?version=",
            "vault/a/b?version=2",
            "encrypted_db/a/b",
            "other/a/b",
        ] {
            assert!(SecretRef::of(text).fault().is_some(), "{text}");
        }
    }
}
