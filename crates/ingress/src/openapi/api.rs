//! `/api/v1` in the OpenAPI document.

use std::sync::Arc;

use crosspoint_broker::ledger::State;
use crosspoint_broker::{Catalogue, Entry};
use serde_json::{Map, Value, json};

use super::document::reference;
use super::sample;

/// What goes wrong, by status.
const PROBLEMS: [(u16, &str); 14] = [
    (400, "The request has mistakes; `errors` has each of them."),
    (401, "A key is needed."),
    (
        403,
        "The key is not good for this; or, without a key, this Host is not served.",
    ),
    (404, "There is no such thing."),
    (408, "The body did not arrive in time."),
    (
        409,
        "The call is in a state that does not allow this; or its key belongs to another call, or to one that is unknown.",
    ),
    (413, "The body is too large."),
    (415, "The body does not say that it is JSON."),
    (429, "A limit says no; try again later."),
    (500, "The ledger refuses."),
    (501, "The ledger is switched off."),
    (502, "The connector broke down."),
    (503, "Not now; try again later."),
    (
        504,
        "The deadline passed. `effect` says whether it may have happened.",
    ),
];

const LISTED: &[u16] = &[401, 403];
const READ: &[u16] = &[400, 401, 403, 500, 501, 503];
const ONE: &[u16] = &[401, 403, 404, 500, 501, 503];
const REPLAYED: &[u16] = &[401, 403, 404, 409, 500, 501, 503];
const DECIDED: &[u16] = &[400, 401, 403, 404, 408, 409, 413, 415, 500, 501, 503];
const CALLED: &[u16] = &[
    400, 401, 403, 404, 408, 409, 413, 415, 429, 501, 502, 503, 504,
];

/// The paths.
pub(super) fn paths(catalogue: &Catalogue) -> [(&'static str, Value); 8] {
    let list = |schema| json!({"type": "array", "items": reference(schema)});
    let listed = |description| ok(description, &json!({}), LISTED);
    let commands = with_schema(listed("The commands."), &list("Command"));
    let connectors = with_schema(listed("The connectors."), &list("Connector"));
    [
        (
            "/api/v1/commands",
            json!({"get": operation("List the commands", "listCommands", commands)}),
        ),
        (
            "/api/v1/connectors",
            json!({"get": operation("List the connectors", "listConnectors", connectors)}),
        ),
        ("/api/v1/calls", calls(catalogue)),
        ("/api/v1/calls/events", events()),
        ("/api/v1/calls/{id}", one()),
        ("/api/v1/calls/{id}/settle", settle()),
        ("/api/v1/calls/{id}/replay", replay()),
        ("/api/v1/audit", audit()),
    ]
}

fn calls(catalogue: &Catalogue) -> Value {
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

fn events() -> Value {
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

fn one() -> Value {
    let mut get = operation(
        "Show a call, with its result where it was kept",
        "showCall",
        ok("The call.", &reference("RecordedCall"), ONE),
    );
    get["parameters"] = json!([id()]);
    json!({"get": get})
}

fn settle() -> Value {
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

fn replay() -> Value {
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

fn audit() -> Value {
    let mut get = operation(
        "List what administrators did, the newest first",
        "listActs",
        ok("The acts.", &reference("Acts"), READ),
    );
    get["parameters"] = json!([
        query(
            "limit",
            "How many.",
            &json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
        ),
        query(
            "cursor",
            "The `next` of the page before.",
            &json!({"type": "string", "pattern": "^[0-9]+$"}),
        ),
    ]);
    json!({"get": get})
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

fn query(name: &str, description: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "description": description, "schema": schema})
}

fn header(name: &str, description: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "header", "description": description, "schema": schema})
}

fn id() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": "The id of the call.",
        "schema": {"type": "string", "format": "uuid"},
    })
}

fn operation(summary: &str, id: &str, responses: Value) -> Value {
    json!({"operationId": id, "summary": summary, "tags": ["api"], "responses": responses})
}

/// The responses of an operation that answers 200 with a schema.
fn ok(description: &str, schema: &Value, problems: &[u16]) -> Value {
    let mut responses = Map::new();
    let answer = json!({"description": description, "content": content(schema)});
    responses.insert("200".to_owned(), answer);
    for (status, description) in PROBLEMS.iter().filter(|(s, _)| problems.contains(s)) {
        let content = json!({"application/problem+json": {"schema": reference("Problem")}});
        let mut answer = json!({"description": description, "content": content});
        if matches!(status, 429 | 503 | 504) {
            answer["headers"] = json!({"Retry-After": {"schema": {"type": "integer"}}});
        }
        responses.insert(status.to_string(), answer);
    }
    Value::Object(responses)
}

fn with_schema(mut responses: Value, schema: &Value) -> Value {
    responses["200"]["content"] = content(schema);
    responses
}

fn content(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

/// The shapes of the answers.
pub(super) fn schemas() -> [(&'static str, Value); 10] {
    [
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
        ("Act", act()),
        (
            "Acts",
            object(&[json!({
                "acts": {"type": "array", "items": reference("Act")},
                "next": {
                    "type": ["string", "null"],
                    "description": "The `cursor` of the next page. Null: there is none.",
                },
            })]),
        ),
        ("Problem", problem()),
    ]
}

/// An object that has all of these members.
fn object(members: &[Value]) -> Value {
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

fn act() -> Value {
    let text = json!({"type": "string"});
    object(&[json!({
        "id": text,
        "at": {"type": ["string", "null"], "format": "date-time"},
        "actor": {"type": "string", "description": "The name of the key, or of the user."},
        "ingress": {"enum": ["api", "cli"]},
        "act": {"type": "string", "description": "What was done, as `key.create`."},
        "subject": {"type": "string", "description": "To what."},
        "detail": {"type": ["string", "null"]},
    })])
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
            "effect": {
                "enum": ["none", "maybe", "done"],
                "description": "Whether the outside may have changed.",
            },
        },
    })
}
