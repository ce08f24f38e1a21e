//! What is kept beside calls: profiles, secrets, and what administrators did.

use serde_json::{Value, json};

use super::super::document::reference;
use super::calls::READ;
use super::parts::{content, ok, operation, query, with_schema};
use super::schemas::object;

/// What connectors and profiles are called.
const NAME: &str = "^[A-Za-z0-9_-]+$";

/// What secrets are called.
const SECRET: &str = "^[A-Za-z0-9_.-]{1,128}$";

const LISTED: &[u16] = &[401, 403];
const CHECKED: &[u16] = &[400, 401, 403, 404];
const SHOWN: &[u16] = &[401, 403, 404];
const KEPT: &[u16] = &[401, 403, 500, 501, 503];
const WRITTEN: &[u16] = &[400, 401, 403, 404, 408, 409, 413, 415, 500, 501, 503];
const REMOVED: &[u16] = &[401, 403, 404, 409, 500, 501, 503];
const FORCED: &[u16] = &[400, 401, 403, 404, 409, 500, 501, 503];

/// The paths.
pub(super) fn paths() -> [(&'static str, Value); 6] {
    let list = |schema| json!({"type": "array", "items": reference(schema)});
    let listed = |description, problems, schema| {
        with_schema(ok(description, &json!({}), problems), &list(schema))
    };
    let profiles = listed("The profiles.", LISTED, "Profile");
    let secrets = listed("The secrets, without their values.", KEPT, "SecretName");
    [
        (
            "/api/v1/profiles",
            json!({"get": operation("List the profiles", "listProfiles", profiles)}),
        ),
        ("/api/v1/profiles/{connector}/{name}", profile_paths()),
        ("/api/v1/profiles/{connector}/{name}/check", check()),
        (
            "/api/v1/secrets",
            json!({"get": operation("List the names of the secrets", "listSecrets", secrets)}),
        ),
        ("/api/v1/secrets/{name}", secret_paths()),
        ("/api/v1/audit", audit()),
    ]
}

fn profile_paths() -> Value {
    let parameters = json!([
        path("connector", "The connector's name.", NAME),
        path("name", "The profile's name.", NAME),
    ]);
    let answered = |description, problems| ok(description, &reference("Profile"), problems);
    let mut get = operation(
        "Show a profile",
        "showProfile",
        answered("The profile; of a secret only where it is.", SHOWN),
    );
    let mut put = operation(
        "Make or replace a profile",
        "replaceProfile",
        answered("The profile as it is then.", WRITTEN),
    );
    let mut patch = operation(
        "Change a profile: what is absent stays, what is null is taken out",
        "changeProfile",
        answered("The profile as it is then.", WRITTEN),
    );
    let mut delete = operation(
        "Remove a profile",
        "removeProfile",
        nothing("It is removed.", REMOVED),
    );
    for operation in [&mut get, &mut put, &mut patch, &mut delete] {
        operation["parameters"] = parameters.clone();
    }
    let body = json!({"required": true, "content": content(&change())});
    put["requestBody"] = body.clone();
    patch["requestBody"] = body;
    json!({"get": get, "put": put, "patch": patch, "delete": delete})
}

fn check() -> Value {
    let mut post = operation(
        "Try whether the system can be reached and takes a profile",
        "checkProfile",
        ok("How it went.", &reference("Check"), CHECKED),
    );
    post["parameters"] = json!([
        path("connector", "The connector's name.", NAME),
        path("name", "The profile's name.", NAME),
    ]);
    json!({"post": post})
}

fn secret_paths() -> Value {
    let mut put = operation(
        "Make or replace a secret, which never comes out again",
        "setSecret",
        nothing("It is kept.", WRITTEN),
    );
    put["requestBody"] = json!({"required": true, "content": content(&json!({
        "type": "object",
        "required": ["value"],
        "additionalProperties": false,
        "properties": {"value": {"type": "string", "minLength": 1, "writeOnly": true}},
    }))});
    let mut delete = operation(
        "Remove a secret that nobody names",
        "removeSecret",
        nothing("It is removed.", FORCED),
    );
    let name = path("name", "The secret's name.", SECRET);
    put["parameters"] = json!([name]);
    let force = query(
        "force",
        "Remove it although profiles, auths or settings name it.",
        &json!({"type": "boolean", "default": false}),
    );
    delete["parameters"] = json!([name, force]);
    json!({"put": put, "delete": delete})
}

/// The responses of an operation that answers 204.
fn nothing(description: &str, problems: &[u16]) -> Value {
    let mut responses = ok(description, &json!({}), problems);
    if let Some(responses) = responses.as_object_mut() {
        responses.shift_remove("200");
        responses.insert("204".to_owned(), json!({"description": description}));
    }
    responses
}

fn path(name: &str, description: &str, pattern: &str) -> Value {
    json!({
        "name": name, "in": "path", "required": true, "description": description,
        "schema": {"type": "string", "pattern": pattern},
    })
}

/// What is sent for a profile.
fn change() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "enabled": {"type": ["boolean", "null"], "description": "Whether calls may use it."},
            "default": {
                "type": ["boolean", "null"],
                "description": "Whether calls that name none use it.",
            },
            "settings": {"type": "object", "description": "What may be read, by field."},
            "secrets": {
                "type": "object",
                "description": "What may not, by field: where it is, or the value itself.",
                "additionalProperties": {"anyOf": [
                    {"type": "string", "pattern": "^(secret:[A-Za-z0-9_.-]+|vault:[^#]+#[^#]+)$"},
                    {
                        "type": "object",
                        "required": ["value"],
                        "additionalProperties": false,
                        "properties": {"value": {"type": "string", "writeOnly": true}},
                    },
                    {"type": "null"},
                ]},
            },
            "auth": {
                "type": ["string", "null"],
                "description": "The auth whose token it gets.",
            },
            "check_seconds": {
                "type": ["integer", "null"], "minimum": 1, "maximum": 31_622_400,
                "description": "How often it is checked.",
            },
        },
    })
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

/// The shapes of the answers.
pub(super) fn schemas() -> [(&'static str, Value); 5] {
    [
        ("Profile", profile()),
        (
            "Check",
            object(&[json!({
                "at": {"type": ["string", "null"], "format": "date-time"},
                "milliseconds": {"type": "integer"},
                "error": {
                    "type": ["object", "null"],
                    "required": ["code", "message"],
                    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                    "description": "Why it does not work. Null: it does.",
                },
            })]),
        ),
        (
            "SecretName",
            object(&[json!({
                "name": {"type": "string"},
                "changed": {"type": ["string", "null"], "format": "date-time"},
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
    ]
}

fn profile() -> Value {
    let truth = json!({"type": "boolean"});
    object(&[json!({
        "connector": {"type": "string"},
        "name": {"type": "string"},
        "from": {"enum": ["file", "store"], "description": "Where it was written."},
        "enabled": truth,
        "default": truth,
        "settings": {"type": "object", "additionalProperties": true},
        "secrets": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Where each is; `***`: here.",
        },
        "auth": {"type": ["string", "null"]},
        "check_seconds": {"type": ["integer", "null"]},
        "used_by_default": {
            "type": "boolean",
            "description": "Whether calls that name none use it.",
        },
        "problem": {"type": ["string", "null"], "description": "Why it cannot be used."},
        "last_check": {"anyOf": [reference("Check"), {"type": "null"}]},
    })])
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
