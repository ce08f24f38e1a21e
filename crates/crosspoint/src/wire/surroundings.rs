//! The environment variables that Python workers find.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crosspoint_runtimes::python::environment::COMMON;

use crate::config::Loaded;
use crate::config::types::ApiKey;

/// The variable with the key that the replaced proxy takes.
const API_KEY: &str = "CONNECTOR_PROXY_API_KEY";

/// Variables by name.
pub type Variables = BTreeMap<OsString, OsString>;

/// The variables that every worker gets.
pub fn base() -> Variables {
    let wanted = |name: &OsStr| {
        let name = name.to_string_lossy();
        COMMON.contains(&&*name) || name.starts_with("LC_") || name == "FONTCONFIG_PATH"
    };
    std::env::vars_os()
        .filter(|(name, _)| wanted(name))
        .collect()
}

/// Ours, as the packages of an environment that somebody else keeps expect them: all but our own
/// settings, the keys of this proxy, and those by which it exports spans.
pub fn inherited(loaded: &Loaded) -> Variables {
    let keys: Vec<String> = loaded.config.access.api_keys.iter().map(variable).collect();
    let ours = |name: &OsStr| {
        let name = name.to_string_lossy();
        let collector = name.starts_with("OTEL_EXPORTER_") && name.ends_with("HEADERS");
        let key = name == API_KEY || keys.iter().any(|key| *key == name);
        name.starts_with("CROSSPOINT_") || key || collector
    };
    std::env::vars_os()
        .filter(|(name, _)| !ours(name))
        .collect()
}

/// The variable that a key is in; empty for a key that is elsewhere.
fn variable(key: &ApiKey) -> String {
    let text = key.key().to_string();
    let name = text.strip_prefix("env:").unwrap_or_default();
    name.trim().to_owned()
}

/// As a shell does that activates the environment of this interpreter: its programs come first.
pub fn activate(variables: &mut Variables, python: &Path) {
    let Some(programs) = python.parent() else {
        return;
    };
    let path = variables
        .get(OsStr::new("PATH"))
        .cloned()
        .unwrap_or_default();
    let all = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&path));
    if let Ok(path) = std::env::join_paths(all) {
        variables.insert("PATH".into(), path);
    }
    if let Some(folder) = programs.parent() {
        variables.insert("VIRTUAL_ENV".into(), folder.into());
    }
}
