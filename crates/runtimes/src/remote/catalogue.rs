//! What a proxy says it has: `/v1/commands`.

use std::collections::HashSet;
use std::fmt::Write as _;

use crosspoint_core::{Fields, Manifest, Safety, nearest};
use indexmap::IndexMap;
use serde_json::Value;

use super::entry::Entry;
use super::proxy::Proxy;
use crate::notes::Notes;

/// So many commands are read of a proxy.
const MOST: usize = 10_000;

/// What a proxy has.
pub(super) struct Listed {
    pub connectors: Vec<Offered>,
    /// What is odd about it, a clause each.
    pub notes: Vec<String>,
}

/// A connector of a proxy.
pub(super) struct Offered {
    pub manifest: Manifest,
    /// The proxies behind it, by the ids of their processes.
    pub via: Vec<String>,
}

/// Reads a catalogue. `from` is the id of the process that answered, if it has one. Fails with a
/// clause about the proxy.
pub(super) fn read(body: &[u8], from: Option<&str>, proxy: &Proxy) -> Result<Listed, String> {
    let catalogue: Value =
        serde_json::from_slice(body).map_err(|_| format!("answers {}", instead(body)))?;
    let mut notes = Notes::default();
    let entries = entries(&catalogue, &mut notes)?;
    let (mut seen, mut found) = (HashSet::new(), IndexMap::<String, Offered>::new());
    let mut all = Vec::new();
    for entry in entries.iter().take(MOST) {
        let Some(entry) = Entry::read(entry, &mut notes) else {
            continue;
        };
        let id = format!("{}/{}", entry.connector, entry.command.name);
        if !seen.insert(id.clone()) {
            notes.add("commands that are listed twice count once", &id);
            continue;
        }
        if !all.contains(&entry.connector) {
            all.push(entry.connector.clone());
        }
        let only = &proxy.settings.only;
        if !only.is_empty() && !only.contains(&entry.connector) {
            continue;
        }
        if entry.via.iter().any(|via| **via == *proxy.instance) {
            notes.add(
                "connectors that come from here are left out",
                &entry.connector,
            );
            continue;
        }
        add(&mut found, entry, &id, from, proxy);
    }
    if entries.len() > MOST {
        notes.add("of more than 10,000 commands the first 10,000 count", "");
    }
    let mut notes = notes.clauses();
    notes.extend(missing(&proxy.settings.only, &all));
    Ok(Listed {
        connectors: found.into_values().collect(),
        notes,
    })
}

fn add(
    found: &mut IndexMap<String, Offered>,
    mut entry: Entry,
    id: &str,
    from: Option<&str>,
    proxy: &Proxy,
) {
    if entry.command.safety == Safety::Effectful && proxy.settings.idempotent.covers(id) {
        entry.command.safety = Safety::Idempotent;
    }
    let name = entry.connector.clone();
    let offered = found.entry(name.clone()).or_insert_with(|| Offered {
        manifest: Manifest {
            description: format!("{name} of the proxy {proxy}."),
            name,
            commands: Vec::new(),
            auths: Vec::new(),
            // Values of a profile stand in for parameters of their names.
            fields: Fields {
                open: true,
                ..Fields::default()
            },
        },
        via: from.map(str::to_owned).into_iter().collect(),
    });
    offered.via.extend(entry.via);
    offered.via.dedup();
    offered.manifest.commands.push(entry.command.into());
}

/// The entries, also where they come as an object: under `commands`, or by their ids.
fn entries(catalogue: &Value, notes: &mut Notes) -> Result<Vec<Value>, String> {
    match catalogue {
        Value::Array(list) => Ok(list.clone()),
        Value::Object(map) => {
            if let Some(Value::Array(list)) = map.get("commands") {
                notes.add("the catalogue is an object in place of a list", "");
                return Ok(list.clone());
            }
            let by_id = !map.is_empty()
                && map
                    .iter()
                    .all(|(id, entry)| id.contains('/') && entry.is_object());
            if !by_id {
                return Err("answers an object that is no list of commands".to_owned());
            }
            notes.add("the catalogue is an object in place of a list", "");
            let entry = |(id, entry): (&String, &Value)| {
                let mut entry = entry.clone();
                entry["id"] = id.as_str().into();
                entry
            };
            Ok(map.iter().map(entry).collect())
        }
        _ => Err("answers JSON that is no list of commands".to_owned()),
    }
}

/// What stands where JSON is expected.
fn instead(body: &[u8]) -> &'static str {
    match body.trim_ascii_start().first() {
        Some(b'<') => "with a web page in place of a list of commands: is a connector proxy there?",
        None => "with nothing in place of a list of commands",
        Some(_) => "with something that is no JSON in place of a list of commands",
    }
}

/// The connectors that are to be mounted and are not there.
fn missing(only: &[String], all: &[String]) -> Vec<String> {
    let missing = only.iter().filter(|name| !all.contains(name));
    let clause = |name: &String| {
        let mut clause = format!("has no connector '{name}'");
        let near = nearest(name, all.iter().map(String::as_str));
        let list = match near.is_empty() {
            false => near.join(", "),
            true => all.join(", "),
        };
        if !list.is_empty() {
            let _ = write!(clause, "; it has {list}");
        }
        clause
    };
    missing.map(clause).collect()
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
