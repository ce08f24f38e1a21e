//! The protocol's own schemas as judges of every answer.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

use super::json;

/// Nobody's words but SpiffArena's: a copy of its published document.
static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| json(include_str!("../../data/spiff-openapi.json")));

static ENVELOPE: LazyLock<Validator> = LazyLock::new(|| at("schemas/ConnectorProxyResponseV2"));
static CATALOG: LazyLock<Validator> = LazyLock::new(|| at("schemas/CommandCatalog"));
static ERROR: LazyLock<Validator> = LazyLock::new(|| at("schemas/ConnectorProxyProtocolError"));
static UNAUTHORIZED: LazyLock<Validator> =
    LazyLock::new(|| at("responses/Unauthorized/content/application~1json/schema"));

/// The schema at a place of the document; references in it go on working.
fn at(place: &str) -> Validator {
    let mut schema = DOCUMENT.clone();
    schema["$ref"] = format!("#/components/{place}").into();
    jsonschema::validator_for(&schema).unwrap()
}

/// Fails when an answer of this path with this status has not the shape it must have. Paths
/// beyond the protocol answer what they like, but their errors look alike.
pub fn check(path: &str, status: u16, text: &str) {
    let path = path.split('?').next().unwrap_or_default();
    let validator = match (status, path) {
        (401 | 403, _) => &*UNAUTHORIZED,
        (200 | 202, path) if path.starts_with("/v1/do/") => &*ENVELOPE,
        (200, "/v1/commands" | "/v1/auths") => &*CATALOG,
        (400.., path) if path != "/readyz" => &*ERROR,
        _ => return,
    };
    let value = json(text);
    let faults: Vec<_> = validator
        .iter_errors(&value)
        .map(|fault| fault.to_string())
        .collect();
    assert!(faults.is_empty(), "{path} {status}: {faults:?} in {text}");
}

#[test]
fn the_judges_find_faults() {
    let good = r#"{"command_response": {"body": 1, "mimetype": "a/b", "http_status": 200},
                   "command_response_version": 2, "error": null, "spiff__logs": []}"#;
    check("/v1/do/a/b", 200, good);
    let bad = [
        ("/v1/do/a/b", 200, good.replace("200", "99")),
        ("/v1/do/a/b", 200, good.replace("null", "{}")),
        ("/v1/do/a/b", 404, good.to_owned()),
        (
            "/v1/commands",
            200,
            r#"[{"id": "no slash", "parameters": []}]"#.to_owned(),
        ),
        ("/v1/commands", 401, r#"{"error": 1}"#.to_owned()),
    ];
    for (path, status, text) in bad {
        let judged = std::panic::catch_unwind(|| check(path, status, &text));
        assert!(judged.is_err(), "{path} {status} {text}");
    }
}
