//! `/activiti/connectors`: the definitions of all connectors, for modellers.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use crosspoint_broker::{Catalogue, Entry};
use crosspoint_core::shorten;
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::definition::{Definition, connector_name, export};
use crate::answer::{self, JSON};
use crate::request::Seen;
use crate::router::Shared;

/// What a name keeps in a path.
const SAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// A definition that is served under a name of its own: that of an instance, mostly.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The definition, under that name.
    pub definition: Definition,
    /// The connector that runs its actions.
    pub connector: String,
}

/// All connectors: how they are called in Activiti, and where their definitions are.
pub(crate) async fn list(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
) -> Response {
    let catalogue = shared.broker.catalogue();
    let published = shared.definitions.iter();
    let published = published.filter(|one| seen.sees(&one.connector));
    let taken = |name: &str| find(&shared.definitions, name).is_some();
    let groups = groups(&catalogue).filter(|group| seen.sees(&group[0].id.connector));
    let groups = groups.filter(|group| !taken(&connector_name(&group[0].id.connector)));
    let list: Value = groups
        .map(summary)
        .chain(published.map(Published::summary))
        .collect();
    answer::json(StatusCode::OK, &list)
}

/// The definition of one connector, by its name here or in Activiti. Those that are served under names of
/// their own go first, as for service tasks.
pub(crate) async fn one(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    Path(file): Path<String>,
) -> Response {
    let catalogue = shared.broker.catalogue();
    let name = file.strip_suffix(".json").unwrap_or_default();
    let published = find(&shared.definitions, name);
    let definition = match published {
        Some(one) => seen.sees(&one.connector).then(|| one.shown()),
        None => {
            let commands = commands_of(&catalogue, name);
            let visible = commands.filter(|commands| seen.sees(&commands[0].id.connector));
            visible.and_then(export)
        }
    };
    match definition {
        Some(definition) => answer::bytes(StatusCode::OK, JSON, definition.text()),
        None => {
            let file = shorten(&file);
            let message = format!(
                "there is no connector definition {file}; GET /activiti/connectors lists them"
            );
            answer::error(StatusCode::NOT_FOUND, "not_found", &message)
        }
    }
}

fn find<'p>(published: &'p [Published], name: &str) -> Option<&'p Published> {
    published.iter().find(|one| one.definition.name == name)
}

/// The commands of the connector of that name. Its name here goes before its name in Activiti.
pub fn commands_of<'c>(catalogue: &'c Catalogue, name: &str) -> Option<&'c [Arc<Entry>]> {
    let own = groups(catalogue).find(|group| *group[0].id.connector == *name);
    own.or_else(|| groups(catalogue).find(|group| connector_name(&group[0].id.connector) == name))
}

fn groups(catalogue: &Catalogue) -> impl Iterator<Item = &[Arc<Entry>]> {
    let entries = catalogue.entries();
    entries.chunk_by(|a, b| a.id.connector == b.id.connector)
}

fn summary(commands: &[Arc<Entry>]) -> Value {
    let connector = &*commands[0].id.connector;
    let name = connector_name(connector);
    json!({
        "name": name,
        "connector": connector,
        "description": commands[0].connector.manifest().description,
        "actions": commands.iter().map(|entry| &*entry.id.command).collect::<Vec<_>>(),
        "definition": path_of(&name),
    })
}

/// Where a definition is. Names of Activiti's own examples have spaces.
fn path_of(name: &str) -> String {
    let name = utf8_percent_encode(name, SAFE);
    format!("/activiti/connectors/{name}.json")
}

// === impl Published ===

impl Published {
    /// As anybody may see it: secret configuration parameters have no value.
    fn shown(&self) -> Definition {
        let mut definition = self.definition.clone();
        for parameter in definition.config.iter_mut().filter(|one| one.secure) {
            parameter.value = None;
        }
        definition
    }

    fn summary(&self) -> Value {
        let definition = &self.definition;
        let actions = definition.actions.values().map(|action| &*action.name);
        json!({
            "name": definition.name,
            "connector": self.connector,
            "description": definition.description.as_deref().unwrap_or_default(),
            "actions": actions.collect::<Vec<_>>(),
            "definition": path_of(&definition.name),
        })
    }
}
