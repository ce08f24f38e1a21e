//! Calls: to make them, to look at them, to decide about them.

use std::sync::Arc;

use crosspoint_broker::ledger::State;
use crosspoint_broker::{Catalogue, Entry};
use serde_json::{Map, Value, json};

use super::super::document::reference;
use super::super::sample;
use super::parts::{content, header, ok, operation, query};

pub(super) const READ: &[u16] = &[400, 401, 403, 500, 501, 503];
const ONE: &[u16] = &[401, 403, 404, 500, 501, 503];
const REPLAYED: &[u16] = &[401, 403, 404, 409, 500, 501, 503];
const DECIDED: &[u16] = &[400, 401, 403, 404, 408, 409, 413, 415, 500, 501, 503];
const CALLED: &[u16] = &[
    400, 401, 403, 404, 408, 409, 413, 415, 429, 501, 502, 503, 504, 508,
];

pub(super) fn calls(catalogue: &Catalogue) -> Value {
    let mut post = operation(
        "Run a command",
        "call",
        ok(
            "It has ended: well, or with `error`.",
            &reference("Call"),
            CALLED,
        ),
    );
    post["responses"]["202"] = json!({
        "description": "It goes on. Its result can be asked for at the Location, or is delivered.",
        "headers": {"Location": {"schema": {"type": "string"}, "required": true}},
        "content": content(&reference("AcceptedCall")),
    });
    // What can be done with the call that was answered.
    let link =
        |operation| json!({"operationId": operation, "parameters": {"id": "$response.body#/id"}});
    for status in ["200", "202"] {
        post["responses"][status]["links"] = json!({
            "show": link("showCall"), "settle": link("settleCall"), "replay": link("replayCall"),
        });
    }
    post["requestBody"] = json!({
        "required": true,
        "content": {"application/json": {
            "schema": invocation(),
            "examples": examples(catalogue),
        }},
    });
    post["parameters"] = json!([header(
        "Idempotency-Key",
        "The same as `idempotency_key`.",
        &json!({"type": "string", "minLength": 1, "maxLength": 1000, "pattern": KEY}),
    )]);
    let mut get = operation(
        "List calls, the newest first",
        "listCalls",
        ok("A page of the list.", &reference("Calls"), READ),
    );
    let time = json!({"type": "string", "format": "date-time"});
    let mut parameters = filters();
    parameters.extend([
        query(
            "since",
            "Only calls that came in at this time or later.",
            &time,
        ),
        query("until", "Only calls that came in before this time.", &time),
        query(
            "limit",
            "How many at the most.",
            &json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
        ),
        query(
            "cursor",
            "The `next` of an earlier answer: goes on from there.",
            &json!({"type": "string", "minLength": 1}),
        ),
    ]);
    get["parameters"] = parameters.into();
    json!({"get": get, "post": post})
}

pub(super) fn events() -> Value {
    let mut get = operation(
        "Follow calls as they come in and change",
        "followCalls",
        ok("Server-sent events.", &json!({}), READ),
    );
    get["description"] =
        "Each event is called `call`; its id is that of the call, its data a `Row`. \
                          With `Last-Event-ID` it begins with what has come in and changed since; \
                          something may come twice."
            .into();
    get["responses"]["200"]["content"] =
        json!({"text/event-stream": {"schema": {"type": "string"}}});
    let mut parameters = filters();
    parameters.push(header(
        "Last-Event-ID",
        "The id of the last event that was seen.",
        &json!({"type": "string", "format": "uuid"}),
    ));
    get["parameters"] = parameters.into();
    json!({"get": get})
}

pub(super) fn one() -> Value {
    let mut get = operation(
        "Show a call, with its result where it was kept",
        "showCall",
        ok("The call.", &reference("RecordedCall"), ONE),
    );
    get["parameters"] = json!([id()]);
    json!({"get": get})
}

pub(super) fn settle() -> Value {
    let mut post = operation(
        "Say what became of a call that is unknown",
        "settleCall",
        ok(
            "The call as it is then.",
            &reference("RecordedCall"),
            DECIDED,
        ),
    );
    post["parameters"] = json!([id()]);
    post["requestBody"] = json!({"required": true, "content": content(&verdict())});
    json!({"post": post})
}

pub(super) fn replay() -> Value {
    let mut post = operation(
        "Deliver a result again that was not taken, or run a failed call again",
        "replayCall",
        ok(
            "The call as it is then.",
            &reference("RecordedCall"),
            REPLAYED,
        ),
    );
    post["parameters"] = json!([id()]);
    json!({"post": post})
}

/// Visible ASCII, not blank.
const KEY: &str = "^[ -~]*[!-~][ -~]*$";

/// A call of each command.
fn examples(catalogue: &Catalogue) -> Map<String, Value> {
    let example = |entry: &Arc<Entry>| {
        let id = entry.id.to_string();
        let value = json!({"command": id, "arguments": sample(entry)});
        (id, json!({"value": value}))
    };
    catalogue.entries().iter().map(example).collect()
}

fn invocation() -> Value {
    json!({
        "type": "object",
        "required": ["command"],
        "additionalProperties": false,
        "properties": {
            "command": {
                "type": "string", "pattern": "^[^/]+/[^/]+$",
                "description": "connector/Command.",
            },
            "arguments": {
                "type": ["object", "null"],
                "description": "The parameters of the command, as GET /api/v1/commands lists them.",
            },
            "profile": {
                "type": ["string", "null"], "minLength": 1,
                "description": "The profile of the connector to use, instead of its default one.",
            },
            "idempotency_key": {
                "type": ["string", "null"], "minLength": 1, "maxLength": 1000, "pattern": KEY,
                "description": "Under which the call has one effect, however often it is sent.",
            },
            "callback_url": {
                "type": ["string", "null"],
                "description": "Where the result is delivered, by PUT. Only of the origins of the \
                                setting api.callback_origins.",
            },
            "wait": {
                "type": ["boolean", "null"],
                "description": "Whether to answer when the call has ended. By default it is so, \
                                unless there is a callback_url.",
            },
        },
    })
}

fn verdict() -> Value {
    let one = |properties: Value, required: &str| {
        json!({
            "type": "object",
            "required": [required],
            "additionalProperties": false,
            "properties": properties,
        })
    };
    let succeeded = json!({
        "succeeded": {"const": true},
        "body": {"description": "The result it had; {} by default."},
    });
    let failed = json!({
        "failed": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
        "message": {"type": ["string", "null"]},
    });
    json!({"oneOf": [
        one(succeeded, "succeeded"),
        one(failed, "failed"),
        one(json!({"run_again": {"const": true}}), "run_again"),
    ]})
}

fn filters() -> Vec<Value> {
    let text = json!({"type": "string", "pattern": "^[^\\u0000]*$"});
    let states = json!({"enum": State::ALL.map(State::name)});
    vec![
        query("connector", "Only calls of this connector.", &text),
        query(
            "command",
            "Only calls of this command: its name, or connector/Command.",
            &text,
        ),
        query("state", "Only calls in this state.", &states),
        query("task", "Only calls of this task of an engine.", &text),
        query(
            "instance",
            "Only calls of this process instance of an engine.",
            &text,
        ),
        query(
            "request",
            "Only calls with this x-request-id, or with this id.",
            &text,
        ),
    ]
}

fn id() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": "The id of the call.",
        "schema": {"type": "string", "format": "uuid"},
    })
}
