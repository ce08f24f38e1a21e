//! `/api/v1` in the OpenAPI document: the paths here and in `calls.rs` and `kept.rs`, the shapes of
//! answers in `schemas.rs`.

mod calls;
mod kept;
mod parts;
mod schemas;

use crosspoint_broker::Catalogue;
use serde_json::{Value, json};

use super::document::reference;
use parts::{ok, operation, with_schema};

pub(super) use schemas::schemas;

const LISTED: &[u16] = &[401, 403];

/// The paths.
pub(super) fn paths(catalogue: &Catalogue) -> Vec<(&'static str, Value)> {
    let list = |schema| json!({"type": "array", "items": reference(schema)});
    let listed = |description| ok(description, &json!({}), LISTED);
    let commands = with_schema(listed("The commands."), &list("Command"));
    let connectors = with_schema(listed("The connectors."), &list("Connector"));
    let mut paths = vec![
        (
            "/api/v1/commands",
            json!({"get": operation("List the commands", "listCommands", commands)}),
        ),
        (
            "/api/v1/connectors",
            json!({"get": operation("List the connectors", "listConnectors", connectors)}),
        ),
        ("/api/v1/calls", calls::calls(catalogue)),
        ("/api/v1/calls/events", calls::events()),
        ("/api/v1/calls/{id}", calls::one()),
        ("/api/v1/calls/{id}/settle", calls::settle()),
        ("/api/v1/calls/{id}/replay", calls::replay()),
    ];
    paths.extend(kept::paths());
    paths
}
