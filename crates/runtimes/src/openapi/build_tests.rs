use std::path::PathBuf;

use serde_json::json;

use super::*;

/// A document with something of everything.
fn document() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Things."},
        "servers": [{"url": "https://{region}.h/{base}", "variables": {
            "region": {"default": "eu", "enum": ["eu", "us"]}, "base": {"default": "v1"}}}],
        "security": [{"key": []}, {"login": [], "flow": ["read"]}],
        "paths": {
            "/things/{id}": {
                "parameters": [{"$ref": "#/components/parameters/id"}],
                "get": {"operationId": "read", "tags": ["a"], "parameters": [
                    {"name": "q", "in": "query", "style": "deepObject", "schema": {"type": "object"}}],
                    "x-crosspoint-result": {"match": {"a": "(?<b>.)"}, "within": "c", "with": {"d": 1}},
                    "responses": {"200": {"content": {"application/json": {}}}}},
                "post": {"requestBody": {"required": true, "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Thing"}}}}},
                "put": {"requestBody": {"content": {"multipart/form-data": {
                    "schema": {"type": "object", "required": ["f"], "properties": {
                        "f": {"type": "string", "format": "binary"}}},
                    "encoding": {"f": {"contentType": "image/png"}}}}}},
            },
        },
        "components": {
            "parameters": {"id": {"name": "id", "in": "path", "required": true,
                "schema": {"type": "integer", "minimum": 1}}},
            "schemas": {"Thing": {"allOf": [{"type": "object", "required": ["a"], "properties": {
                "a": {"type": "string", "enum": ["x", "y"]},
                "next": {"$ref": "#/components/schemas/Thing"},
                "flat": {"type": "array", "x-crosspoint-flatten": true, "items": {
                    "required": ["b"], "properties": {"b": {"const": 1}, "c": {"type": "string"}}}},
                "list": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}}]}},
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
                "login": {"type": "http", "scheme": "basic"},
                "flow": {"type": "oauth2", "flows": {"authorizationCode": {
                    "authorizationUrl": "https://h/a", "tokenUrl": "https://h/t", "scopes": {"read": ""}}}},
            },
        },
    })
}

fn built(root: &Value) -> Result<Built, String> {
    let document = Document::read(root.to_string().as_bytes())?;
    let at = settings::At::File(PathBuf::from("/d.json"));
    build(&document, "api", &Settings::default(), &at)
}

/// Every place in a value, as a JSON pointer.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, one) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(one, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(list) => {
            for (index, one) in list.iter().enumerate() {
                places(one, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn a_document_becomes_a_connector() {
    let built = built(&document()).unwrap();
    assert_eq!(built.notes, [""; 0]);
    let manifest = &built.manifest;
    let names: Vec<_> = manifest.commands.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["read", "put_things_id", "post_things_id"]);
    let fields: Vec<_> = manifest
        .fields
        .declared
        .iter()
        .map(|f| f.name.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "region",
            "base",
            "key",
            "basic_auth_username",
            "basic_auth_password",
            "access_token",
            "client_id",
            "client_secret",
            "id"
        ]
    );
    let flow = &built.flows["flow"].0;
    assert_eq!(
        (&flow["scope"], &flow["access_token_url"]),
        (&json!("read"), &json!("https://h/t"))
    );
}

#[test]
fn an_operation_with_a_wrong_shape_of_results_goes_on_without_it() {
    let mut document = document();
    document["paths"]["/things/{id}"]["get"]["x-crosspoint-result"]["match"]["a"] = "(".into();
    let built = built(&document).unwrap();
    let note = "`x-crosspoint-result` is ignored: `match` has no valid expression: unclosed group \
                (GET /things/{id})";
    assert_eq!(built.notes, [note]);
    assert!(built.operations["read"].shape.is_none());
}

#[test]
fn no_document_breaks_the_reader_whatever_stands_in_any_of_its_places() {
    let document = document();
    let mut all = Vec::new();
    places(&document, "", &mut all);
    let circle = json!({"$ref": "#/components/schemas/Thing"});
    let whole = json!({"$ref": "#"});
    for odd in [
        json!(null),
        json!(true),
        json!(-7),
        json!("{"),
        json!([]),
        json!([[null]]),
        json!({}),
        json!({"a": {"b": 1}}),
        circle,
        whole,
    ] {
        for place in &all {
            let mut changed = document.clone();
            *changed.pointer_mut(place).unwrap() = odd.clone();
            // Whether it is one is another matter: it must be said.
            if let Ok(built) = built(&changed) {
                let commands = &built.manifest.commands;
                assert!(commands.len() == built.operations.len(), "{place} {odd}");
            }
        }
    }
}

#[test]
fn documents_that_refer_to_much_from_everywhere_stay_small() {
    let property = |n: usize| {
        (
            format!("p{n}"),
            json!({"$ref": format!("#/components/schemas/S{}", n % 20)}),
        )
    };
    let properties: Map<String, Value> = (0..200).map(property).collect();
    let schema = |n: usize| {
        (
            format!("S{n}"),
            json!({"type": "object", "properties": properties}),
        )
    };
    let schemas: Map<String, Value> = (0..20).map(schema).collect();
    let body = json!({"requestBody": {"content": {"application/json": {
        "schema": {"$ref": "#/components/schemas/S0"}}}}});
    let mut paths: Map<String, Value> = (0..1000)
        .map(|n| (format!("/p{n}"), json!({"post": body})))
        .collect();
    // Nobody looks at what comes when the commands are full: nothing else is wrong with it.
    paths.insert("/z/{gone}".to_owned(), json!({"post": {}}));
    let document = json!({"openapi": "3.1.0", "servers": [{"url": "http://h"}], "paths": paths,
        "components": {"schemas": schemas}});
    let built = built(&document).unwrap();
    let commands = &built.manifest.commands;
    assert_eq!(commands.len(), 500);
    assert!(
        built.notes[0].contains("all together have more than 100,000 parameters (501 in all"),
        "{:?}",
        built.notes
    );
    assert_eq!(built.notes.len(), 1, "{:?}", built.notes);
    let written: usize = commands
        .iter()
        .flat_map(|command| &command.parameters)
        .map(|parameter| parameter.schema.as_bytes().len())
        .sum();
    assert!(written < 40_000_000, "{written}");
}

