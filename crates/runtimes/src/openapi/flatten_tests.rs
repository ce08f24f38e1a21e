use std::path::PathBuf;

use crosspoint_core::Manifest;
use serde_json::{Map, json};

use super::super::body::Body;
use super::super::build::{Built, build};
use super::super::document::Document;
use super::super::settings::{At, Settings};
use super::*;

/// A connector with one operation that takes a body, and the parameter `q`.
fn with_body(body: Value, schemas: Value) -> Built {
    let root = json!({"openapi": "3.1.0", "servers": [{"url": "http://h"}],
        "paths": {"/x": {"post": {"operationId": "act", "requestBody": body,
            "parameters": [{"name": "q", "in": "query", "schema": {}}]}}},
        "components": {"schemas": schemas}});
    let document = Document::read(root.to_string().as_bytes()).unwrap();
    let at = At::File(PathBuf::from("/d.json"));
    build(&document, "api", &Settings::default(), &at).unwrap()
}

fn body(schema: Value, required: bool) -> Value {
    json!({"required": required, "content": {"application/json": {"schema": schema}}})
}

/// The same for a body that is required, without oddities.
fn sound(schema: Value) -> Built {
    let built = with_body(body(schema, true), json!({}));
    assert_eq!(built.notes, [""; 0]);
    built
}

/// The parameters but for `q`, those that are required with a `!`.
fn parameters(manifest: &Manifest) -> Vec<String> {
    let parameters = manifest.commands[0].parameters.iter();
    let shown = |name: &str, required: bool| format!("{name}{}", if required { "!" } else { "" });
    parameters
        .map(|parameter| shown(&parameter.name, parameter.required))
        .filter(|name| name != "q")
        .collect()
}

/// What is sent with these arguments. Nothing: there is no body.
fn sent(built: &Built, arguments: Value) -> Option<String> {
    let arguments = Arguments::parse(arguments.to_string().into()).unwrap();
    let body: &Body = &built.operations["act"].body;
    let (bytes, mimetype) = body.write(&arguments, "-").unwrap()?;
    assert_eq!(mimetype, "application/json");
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn the_properties_of_an_object_stand_in_its_place() {
    let schemas = json!({
        "Person": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "x-crosspoint-name": "who"},
            "made": {"type": "string", "readOnly": true},
            "home": {"allOf": [{"$ref": "#/components/schemas/Home"}]}}},
        "Home": {"type": "object", "x-crosspoint-flatten": true, "properties": {
            "city": {"type": "string"}, "plain": {"type": "object", "properties": {"a": {}}}}},
    });
    let schema = json!({"type": "object", "required": ["person"], "properties": {
        "first": {"type": "integer"},
        "person": {"$ref": "#/components/schemas/Person", "x-crosspoint-flatten": true}}});
    let built = with_body(body(schema, true), schemas);
    assert_eq!(built.notes, [""; 0]);
    assert_eq!(
        parameters(&built.manifest),
        ["who!", "first", "city", "plain"]
    );
    let arguments = json!({"who": "Ada", "first": 1, "city": "Bern", "plain": {"a": 2}});
    assert_eq!(
        sent(&built, arguments).unwrap(),
        r#"{"first":1,"person":{"name":"Ada","home":{"city":"Bern","plain":{"a":2}}}}"#
    );
}

#[test]
fn a_list_of_objects_becomes_a_list_with_one() {
    let built = sound(json!({"required": ["lines"], "properties": {
        "lines": {"type": "array", "x-crosspoint-flatten": true, "items": {
            "required": ["text"], "properties": {"text": {"type": "string"},
                "tags": {"type": ["array", "null"], "x-crosspoint-flatten": true,
                    "items": {"properties": {"tag": {"type": "string"}}}}}}}}}));
    assert_eq!(parameters(&built.manifest), ["text!", "tag"]);
    assert_eq!(
        sent(&built, json!({"text": "a"})).unwrap(),
        r#"{"lines":[{"text":"a"}]}"#
    );
    assert_eq!(
        sent(&built, json!({"text": "a", "tag": "b"})).unwrap(),
        r#"{"lines":[{"text":"a","tags":[{"tag":"b"}]}]}"#
    );
}

