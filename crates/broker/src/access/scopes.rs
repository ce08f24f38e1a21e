//! What a key is good for.

use std::fmt;
use std::str::FromStr;

use crosspoint_core::{Ingress, nearest};

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See commands, connectors, metrics, and the calls of everybody.
    Read,
    /// See commands and run them, and see one's own calls.
    Call,
    /// Settle and replay calls, change profiles, secrets and keys; and see what a reader sees.
    Administer,
}

/// What a key is good for. Made of texts, in which each kind that is absent means no limit of that
/// kind: `read`, `call`, `administer`; `ingress:spiff`; `connector:crm` with `*` for any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    rights: Vec<Right>,
    ingresses: Vec<Ingress>,
    connectors: Vec<String>,
}

/// What is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a scope{1}")]
pub struct NotAScope(String, String);

/// The ways in that take keys.
const KEYED: [Ingress; 3] = [Ingress::Spiff, Ingress::Api, Ingress::Mcp];

// === impl Right ===

impl Right {
    /// All of them.
    pub const ALL: [Right; 3] = [Right::Read, Right::Call, Right::Administer];

    /// The name used in configuration and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Right::Read => "read",
            Right::Call => "call",
            Right::Administer => "administer",
        }
    }

    /// Whether who has this right has the other one with it.
    fn implies(self, other: Right) -> bool {
        self == other || (self, other) == (Right::Administer, Right::Read)
    }
}

// === impl Scopes ===

impl Scopes {
    /// Reads a list of texts, or fails with every one that is none.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Scopes, Vec<NotAScope>> {
        let (mut scopes, mut mistakes) = (Scopes::default(), Vec::new());
        for text in texts {
            if let Err(mistake) = scopes.add(text) {
                mistakes.push(mistake);
            }
        }
        match mistakes.is_empty() {
            true => Ok(scopes),
            false => Err(mistakes),
        }
    }

    fn add(&mut self, text: &str) -> Result<(), NotAScope> {
        let wrong = |why: String| NotAScope(crosspoint_core::shorten(text), why);
        match text.split_once(':') {
            Some(("ingress", name)) => {
                let ingress = KEYED.into_iter().find(|ingress| ingress.name() == name);
                self.ingresses.push(ingress.ok_or_else(|| {
                    let there_is = ": there is ingress:spiff, ingress:api and ingress:mcp";
                    wrong(there_is.to_owned())
                })?);
            }
            Some(("connector", pattern)) if is_pattern(pattern) => {
                self.connectors.push(pattern.to_owned());
            }
            Some(("connector", _)) => {
                let why = ": after connector: comes a connector's name, with * for any characters";
                return Err(wrong(why.to_owned()));
            }
            _ => {
                let found = Right::ALL.into_iter().find(|right| right.name() == text);
                self.rights.push(found.ok_or_else(|| wrong(hint(text)))?);
            }
        }
        Ok(())
    }

    /// The texts that it is made of.
    pub fn texts(&self) -> Vec<String> {
        let rights = self.rights.iter().map(|right| right.name().to_owned());
        let ingresses = self.ingresses.iter();
        let connectors = self.connectors.iter();
        rights
            .chain(ingresses.map(|ingress| format!("ingress:{}", ingress.name())))
            .chain(connectors.map(|pattern| format!("connector:{pattern}")))
            .collect()
    }

    /// Whether they hold this right.
    pub fn allow(&self, right: Right) -> bool {
        self.rights.is_empty() || self.rights.iter().any(|own| own.implies(right))
    }

    /// Whether they hold for this way in.
    pub fn allow_ingress(&self, ingress: Ingress) -> bool {
        self.ingresses.is_empty() || self.ingresses.contains(&ingress)
    }

    /// Whether they hold for this connector.
    pub fn allow_connector(&self, connector: &str) -> bool {
        self.connectors.is_empty() || self.connectors.iter().any(|p| fits(p, connector))
    }

    /// Whether they hold for some connectors only.
    pub fn are_of_connectors(&self) -> bool {
        !self.connectors.is_empty()
    }

    /// The one connector that they hold for, if it is one.
    pub fn only_connector(&self) -> Option<&str> {
        match &self.connectors[..] {
            [only] if !only.contains('*') => Some(only),
            _ => None,
        }
    }
}

/// As people write it.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.texts() {
            texts if texts.is_empty() => f.write_str("everything"),
            texts => f.write_str(&texts.join(" ")),
        }
    }
}

impl FromStr for Scopes {
    type Err = NotAScope;

    /// One scope.
    fn from_str(text: &str) -> Result<Scopes, NotAScope> {
        let mut scopes = Scopes::default();
        scopes.add(text)?;
        Ok(scopes)
    }
}

fn hint(text: &str) -> String {
    let names = Right::ALL.map(Right::name);
    match nearest(text, names.into_iter()).first() {
        Some(near) => format!(": did you mean {near}?"),
        None => ": there is read, call, administer, ingress:NAME and connector:NAME".to_owned(),
    }
}

fn is_pattern(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'*');
    !text.is_empty() && text.bytes().all(plain)
}

/// Whether a name fits a pattern, in which `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(start) else {
        return false;
    };
    let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    ends.into_iter().any(|at| fits(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(texts: &[&str]) -> Scopes {
        Scopes::read(texts.iter().copied()).unwrap()
    }

    #[test]
    fn a_kind_of_scope_that_is_absent_is_no_limit() {
        let all = scopes(&[]);
        assert!(Right::ALL.into_iter().all(|right| all.allow(right)));
        assert!(all.allow_connector("crm") && all.allow_ingress(Ingress::Spiff));
        assert_eq!(all.to_string(), "everything");
        let some = scopes(&["connector:crm*", "ingress:spiff"]);
        assert!(some.allow(Right::Administer));
        assert!(some.allow_connector("crm_two") && !some.allow_connector("http"));
        assert!(some.allow_ingress(Ingress::Spiff) && !some.allow_ingress(Ingress::Api));
        assert_eq!(some.to_string(), "ingress:spiff connector:crm*");
    }

    #[test]
    fn who_administers_reads_and_who_calls_does_neither() {
        let admin = scopes(&["administer"]);
        assert!(admin.allow(Right::Read) && !admin.allow(Right::Call));
        let caller = scopes(&["call"]);
        assert!(!caller.allow(Right::Read) && !caller.allow(Right::Administer));
    }

    #[test]
    fn every_text_that_is_no_scope_is_told() {
        let texts = [
            "read",
            "cal",
            "ingress:amqp",
            "connector:a b",
            "connector:",
            "x",
        ];
        let mistakes = Scopes::read(texts).unwrap_err();
        let told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 5);
        assert_eq!(told[0], "'cal' is not a scope: did you mean call?");
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, fit) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("*b*", "abc", true),
            ("a**", "a", true),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
    }
}