/// How many of 200 operations are commands that all share a path, in a document with these components, and
/// what is said.
fn sharing(path: Value, components: Value) -> (usize, String) {
    let shared = json!({"$ref": "#/components/pathItems/shared"});
    let paths: Map<String, Value> = (0..200)
        .map(|n| (format!("/p{n}"), shared.clone()))
        .collect();
    let mut document = json!({"openapi": "3.1.0", "servers": [{"url": "http://h"}],
        "paths": paths, "components": components});
    document["components"]["pathItems"] = json!({ "shared": path });
    let built = built(&document).unwrap();
    (built.manifest.commands.len(), built.notes.join("; "))
}

#[test]
fn what_is_large_is_not_taken_into_thousands_of_commands() {
    let large = "x".repeat(1_000_000);
    let many: Vec<String> = (0..400).map(|n| format!("{n:->2500}")).collect();
    let parameter = |schema: Value| json!({"get": {"parameters": [{"name": "q", "in": "query", "required": true, "schema": schema}]}});
    let body = |mimetype: &str, schema: Value| json!({"post": {"requestBody": {"required": true, "content": {mimetype: {"schema": schema}}}}});
    let within = json!({"properties": {"a": {"properties": {"b": {"default": large}}}}});
    for (what, path) in [
        ("default", parameter(json!({"default": large}))),
        ("const", parameter(json!({"const": [large]}))),
        ("enum", parameter(json!({ "enum": many }))),
        ("title", parameter(json!({ "title": large }))),
        (
            "name",
            json!({"get": {"parameters": [{"name": large, "in": "query"}]}}),
        ),
        ("deep", body("application/json", within)),
        (
            "property",
            body("application/json", json!({"properties": {&large: {}}})),
        ),
        (
            "required",
            body(
                "application/json",
                json!({"required": ["a"], "properties": {
            "a": {"const": large}}}),
            ),
        ),
        ("media type", body(&large, json!({}))),
        (
            "answer",
            json!({"get": {"responses": {"200": {"content": {&large: {}}}}}}),
        ),
        (
            "result",
            json!({"get": {"x-crosspoint-result": {"with": {"a": large}}}}),
        ),
        (
            "server",
            json!({"servers": [{"url": "http://h/{a}", "variables": {
            "a": {"default": "b", "description": large}}}], "get": {}}),
        ),
        ("scheme", json!({"get": {"security": [{&large: []}]}})),
    ] {
        let scheme = json!({"type": "apiKey", "in": "query", "name": "k"});
        let (commands, notes) = sharing(path, json!({"securitySchemes": {&large: scheme}}));
        assert!((1..=67).contains(&commands), "{what}: {commands} {notes}");
        let why = "left out: all together take more than 64 MiB of text and values";
        assert!(notes.contains(why), "{what}: {notes}");
    }
    let (commands, notes) = sharing(parameter(json!({"default": "x".repeat(10_000)})), json!({}));
    assert_eq!((commands, &*notes), (200, ""));
}

#[test]
fn operations_that_are_left_out_are_not_looked_at_for_ever() {
    let parameter = |n: usize| json!({"name": format!("q{n}"), "in": "query"});
    let parameters: Vec<Value> = (0..301).map(parameter).collect();
    let shared = json!({"$ref": "#/components/pathItems/shared"});
    let paths: Map<String, Value> = (0..1000)
        .map(|n| (format!("/p{n}"), shared.clone()))
        .collect();
    let document = json!({"openapi": "3.1.0", "servers": [{"url": "http://h"}], "paths": paths,
        "components": {"pathItems": {"shared": {"get": {"parameters": parameters}}}}});
    let built = built(&document).unwrap();
    let notes = built.notes.join("; ");
    assert!(built.manifest.commands.is_empty());
    assert!(
        notes.contains("more than 300,000 parameters would have to be looked at (4 in all"),
        "{notes}"
    );
    assert!(
        notes.contains("it has more than 300 parameters (996 in all"),
        "{notes}"
    );
}

#[test]
fn an_operation_has_only_so_many_ways_to_be_secured() {
    let mut document = document();
    document["security"] = vec![json!({"key": []}); 1000].into();
    let built = built(&document).unwrap();
    assert_eq!(built.operations["read"].security.len(), 50);
}

#[test]
fn why_the_server_of_an_operation_cannot_be_used_is_said() {
    let mut document = document();
    document["paths"]["/things/{id}"]["get"]["servers"] = json!([{"url": "/v2"}]);
    let built = built(&document).unwrap();
    let note = "operations whose own server cannot be used are left out: the document has a relative \
                server (/v2): say where the system is by `server` (GET /things/{id})";
    assert_eq!(built.notes, [note]);
}
