//! `GET /api/v1/commands` and `GET /api/v1/connectors`: what can be called.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use crosspoint_broker::{ConnectorState, Entry, LimitsState, Offered};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::answer::{self, JSON};
use crate::request::Seen;
use crate::router::Shared;

/// All commands.
pub(crate) async fn commands(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
) -> Response {
    let text = shared
        .api_listing
        .text(&seen, shared.broker.catalogue(), command);
    answer::bytes(StatusCode::OK, JSON, text)
}

/// All connectors, and what should be there and is not.
pub(crate) async fn connectors(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
) -> Response {
    let states = shared.broker.connectors();
    let state = |name: &Option<Arc<str>>| {
        let name = name.as_ref()?;
        states.iter().find(|state| state.name == *name)
    };
    let offered = shared.broker.offered();
    let visible = |one: &&Offered| match &one.name {
        Some(name) => seen.sees(name),
        None => !seen.is_of_connectors(),
    };
    let offered = offered.iter().filter(visible);
    let list = offered.map(|one| connector(one, state(&one.name)));
    answer::json(StatusCode::OK, &list.collect())
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

/// `state`: of one that can be called.
fn connector(offered: &Offered, state: Option<&ConnectorState>) -> Value {
    let commands = offered.commands.iter();
    let commands: Vec<_> = commands.map(|entry| &*entry.id.command).collect();
    let own = state.iter().flat_map(|state| &state.own);
    let own: Map<String, Value> = own
        .map(|(command, own)| (command.clone(), limits(own)))
        .collect();
    json!({
        "name": offered.name,
        "description": offered.description,
        "commands": commands,
        "from": offered.from,
        "state": offered.presence.name(),
        "problems": offered.problems,
        "in_flight": state.map_or(0, |state| state.in_flight),
        "limits": state.map(|state| limits(&state.limits)),
        "limits_of_commands": own,
    })
}

/// Limits as they are in this process; null where there is none.
fn limits(limits: &LimitsState) -> Value {
    let concurrency = limits.concurrency.map(|places| {
        json!({
            "limit": places.limit.calls,
            "running": places.running,
            "queue": places.limit.queue,
            "waiting": places.waiting,
        })
    });
    let breaker = limits.breaker.map(|breaker| {
        json!({
            "state": breaker.phase.name(),
            "seconds_left": breaker.left.as_secs_f64(),
        })
    });
    json!({
        "rate": limits.rate.map(|rate| rate.to_string()),
        "concurrency": concurrency,
        "breaker": breaker,
    })
}
