//! References to secrets: `env:NAME`, `file:PATH`, `exec:COMMAND ARGUMENTS`, `secret:NAME`,
//! `vault:PATH#FIELD`; and those of Django Automate, `env://NAME` and `secretref://BACKEND/…`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crosspoint_broker::profiles::{Source, is_secret_name};
use crosspoint_core::{MASKED, Secret};

use super::environment::Environment;
use super::format::as_text;
use super::problem::Wrong;
use super::secretref::{self, SecretRef};

/// How long the command of an `exec:` reference may take.
const EXEC_LIMIT: Duration = Duration::from_secs(10);

/// More than any key needs; keeps a wrong path or command from filling the memory.
const LONGEST: u64 = 64 * 1024;

/// A key as it was written: the key itself, or a reference to it. Shown as `***` unless it is a
/// reference.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(Secret<String>);

as_text!(KeyText, "key", "string", "writeOnly": true);

/// Where a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// In an environment variable.
    Env(&'a str),
    /// In a file.
    File(&'a str),
    /// In the first line that a command prints.
    Exec(&'a str),
    /// Among the secrets that Crosspoint keeps itself.
    Kept(&'a str),
    /// In HashiCorp Vault: the path within the mount, and the field.
    Vault(&'a str, &'a str),
    /// As Django Automate writes them: `secretref://BACKEND/NAMESPACE/NAME`.
    SecretRef(SecretRef<'a>),
}

// === impl Reference ===

impl<'a> Reference<'a> {
    /// The reference that a text is, if it is one.
    pub fn of(text: &'a str) -> Option<Reference<'a>> {
        let after = |scheme| text.strip_prefix(scheme).map(str::trim);
        after("env://")
            .or_else(|| after("env:"))
            .map(Reference::Env)
            .or_else(|| {
                after(secretref::SCHEME)
                    .map(SecretRef::of)
                    .map(Reference::SecretRef)
            })
            .or_else(|| after("file:").map(Reference::File))
            .or_else(|| after("exec:").map(Reference::Exec))
            .or_else(|| after("secret:").map(Reference::Kept))
            .or_else(|| {
                let rest = after("vault:")?;
                let (path, field) = rest.rsplit_once('#')?;
                Some(Reference::Vault(path.trim(), field.trim()))
            })
    }

    /// Why it cannot be followed whatever is there, if so.
    pub fn fault(self) -> Option<&'static str> {
        match self {
            Reference::Env("") => Some("`env:` names no variable"),
            Reference::File("") => Some("`file:` names no file"),
            Reference::Exec("") => Some("`exec:` names no command"),
            Reference::Kept(name) if !is_secret_name(name) => {
                Some("`secret:` names no secret: it takes letters, digits, `_`, `.` and `-`")
            }
            Reference::SecretRef(reference) => reference.fault(),
            Reference::Vault("", _) | Reference::Vault(_, "") => {
                Some("`vault:` does not lead to a field: write `vault:PATH#FIELD`")
            }
            _ => None,
        }
    }

    /// What it leads to. Fails with a clause that says why there is nothing.
    pub fn value(self, env: &Environment) -> Result<String, String> {
        match self {
            Reference::Env(name) => from_environment(name, env),
            Reference::File(path) => from_file(path),
            Reference::Exec(line) => from_command(line, EXEC_LIMIT),
            Reference::SecretRef(SecretRef::Env(path)) => {
                from_environment(&secretref::variable(path), env)
            }
            Reference::SecretRef(_) | Reference::Kept(_) | Reference::Vault(..) => {
                let reference = self.source().and_then(|source| source.reference());
                match env.followed(&reference.unwrap_or_default()) {
                    Some(Ok(value)) => Ok(value.expose().clone()),
                    Some(Err(why)) => Err(why.clone()),
                    None => Err("cannot be followed here".to_owned()),
                }
            }
        }
    }

    /// Where it leads out of the configuration, if it does.
    pub fn source(self) -> Option<Source> {
        match self {
            _ if self.fault().is_some() => None,
            Reference::Kept(name) => Some(Source::Kept(name.to_owned())),
            Reference::Vault(path, field) => Some(Source::Vault {
                path: path.to_owned(),
                field: field.to_owned(),
            }),
            Reference::SecretRef(SecretRef::Vault(path)) => {
                let (path, field) = path.rsplit_once('/')?;
                Some(Source::Vault {
                    path: path.to_owned(),
                    field: field.to_owned(),
                })
            }
            _ => None,
        }
    }
}

// === impl KeyText ===

impl KeyText {
    /// The reference to an environment variable.
    pub fn variable(name: &str) -> KeyText {
        KeyText(Secret::new(format!("env:{name}")))
    }

    /// The text itself: the key or a reference to it.
    pub(super) fn written(&self) -> &str {
        self.0.expose()
    }

    /// Whether it is a reference that leads out of the configuration.
    pub(super) fn leads_out(&self) -> bool {
        matches!(
            self.reference(),
            Some(
                Reference::Kept(_)
                    | Reference::Vault(..)
                    | Reference::SecretRef(SecretRef::Vault(_))
            )
        )
    }

    fn reference(&self) -> Option<Reference<'_>> {
        Reference::of(self.0.expose())
    }

    /// Whether it is written as a reference that is not known, such as `valut:…` or `evn:…`.
    pub fn looks_like_a_reference(&self) -> bool {
        let Some((scheme, rest)) = self.0.expose().split_once(':') else {
            return false;
        };
        let word =
            (2..=8).contains(&scheme.len()) && scheme.bytes().all(|b| b.is_ascii_alphabetic());
        self.reference().is_none() && word && !rest.is_empty()
    }

    /// The key itself. Fails when a reference leads nowhere or to an empty value, and when the key
    /// is one that no caller can send; the error names the reference, never a value.
    pub fn resolve(&self, env: &Environment) -> Result<Secret<String>, Wrong> {
        let value = match self.reference() {
            None => Ok(self.0.expose().clone()),
            Some(reference) => reference.value(env),
        };
        let shown = if self.reference().is_some() {
            format!("`{self}`")
        } else {
            "it".to_owned()
        };
        match value {
            Err(fault) => Err(Wrong {
                why: format!("{shown} {fault}"),
                help: String::new(),
            }),
            Ok(value) if value.is_empty() => Err(Wrong {
                why: format!("{shown} is empty"),
                help: "give it a value, or take the key out".to_owned(),
            }),
            Ok(value) if value.contains(char::is_control) => Err(Wrong {
                why: format!("{shown} holds a line break or another control character"),
                help: "no HTTP header can carry it; write the key on one line".to_owned(),
            }),
            Ok(value) => Ok(Secret::new(value)),
        }
    }
}

impl FromStr for KeyText {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<KeyText, Wrong> {
        let key = KeyText(Secret::new(text.to_owned()));
        let fault = match key.reference() {
            Some(reference) => reference.fault(),
            None if text.trim().is_empty() => Some("it is empty"),
            None if text == MASKED => Some("`***` stands for a key that is not shown"),
            None => None,
        };
        let Some(fault) = fault else { return Ok(key) };
        Err(Wrong {
            why: fault.to_owned(),
            help:
                "write the key, or a reference such as `env:NAME`, `file:PATH`, `exec:COMMAND` or \
                   `secret:NAME`"
                    .to_owned(),
        })
    }
}

impl fmt::Display for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.reference().is_some() {
            self.0.expose()
        } else {
            MASKED
        })
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({self})")
    }
}

