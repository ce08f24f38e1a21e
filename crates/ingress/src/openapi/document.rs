//! The OpenAPI 3.1 document. Version 3.1 takes JSON Schema 2020-12 as it is, so the schemas of
//! the commands go in unchanged.

use crosspoint_broker::{Catalogue, Entry};
use serde_json::{Map, Value, json};

use super::api;
use crate::access::KEY_HEADER;
use crate::spiff::title;

/// Writes the document.
pub(super) fn write(catalogue: &Catalogue, keyed: bool) -> Value {
    let mut paths = Map::new();
    let list = |summary: &str| {
        let content = content(&reference("CommandCatalog"));
        json!({"get": {"summary": summary, "tags": ["discovery"],
            "responses": {"200": {"description": "The list.", "content": content}}}})
    };
    paths.insert("/v1/commands".into(), list("List the commands"));
    paths.insert("/v1/auths".into(), list("List the auths"));
    for (path, item) in api::paths(catalogue) {
        paths.insert(path.into(), item);
    }
    for entry in catalogue.entries() {
        paths.insert(format!("/v1/do/{}", entry.id), command(entry));
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Crosspoint",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every command that this connector proxy serves: over SpiffArena's \
                            connector proxy protocol (/v1), and for any other program (/api/v1).",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas()},
    });
    if keyed {
        document["components"]["securitySchemes"] = json!({
            "key": {"type": "apiKey", "in": "header", "name": KEY_HEADER.as_str()},
            "bearer": {"type": "http", "scheme": "bearer"},
        });
        document["security"] = json!([{"key": []}, {"bearer": []}]);
    }
    document
}

fn command(entry: &Entry) -> Value {
    let command = &entry.command;
    let failed = |description: &str| {
        let content = content(&reference("ProtocolError"));
        json!({"description": description, "content": content})
    };
    let body = json!({"required": true, "content": content(&command.input_schema())});
    json!({"post": {
        "operationId": format!("{}_{}", entry.id.connector, entry.id.command),
        "summary": title(&command.name),
        "description": command.description,
        "tags": [&*entry.id.connector],
        "x-crosspoint-safety": command.safety.name(),
        "requestBody": body,
        "responses": {
            "200": {
                "description": "The command ran. A structured error in the envelope is its own \
                                failure. Commands of version 1 answer with the bare result.",
                "content": content(&reference("Envelope")),
            },
            "400": failed("The parameters are wrong; the message names every mistake."),
            "404": failed("There is no such command."),
            "429": failed("More calls than the policy allows; Retry-After says when to come back."),
            "500": failed("The connector broke down."),
            "503": failed("Not now; Retry-After says when, where it is known."),
            "504": failed("The deadline passed."),
            "508": failed("The call came back: mounts of proxies lead in a circle."),
        },
    }})
}

fn content(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The shapes of the protocol (`spiff-openapi.json`), in our words.
fn schemas() -> Value {
    let text = json!({"type": "string"});
    let mut schemas = json!({
        "CommandCatalog": {"type": "array", "items": {
            "type": "object",
            "required": ["id", "parameters"],
            "properties": {
                "id": {"type": "string", "pattern": "^[^/]+/[^/]+$"},
                "parameters": {"type": "array", "items": {
                    "type": "object",
                    "required": ["id", "type", "required"],
                    "properties": {
                        "id": text,
                        "type": {"enum": ["str", "int", "bool", "any"]},
                        "required": {"type": "boolean"},
                    },
                }},
            },
        }},
        "Error": {
            "type": "object",
            "required": ["error_code", "message"],
            "properties": {"error_code": text, "message": text},
        },
        "ProtocolError": {
            "type": "object",
            "required": ["command_response", "error"],
            "properties": {"command_response": {"type": "object"}, "error": reference("Error")},
        },
        "Envelope": {
            "type": "object",
            "required": ["command_response", "command_response_version", "error", "spiff__logs"],
            "properties": {
                "command_response": {
                    "type": "object",
                    "required": ["body", "mimetype"],
                    "properties": {
                        "body": true,
                        "mimetype": text,
                        "http_status": {"type": "integer", "minimum": 100, "maximum": 599},
                        "headers": {"type": "object"},
                    },
                },
                "command_response_version": {"const": 2},
                "error": {"oneOf": [reference("Error"), {"type": "null"}]},
                "spiff__logs": {"type": "array", "items": text},
            },
        },
    });
    for (name, schema) in api::schemas() {
        schemas[name] = schema;
    }
    schemas
}