#[test]
fn an_object_of_which_nothing_is_given_is_left_out_unless_it_is_required() {
    let inner = json!({"required": ["kind", "size", "name"], "properties": {
        "kind": {"const": "a"}, "size": {"type": "integer", "default": 3},
        "name": {"type": "string"}, "free": {"enum": ["b"]}}});
    let schema = |required: &[&str]| {
        json!({"required": required, "properties": {
            "inner": {"allOf": [inner], "x-crosspoint-flatten": true},
            "other": {"type": "string"}}})
    };
    // What must be there in an object that may be left out is asked for by no call.
    let optional = sound(schema(&[]));
    assert_eq!(
        parameters(&optional.manifest),
        ["size", "name", "free", "other"]
    );
    assert_eq!(sent(&optional, json!({})).unwrap(), "{}");
    assert_eq!(
        sent(&optional, json!({"other": "x"})).unwrap(),
        r#"{"other":"x"}"#
    );
    assert_eq!(
        sent(&optional, json!({"name": "n"})).unwrap(),
        r#"{"inner":{"kind":"a","size":3,"name":"n"}}"#
    );
    let required = sound(schema(&["inner"]));
    assert_eq!(
        parameters(&required.manifest),
        ["name!", "size", "free", "other"]
    );
    assert_eq!(
        sent(&required, json!({"other": "x"})).unwrap(),
        r#"{"inner":{"kind":"a","size":3},"other":"x"}"#
    );
    // In a body that may be left out nothing is required.
    let loose = with_body(body(schema(&["inner"]), false), json!({}));
    assert_eq!(
        parameters(&loose.manifest),
        ["size", "name", "free", "other"]
    );
    assert_eq!(sent(&loose, json!({})), None);
    assert_eq!(
        sent(&loose, json!({"size": 1})).unwrap(),
        r#"{"inner":{"kind":"a","size":1}}"#
    );
}

#[test]
fn a_required_object_within_one_that_is_left_out_is_left_out_too() {
    let built = sound(
        json!({"properties": {"outer": {"x-crosspoint-flatten": true,
        "required": ["inner"], "properties": {
            "a": {"type": "integer"},
            "inner": {"x-crosspoint-flatten": true, "required": ["kind", "b"], "properties": {
                "kind": {"const": 1}, "b": {"type": "integer"}}}}}}}),
    );
    assert_eq!(parameters(&built.manifest), ["a", "b"]);
    assert_eq!(sent(&built, json!({})).unwrap(), "{}");
    assert_eq!(
        sent(&built, json!({"a": 1})).unwrap(),
        r#"{"outer":{"a":1,"inner":{"kind":1}}}"#
    );
    assert_eq!(
        sent(&built, json!({"b": 2})).unwrap(),
        r#"{"outer":{"inner":{"kind":1,"b":2}}}"#
    );
}

#[test]
fn a_name_that_is_taken_gets_body_before_it_and_a_third_ends_the_operation() {
    let object = |names: &[&str]| {
        let properties = names.iter().map(|name| ((*name).to_owned(), json!({})));
        let properties: Map<String, Value> = properties.collect();
        json!({"x-crosspoint-flatten": true, "properties": properties})
    };
    let two = sound(
        json!({"properties": {"a": object(&["q"]), "b": object(&["n"]), "c": object(&["n"])}}),
    );
    assert_eq!(parameters(&two.manifest), ["body_q", "n", "body_n"]);
    assert_eq!(
        sent(&two, json!({"q": 0, "body_q": 1, "n": 2, "body_n": 3})).unwrap(),
        r#"{"a":{"q":1},"b":{"n":2},"c":{"n":3}}"#
    );
    let schema = json!({"properties": {"a": object(&["n"]), "b": object(&["n"]), "n": {}}});
    let three = with_body(body(schema, true), json!({}));
    assert!(three.operations.is_empty());
    let clause = "operations are left out: its body has several parameters `n`: name them by \
                  `x-crosspoint-name` (POST /x)";
    assert!(
        three.notes.contains(&clause.to_owned()),
        "{:?}",
        three.notes
    );
}

