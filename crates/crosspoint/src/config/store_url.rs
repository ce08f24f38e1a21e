//! What names a store: a SQLite file, a PostgreSQL database, or none.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use crosspoint_core::{MASKED, Secret, is_sensitive_name};
use url::{Url, form_urlencoded};

use super::environment::Environment;
use super::format::{as_text, format_named};
use super::problem::Wrong;
use super::reference::Reference;
use super::values::SHORTEST_SECRET;

/// What names a store as it was written: a URL, `none`, or a reference to one of them. Shown
/// without the password that may be in it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(Secret<String>);

/// Where the ledger is, references resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreTarget {
    /// Nowhere: there is none.
    None,
    /// At a URL: `sqlite:<file>`, `postgres://…` or `postgresql://…`.
    At(Secret<String>),
}

as_text!(StoreUrl, "store-url", "string", "writeOnly": true);

// === impl StoreUrl ===

impl StoreUrl {
    /// Where it leads. Fails when a reference leads nowhere, or to something else than a store; the
    /// error names the reference, never a value.
    pub fn resolve(&self, env: &Environment) -> Result<StoreTarget, Wrong> {
        let Some(reference) = Reference::of(self.0.expose()) else {
            return Ok(StoreTarget::named(self.0.expose()));
        };
        let wrong = |fault: &str, help| Wrong {
            why: format!("`{self}` {fault}"),
            help,
        };
        let value = reference
            .value(env)
            .map_err(|fault| wrong(&fault, String::new()))?;
        let value = value.trim();
        match fault(value) {
            Some((fault, help)) => Err(wrong(fault, help)),
            None => Ok(StoreTarget::named(value)),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<StoreUrl, Wrong> {
        let text = text.trim();
        let (why, help) = match Reference::of(text) {
            None => match fault(text) {
                // It is not quoted, since anything may be in it.
                Some((fault, help)) => (format!("it {fault}"), help),
                None => return Ok(StoreUrl(Secret::new(text.to_owned()))),
            },
            Some(Reference::Kept(_) | Reference::Vault(..)) => (
                "where the store is must be known before what is kept in it".to_owned(),
                "write the URL, or a reference such as `env:NAME`".to_owned(),
            ),
            Some(reference) => match reference.fault() {
                Some(fault) => (fault.to_owned(), expected()),
                None => return Ok(StoreUrl(Secret::new(text.to_owned()))),
            },
        };
        Err(Wrong { why, help })
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.expose();
        let mut shown = 0;
        for secret in passwords(text) {
            f.write_str(&text[shown..secret.start])?;
            f.write_str(MASKED)?;
            shown = secret.end;
        }
        f.write_str(&text[shown..])
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

// === impl StoreTarget ===

impl StoreTarget {
    /// The SQLite file in the data folder.
    pub fn within(data_dir: &Path) -> StoreTarget {
        let path = data_dir.join("crosspoint.db").display().to_string();
        // What has a meaning in a URL.
        let path = path.replace('%', "%25").replace('?', "%3F");
        StoreTarget::At(Secret::new(format!("sqlite:{path}")))
    }

    /// What must not be shown of it: passwords, as they are spelled in the URL and as they are.
    pub fn secrets(&self) -> Vec<Secret<String>> {
        let StoreTarget::At(url) = self else {
            return Vec::new();
        };
        let mut secrets = Vec::new();
        for password in passwords(url.expose()) {
            let spelled = &url.expose()[password];
            secrets.push(spelled.to_owned());
            secrets.push(decoded(spelled));
        }
        secrets.retain(|secret| secret.chars().count() >= SHORTEST_SECRET);
        secrets.dedup();
        secrets.into_iter().map(Secret::new).collect()
    }

    fn named(text: &str) -> StoreTarget {
        match text {
            "none" => StoreTarget::None,
            url => StoreTarget::At(Secret::new(url.to_owned())),
        }
    }
}

/// Why a text names no store, and what to do, if so.
fn fault(text: &str) -> Option<(&'static str, String)> {
    let fault = match text.strip_prefix("sqlite:") {
        _ if text.is_empty() => "is empty",
        _ if text == "none" => return None,
        _ if text.contains(char::is_control) => "is not on one line",
        Some("" | "//") => "names no file after `sqlite:`",
        Some(":memory:" | "//:memory:") => "names no file, and what is in memory is not durable",
        Some(file) if file.contains('?') => {
            let help = "take them out; a `?` in the name of the file is written `%3F`";
            return Some((
                "has parameters, which a file does not take",
                help.to_owned(),
            ));
        }
        Some(_) => return None,
        None => return fault_of_server(text),
    };
    Some((fault, expected()))
}

fn fault_of_server(text: &str) -> Option<(&'static str, String)> {
    let Some(rest) = ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
    else {
        return Some(("is not the URL of a store", expected()));
    };
    if passwords(text)
        .into_iter()
        .any(|range| &text[range] == MASKED)
    {
        let help = "write the password, or a reference to the whole URL such as `env:NAME`";
        return Some((
            "has `***` for a password that is not shown",
            help.to_owned(),
        ));
    }
    // Else a part of a password could pass for a host, a database or a parameter.
    let after = rest.find(['/', '?', '#']).map_or("", |end| &rest[end..]);
    if after.contains(['@', '#']) || Url::parse(text).is_err() {
        let help = "write `postgres://user:password@host/database`; in a user or password, `%2F` \
                    stands for `/`, `%3F` for `?`, `%23` for `#` and `%40` for `@`";
        return Some(("is not the URL of a database", help.to_owned()));
    }
    None
}

fn expected() -> String {
    format_named("store-url").map_or_else(String::new, |format| format!("expected {}", format.kind))
}

/// Where passwords stand in a URL: before the `@` of the host, and in parameters by such a name.
fn passwords(text: &str) -> Vec<Range<usize>> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Vec::new();
    };
    let start = scheme.len() + "://".len();
    let mut found = Vec::new();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some((credentials, _)) = host.rsplit_once('@')
        && let Some((user, password)) = credentials.split_once(':')
    {
        let at = start + user.len() + ":".len();
        found.push(at..at + password.len());
    }
    let query = rest.find('?').map_or(text.len(), |at| start + at + 1);
    let mut at = query;
    for parameter in text[query..].split('&') {
        let end = at + parameter.len();
        if let Some((name, value)) = parameter.split_once('=')
            && is_sensitive_name(name)
        {
            found.push(end - value.len()..end);
        }
        at = end + "&".len();
    }
    found.retain(|range| !range.is_empty());
    found
}

/// A part of a URL without its percent-encoding.
fn decoded(part: &str) -> String {
    let mut plain = part.to_owned();
    // These stand for themselves here, unlike in what the decoder is made for.
    for (sign, code) in [("+", "%2B"), ("&", "%26"), ("=", "%3D")] {
        plain = plain.replace(sign, code);
    }
    let parts = form_urlencoded::parse(plain.as_bytes());
    parts.map(|(name, _)| name.into_owned()).collect()
}

#[cfg(test)]
#[path = "store_url_tests.rs"]
mod tests;