fn from_environment(name: &str, env: &Environment) -> Result<String, String> {
    match env.get(name) {
        Some(Some(value)) => Ok(value.to_owned()),
        Some(None) => Err("is not valid Unicode".to_owned()),
        None => Err("is not set".to_owned()),
    }
}

fn from_file(path: &str) -> Result<String, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_string(&mut text))
        .map_err(|e| format!("cannot be read: {}", reason(&e)))?;
    Ok(text.trim_end().to_owned())
}

/// The first line that a command prints. The limit covers its whole run.
fn from_command(line: &str, limit: Duration) -> Result<String, String> {
    let end = Instant::now() + limit;
    let mut words = line.split_whitespace();
    let mut child = Command::new(words.next().unwrap_or_default())
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What a command says on its way may hold the secret.
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("cannot be run: {}", reason(&e)))?;
    let Some(output) = child.stdout.take() else {
        return Err("has no output".to_owned());
    };
    let (sender, receiver) = mpsc::channel();
    // A thread of its own, since a read cannot be given up; it ends with the command.
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.take(LONGEST).read_to_string(&mut text).map(|_| text);
        sender.send(read)
    });
    let left = end.saturating_duration_since(Instant::now());
    let text = receiver.recv_timeout(left);
    let status = loop {
        match child.try_wait() {
            Ok(None) if text.is_ok() && Instant::now() < end => {
                thread::sleep(Duration::from_millis(5));
            }
            Ok(None) => {
                // It may have ended in between, then there is nothing to kill.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("took longer than {} s", limit.as_secs()));
            }
            Ok(Some(status)) => break status,
            Err(e) => return Err(format!("cannot be waited for: {}", reason(&e))),
        }
    };
    if !status.success() {
        return Err(format!(
            "failed ({status}); run the command by hand to see why"
        ));
    }
    match text {
        Ok(Ok(text)) => Ok(text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_end()
            .to_owned()),
        Ok(Err(e)) => Err(format!("printed what cannot be read: {}", reason(&e))),
        Err(_) => Err("leaves its output open to another program".to_owned()),
    }
}

/// An error of the system in words without its number.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission is denied".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
#[path = "reference_tests.rs"]
mod tests;
