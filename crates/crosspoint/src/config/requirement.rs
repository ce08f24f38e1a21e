//! What names a Python package: a requirement, a path, a wheel, a file, a git URL.

use std::fmt;
use std::str::FromStr;

use crosspoint_core::{MASKED, Secret, shorten};

use super::format::as_text;
use super::problem::Wrong;

/// A shorter password is not looked for alone: it would occur in any text by chance.
const SHORTEST_PASSWORD: usize = 4;

/// What names a Python package. Shown without the credentials that a URL in it may hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Requirement(Secret<String>);

as_text!(Requirement, "requirement", "string");

// === impl Requirement ===

impl Requirement {
    /// As it was written, for whoever builds the environment.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What must not be shown of it.
    pub fn secrets(&self) -> Vec<Secret<String>> {
        let credentials = credentials(self.expose());
        let password = credentials
            .and_then(|text| text.split_once(':'))
            .map(|(_, password)| password)
            .filter(|password| password.chars().count() >= SHORTEST_PASSWORD);
        let texts = credentials.into_iter().chain(password);
        texts.map(|text| Secret::new(text.to_owned())).collect()
    }
}

impl FromStr for Requirement {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Requirement, Wrong> {
        let requirement = Requirement(Secret::new(text.trim().to_owned()));
        let shown = shorten(&requirement.to_string());
        let why = match text.trim() {
            "" => "it is empty".to_owned(),
            text if text.starts_with('-') => format!("`{shown}` is an option, not a package"),
            text if text.contains(char::is_control) => format!("`{shown}` is not on one line"),
            _ if credentials(text) == Some(MASKED) => {
                "`***` stands for credentials that are not shown".to_owned()
            }
            _ => return Ok(requirement),
        };
        Err(Wrong {
            why,
            help: "expected a requirement such as `connector-crm==1.4`, a path, or a git URL"
                .to_owned(),
        })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.expose();
        match (credentials(text), text.split_once("://")) {
            (Some(secret), Some((scheme, rest))) => {
                write!(f, "{scheme}://{MASKED}{}", &rest[secret.len()..])
            }
            _ => f.write_str(text),
        }
    }
}

impl fmt::Debug for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Requirement({self})")
    }
}

/// What stands before the `@` of a URL's host; with a scheme other than HTTP, where a lone user is
/// no secret, only if a password is in it.
fn credentials(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let (credentials, _) = host.rsplit_once('@')?;
    let web = scheme.ends_with("http") || scheme.ends_with("https");
    (!credentials.is_empty() && (web || credentials.contains(':'))).then_some(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(text: &str) -> Requirement {
        text.parse().unwrap()
    }

    #[test]
    fn credentials_are_not_shown() {
        for (text, shown) in [
            ("connector-crm==1.4", "connector-crm==1.4"),
            (" ./crm ", "./crm"),
            (
                "git+ssh://git@host.example/crm.git",
                "git+ssh://git@host.example/crm.git",
            ),
            (
                "git+https://canary@host.example/crm.git@v1",
                "git+https://***@host.example/crm.git@v1",
            ),
            (
                "u @ https://u:canary@host.example/crm.whl",
                "u @ https://***@host.example/crm.whl",
            ),
            (
                "git+ssh://git:canary@host.example/crm.git",
                "git+ssh://***@host.example/crm.git",
            ),
        ] {
            let requirement = requirement(text);
            assert_eq!(requirement.to_string(), shown);
            assert_eq!(format!("{requirement:?}"), format!("Requirement({shown})"));
            assert_eq!(requirement.expose(), text.trim());
        }
    }

    #[test]
    fn credentials_are_secrets_as_a_whole_and_the_password_alone() {
        let secrets = |text: &str| -> Vec<_> {
            let secrets = requirement(text).secrets();
            secrets
                .iter()
                .map(|secret| secret.expose().clone())
                .collect()
        };
        assert_eq!(
            secrets("git+https://u:canary@host.example/crm"),
            ["u:canary", "canary"]
        );
        assert_eq!(secrets("git+https://canary@host.example/crm"), ["canary"]);
        assert!(secrets("connector-crm").is_empty());
    }

    #[test]
    fn what_is_no_package_is_refused() {
        for (text, why) in [
            ("", "it is empty"),
            ("  ", "it is empty"),
            (
                "--index-url=x",
                "`--index-url=x` is an option, not a package",
            ),
            ("a\nb", "`a\\nb` is not on one line"),
            (
                "git+https://***@host.example/crm",
                "`***` stands for credentials",
            ),
        ] {
            let wrong = text.parse::<Requirement>().expect_err(text);
            assert!(wrong.why.starts_with(why), "{wrong}");
        }
    }
}