#[test]
fn where_it_is_ignored_is_said() {
    let text = "at what is neither an object with properties nor a list of such (a of POST /x)";
    for (schema, why) in [
        (json!({"type": "string"}), text),
        (json!({"type": "object"}), text),
        (json!({"type": "array", "items": {"type": "string"}}), text),
        (json!({"oneOf": [{}], "properties": {"b": {}}}), text),
        (json!({"$ref": "#/nowhere"}), text),
        (
            json!({"x-crosspoint-flatten": "yes", "properties": {"b": {}}}),
            "where it is neither true nor false (a of POST /x)",
        ),
    ] {
        let mut schema = schema;
        let members = schema.as_object_mut().unwrap();
        members.entry(FLATTEN).or_insert(true.into());
        let schema = json!({"properties": {"a": schema}});
        let built = with_body(body(schema, true), json!({}));
        assert_eq!(
            built.notes,
            [format!("`x-crosspoint-flatten` is ignored {why}")]
        );
        assert_eq!(parameters(&built.manifest), ["a"]);
    }
    let off =
        json!({"properties": {"a": {"x-crosspoint-flatten": false, "properties": {"b": {}}}}});
    assert_eq!(parameters(&sound(off).manifest), ["a"]);
}

#[test]
fn forms_and_bodies_themselves_are_not_flattened() {
    let object = json!({"x-crosspoint-flatten": true, "properties": {"b": {}}});
    for mimetype in ["application/x-www-form-urlencoded", "multipart/form-data"] {
        let body = json!({"content": {mimetype: {"schema": {"properties": {"a": object}}}}});
        let built = with_body(body, json!({}));
        let note = "`x-crosspoint-flatten` is ignored in forms (a of POST /x)";
        assert_eq!(built.notes, [note]);
        assert_eq!(parameters(&built.manifest), ["a"]);
    }
    let list = json!({"x-crosspoint-flatten": true, "type": "array", "items": object});
    let built = with_body(body(list, false), json!({}));
    let note = "`x-crosspoint-flatten` is ignored at a body itself (body of POST /x)";
    assert_eq!(built.notes, [note]);
    assert_eq!(parameters(&built.manifest), ["body"]);
}

#[test]
fn what_goes_deep_or_wide_or_in_circles_ends() {
    let refer = json!({"$ref": "#/components/schemas/Node", "x-crosspoint-flatten": true});
    let node = json!({"required": ["kind"], "properties": {"kind": {"const": 1}, "next": refer}});
    let built = with_body(body(refer, true), json!({"Node": node}));
    let note = "`x-crosspoint-flatten` is ignored more than 8 objects deep (next of POST /x)";
    assert_eq!(built.notes, [note]);
    assert_eq!(parameters(&built.manifest), ["next"]);
    let deepest = sent(&built, json!({"next": 7})).unwrap();
    assert_eq!(deepest.matches("\"next\":").count(), 9, "{deepest}");
    // No name of theirs occurs twice, since none is asked for.
    let level = |n: usize| {
        let next = json!({"$ref": format!("#/components/schemas/L{}", n + 1), "x-crosspoint-flatten": true});
        let names = (0..10).map(|n| (format!("p{n}"), next.clone()));
        json!({ "properties": names.collect::<Map<String, Value>>() })
    };
    let leaf = json!({"required": ["k"], "properties": {"k": {"const": 1}}});
    let schemas = json!({"L0": level(0), "L1": level(1), "L2": level(2), "L3": leaf});
    let refer = json!({"$ref": "#/components/schemas/L0"});
    let wide = with_body(body(refer, true), schemas);
    let clause = "operations are left out: it has more than 300 parameters (POST /x)";
    assert!(wide.notes.contains(&clause.to_owned()), "{:?}", wide.notes);
}
