//! The API for any program that is no engine. Every answer is judged by `/openapi.json`.

mod calls;
mod command_line;
mod decide;
mod delivered;
mod events;
mod fuzz;
mod later;
mod ledger;
mod listing;
mod mistakes;
mod policies;

use serde_json::Value;

/// A call through the API without an answer: it is polled.
fn not_waiting(command: &str, arguments: &Value) -> Value {
    serde_json::json!({"command": command, "arguments": arguments, "wait": false})
}
