//! `/activiti/connectors`: the definitions of all connectors, for modellers.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use crosspoint_broker::{Catalogue, Entry};
use crosspoint_core::shorten;
use http::StatusCode;
use serde_json::{Value, json};

use super::definition::{connector_name, export};
use crate::answer::{self, JSON};
use crate::request::Seen;
use crate::router::Shared;

/// All connectors: how they are called in Activiti, and where their definitions are.
pub(crate) async fn list(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
) -> Response {
    let catalogue = shared.broker.catalogue();
    let groups = groups(&catalogue).filter(|group| seen.sees(&group[0].id.connector));
    let list: Value = groups.map(summary).collect();
    answer::json(StatusCode::OK, &list)
}

/// The definition of one connector, by its name here or in Activiti.
pub(crate) async fn one(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    Path(file): Path<String>,
) -> Response {
    let catalogue = shared.broker.catalogue();
    let name = file.strip_suffix(".json").unwrap_or_default();
    let commands = commands_of(&catalogue, name);
    let visible = commands.filter(|commands| seen.sees(&commands[0].id.connector));
    match visible.and_then(export) {
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
        "definition": format!("/activiti/connectors/{name}.json"),
    })
}
