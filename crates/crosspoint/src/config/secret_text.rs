//! Secrets of profiles and auths as they are written.

use std::fmt;
use std::str::FromStr;

use crosspoint_broker::profiles::{Source, is_secret_name};
use crosspoint_core::{MASKED, Secret};

use super::environment::Environment;
use super::format::as_text;
use super::problem::Wrong;
use super::reference::Reference;
use super::values::Value;

/// A secret as it was written: itself, or a reference to it. Shown as `***` unless it is a reference.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Secret<String>);

as_text!(SecretText, "secret", "string", "writeOnly": true);

// === impl SecretText ===

impl SecretText {
    /// Where its value is: here, once references that lead out of the file are followed; or elsewhere,
    /// to be followed when it is needed. Fails when a reference leads nowhere or to an empty value;
    /// the error names the reference, never a value.
    pub fn source(&self, env: &Environment) -> Result<Source, Wrong> {
        let text = self.0.expose();
        let elsewhere = || Reference::of(text).and_then(Reference::source);
        if let Some(elsewhere) = Source::of_reference(text).or_else(elsewhere) {
            return Ok(elsewhere);
        }
        let Some(reference) = Reference::of(text) else {
            return Ok(Source::Value(self.0.clone()));
        };
        let fault = match reference.value(env) {
            Err(fault) => fault,
            Ok(value) if value.is_empty() => "is empty".to_owned(),
            Ok(value) => return Ok(Source::Value(Secret::new(value))),
        };
        Err(Wrong {
            why: format!("`{text}` {fault}"),
            help: String::new(),
        })
    }

    /// Whether it is written as a misspelled reference, such as `evn:…`.
    pub fn looks_like_a_reference(&self) -> bool {
        !self.is_reference() && Value::Text(self.0.expose().clone()).looks_like_a_reference()
    }

    fn is_reference(&self) -> bool {
        let text = self.0.expose();
        Source::of_reference(text).is_some() || Reference::of(text).is_some()
    }

    /// Why it cannot be followed whatever is there, if so.
    fn fault(&self) -> Option<&'static str> {
        let text = self.0.expose();
        match Source::of_reference(text) {
            Some(Source::Kept(name)) => {
                let fault =
                    "`secret:` wants the name of a secret: letters, digits, `_`, `-` and `.`";
                return (!is_secret_name(&name)).then_some(fault);
            }
            Some(Source::Vault { path, field }) => {
                let fault = "`vault:` wants a path and a field";
                return (path.is_empty() || field.is_empty()).then_some(fault);
            }
            Some(Source::Value(_)) | None => {}
        }
        match Reference::of(text) {
            Some(reference) => reference.fault(),
            None if text.starts_with("vault:") => Some("`vault:` wants a path and a field"),
            None if text.trim().is_empty() => Some("it is empty"),
            None if text == MASKED => Some("`***` stands for a value that is not shown"),
            None => None,
        }
    }
}

impl FromStr for SecretText {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<SecretText, Wrong> {
        let secret = SecretText(Secret::new(text.to_owned()));
        match secret.fault() {
            None => Ok(secret),
            Some(fault) => Err(Wrong {
                why: fault.to_owned(),
                help: "write a reference such as `secret:NAME`, `vault:PATH#FIELD`, `env:NAME`, \
                       `file:PATH` or `exec:COMMAND`, or the value itself"
                    .to_owned(),
            }),
        }
    }
}

impl fmt::Display for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_reference() {
            self.0.expose()
        } else {
            MASKED
        })
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretText({self})")
    }
}
