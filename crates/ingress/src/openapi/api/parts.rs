//! What operations are made of.

use serde_json::{Map, Value, json};

use super::super::document::reference;

/// What goes wrong, by status.
const PROBLEMS: [(u16, &str); 15] = [
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
        "The call is in a state that does not allow this; or its key belongs to another call, or to one that is unknown; or what is to be removed is in use.",
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
    (
        508,
        "The call came back: mounts of proxies lead in a circle.",
    ),
];

pub(super) fn query(name: &str, description: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "description": description, "schema": schema})
}

pub(super) fn header(name: &str, description: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "header", "description": description, "schema": schema})
}

pub(super) fn operation(summary: &str, id: &str, responses: Value) -> Value {
    json!({"operationId": id, "summary": summary, "tags": ["api"], "responses": responses})
}

/// The responses of an operation that answers 200 with a schema.
pub(super) fn ok(description: &str, schema: &Value, problems: &[u16]) -> Value {
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

pub(super) fn with_schema(mut responses: Value, schema: &Value) -> Value {
    responses["200"]["content"] = content(schema);
    responses
}

pub(super) fn content(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}
