//! The shapes of the answers.

use crosspoint_broker::ledger::State;
use serde_json::{Map, Value, json};

use super::super::document::reference;
use super::kept;

/// The shapes of the answers.
pub(in crate::openapi) fn schemas() -> Vec<(&'static str, Value)> {
    let mut schemas = vec![
        ("Command", command()),
        ("Connector", connector()),
        ("Call", object(&[called(), brought()])),
        ("AcceptedCall", object(&[called()])),
        ("Row", object(&[called(), recorded()])),
        (
            "RecordedCall",
            object(&[
                called(),
                recorded(),
                brought(),
                json!({"result_error": {
                    "type": ["string", "null"],
                    "description": "Why the result that was kept cannot be read.",
                }}),
            ]),
        ),
        (
            "Calls",
            object(&[json!({
                "calls": {"type": "array", "items": reference("Row")},
                "next": {
                    "type": ["string", "null"],
                    "description": "The `cursor` of the next page. Null: there is none.",
                },
            })]),
        ),
        ("Problem", problem()),
    ];
    schemas.extend(kept::schemas());
    schemas
}

/// An object that has all of these members.
pub(super) fn object(members: &[Value]) -> Value {
    let properties: Map<String, Value> = members
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Map::clone)
        .collect();
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn command() -> Value {
    object(&[json!({
        "id": {"type": "string", "description": "connector/Command: what a call names."},
        "connector": {"type": "string"},
        "command": {"type": "string"},
        "description": {"type": "string"},
        "parameters": {"type": "object", "description": "JSON Schema (2020-12) of the arguments."},
        "safety": {"enum": ["read-only", "idempotent", "effectful"]},
        "open": {"type": "boolean", "description": "Whether it takes parameters that are not listed."},
    })])
}

fn connector() -> Value {
    object(&[json!({
        "name": {
            "type": ["string", "null"],
            "description": "Null: it is known only once it has loaded.",
        },
        "description": {"type": "string"},
        "commands": {"type": "array", "items": {"type": "string"}},
        "from": {"type": "string", "description": "Where it comes from."},
        "state": {"enum": ["ready", "loading", "broken"]},
        "problems": {"type": "array", "items": {"type": "string"}},
        "in_flight": {"type": "integer", "description": "Calls not answered yet."},
        "limits": nullable(limits(), "What its commands share, in this process."),
        "limits_of_commands": {
            "type": "object",
            "description": "Of commands that have limits of their own.",
            "additionalProperties": limits(),
        },
    })])
}

fn limits() -> Value {
    let concurrency = object(&[json!({
        "limit": {"type": "integer"},
        "running": {"type": "integer"},
        "queue": {"type": "integer"},
        "waiting": {"type": "integer"},
    })]);
    let breaker = object(&[json!({
        "state": {"enum": ["closed", "probation", "open"]},
        "seconds_left": {"type": "number"},
    })]);
    object(&[json!({
        "rate": {"type": ["string", "null"]},
        "concurrency": nullable(concurrency, "How many run and wait."),
        "breaker": nullable(breaker, "Whether the system is left alone, and for how long."),
    })])
}

fn nullable(schema: Value, description: &str) -> Value {
    json!({"description": description, "anyOf": [schema, {"type": "null"}]})
}

/// What every answer about a call has.
fn called() -> Value {
    json!({
        "id": {"type": "string", "format": "uuid"},
        "connector": {"type": "string"},
        "command": {"type": "string"},
        "state": {"enum": State::ALL.map(State::name)},
    })
}

fn brought() -> Value {
    let outcome = object(&[json!({
        "body": {"description": "The result itself."},
        "encoding": {
            "enum": ["json", "text", "base64"],
            "description": "How the result is written: JSON as it is, text as a string, anything else \
                            as a string in base64.",
        },
        "mimetype": {"type": "string"},
        "status": {"type": "integer", "minimum": 100, "maximum": 599},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "logs": {"type": "array", "items": {"type": "string"}},
    })]);
    let error = object(&[json!({
        "kind": {
            "enum": ["invalid", "refused", "reported", "transport", "raised", "crashed", "unknown", null],
            "description": "Null: not kept.",
        },
        "code": {"type": "string"},
        "message": {"type": ["string", "null"]},
        "effect": {
            "enum": ["none", "maybe", "done", null],
            "description": "Whether the outside may have changed.",
        },
    })]);
    json!({
        "outcome": {"oneOf": [outcome, {"type": "null"}]},
        "error": {"oneOf": [error, {"type": "null"}]},
    })
}

/// What the ledger knows of a call besides.
fn recorded() -> Value {
    let text = json!({"type": ["string", "null"]});
    let time = json!({"type": ["string", "null"], "format": "date-time"});
    let count = json!({"type": ["integer", "null"], "minimum": 0});
    json!({
        "ingress": {"type": "string"},
        "caller": text,
        "instance": text,
        "model": text,
        "task": text,
        "request_id": {"type": "string"},
        "key": text,
        "key_scope": text,
        "attempts": {"type": "integer", "minimum": 0},
        "created": time,
        "started": time,
        "ended": time,
        "milliseconds": count,
        "status": {"type": ["integer", "null"], "minimum": 100, "maximum": 599},
        "mimetype": text,
        "code": text,
        "message": text,
        "effect": {"enum": ["none", "maybe", "done", null]},
        "arguments": {
            "type": ["object", "null"],
            "description": "A readable summary, without secrets.",
        },
        "argument_bytes": {"type": "integer", "minimum": 0},
        "result": {
            "type": ["object", "null"],
            "description": "A readable summary, without secrets.",
        },
        "result_bytes": count,
        "callback": text,
        "profile": {"type": ["string", "null"], "description": "As `connector/name`."},
        "uses": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "Where its secrets and tokens come from.",
        },
        "deliveries": {"type": "integer", "minimum": 0},
        "next_delivery": time,
        "delivery_error": text,
        "replayable": {"type": "boolean"},
        "result_kept": {"type": "boolean"},
    })
}

/// RFC 9457, with members of our own.
fn problem() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": text,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "For people."},
            "code": {"type": "string", "description": "For programs."},
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": text,
                    "pointer": {"type": "string", "description": "Into the body (RFC 6901)."},
                    "parameter": {"type": "string", "description": "Of the query."},
                    "header": text,
                },
            }},
            "call": {"type": "string", "format": "uuid", "description": "The call that it is about."},
            "body": {"description": "What the connector tells of its failure beside code and message."},
            "effect": {
                "enum": ["none", "maybe", "done"],
                "description": "Whether the outside may have changed.",
            },
        },
    })
}
