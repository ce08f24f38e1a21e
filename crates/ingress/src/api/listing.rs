//! `GET /api/v1/commands` and `GET /api/v1/connectors`: what can be called.

use axum::extract::State;
use axum::response::Response;
use crosspoint_broker::{Entry, Offered};
use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{self, JSON};
use crate::router::Shared;

/// All commands.
pub(crate) async fn commands(State(shared): State<Shared>) -> Response {
    let text = shared.api_listing.text(shared.broker.catalogue(), command);
    answer::bytes(StatusCode::OK, JSON, text)
}

/// All connectors, and what should be there and is not.
pub(crate) async fn connectors(State(shared): State<Shared>) -> Response {
    let list: Value = shared.broker.offered().iter().map(connector).collect();
    answer::json(StatusCode::OK, &list)
}

fn command(entry: &Entry) -> Value {
    json!({
        "id": entry.id.to_string(),
        "connector": entry.id.connector,
        "command": entry.id.command,
        "description": entry.command.description,
        "parameters": entry.command.input_schema(),
        "safety": entry.command.safety.name(),
        "open": entry.command.open,
    })
}

fn connector(offered: &Offered) -> Value {
    let commands = offered.commands.iter();
    let commands: Vec<_> = commands.map(|entry| &*entry.id.command).collect();
    json!({
        "name": offered.name,
        "description": offered.description,
        "commands": commands,
        "from": offered.from,
        "state": offered.presence.name(),
        "problems": offered.problems,
    })
}
