use std::path::PathBuf;

use crosspoint_core::{CommandId, Ingress, Mask, Origin};
use serde_json::json;
use tokio::time::Instant;

use super::super::document::Document;
use super::super::settings::{At, Settings};
use super::*;

/// The request of a call whose operation has these parameters.
fn request(parameters: Value, arguments: Value) -> Request {
    let root = json!({"openapi": "3.1.0", "servers": [{"url": "http://h"}],
        "paths": {"/x": {"get": {"operationId": "act", "parameters": parameters}}}});
    let document = Document::read(root.to_string().as_bytes()).unwrap();
    let at = At::File(PathBuf::from("/d.json"));
    let built = super::super::build::build(&document, "api", &Settings::default(), &at).unwrap();
    assert_eq!(built.notes, [""; 0]);
    let arguments = Arguments::parse(arguments.to_string().into()).unwrap();
    let id = CommandId::new("api", "act");
    let call = Call::new(id, arguments, Origin::of(Ingress::Spiff));
    let cx = Context::new(call.id, Instant::now(), Mask::default());
    build(&built.operations["act"], &call, &cx).unwrap().0
}

#[test]
fn headers_with_secrets_and_cookies_are_those_of_the_origin_alone() {
    let header =
        |name: &str, schema: Value| json!({"name": name, "in": "header", "schema": schema});
    let mut named = header("X-Account", json!({"type": "string"}));
    named["x-crosspoint-name"] = "password".into();
    let parameters = json!([
        header("X-Plain", json!({"type": "string"})),
        header("X-Pin", json!({"type": "string", "format": "password"})),
        header("X-Number", json!({"type": "integer", "writeOnly": true})),
        header("X-Token", json!({"type": ["string", "null"]})),
        named,
        {"name": "seen", "in": "cookie", "schema": {}},
    ]);
    let arguments = json!({"X-Plain": "p", "X-Pin": "s", "X-Number": 5, "X-Token": "s",
        "password": "s", "seen": "c"});
    let request = request(parameters, arguments);
    let names: Vec<_> = request.headers.keys().map(|name| name.as_str()).collect();
    // The others go where these go, and nowhere else.
    assert_eq!(names, ["x-plain"]);
    assert_eq!(request.own.unwrap().origin(), "http://h");
}
