use std::path::PathBuf;

use serde_json::json;

use super::super::build::{Built, build};
use super::super::document::Document;
use super::super::settings::{At, Settings};
use super::*;

/// A connector with one operation that takes a body of that media type.
fn with_body(version: &str, mimetype: &str, media: Value) -> Built {
    with(version, json!({"content": {mimetype: media}}))
}

fn with(version: &str, body: Value) -> Built {
    let root = json!({"openapi": version, "servers": [{"url": "http://h"}],
        "paths": {"/x": {"post": {"operationId": "act", "requestBody": body}}}});
    let document = Document::read(root.to_string().as_bytes()).unwrap();
    let at = At::File(PathBuf::from("/d.json"));
    let built = build(&document, "api", &Settings::default(), &at).unwrap();
    assert_eq!(built.notes, [""; 0]);
    built
}

/// What is sent with these arguments, as the broker would have checked them. Nothing: there is no body.
fn sent(built: &Built, arguments: Value) -> Result<Option<String>, String> {
    let arguments = Arguments::parse(arguments.to_string().into()).unwrap();
    let command = &built.manifest.commands[0];
    let arguments = command
        .check(arguments)
        .map_err(|failure| failure.message)?;
    let written = built.operations["act"].body.write(&arguments, "-")?;
    Ok(written.map(|(bytes, _)| String::from_utf8(bytes.to_vec()).unwrap()))
}

#[test]
fn null_is_sent_where_the_schema_takes_it_and_is_absent_elsewhere() {
    let text = json!({"type": "string"});
    for (version, property, takes) in [
        ("3.0.3", json!({"type": "string", "nullable": true}), true),
        (
            "3.0.3",
            json!({"type": "string", "nullable": true, "enum": ["a"]}),
            true,
        ),
        (
            "3.0.3",
            json!({"allOf": [{"type": "object"}], "nullable": true}),
            true,
        ),
        (
            "3.0.3",
            json!({"oneOf": [text, {"type": "integer"}], "nullable": true}),
            true,
        ),
        ("3.0.3", json!({"type": "string", "nullable": false}), false),
        ("3.0.3", text.clone(), false),
        ("3.1.0", json!({"type": ["string", "null"]}), true),
        ("3.1.0", json!({"type": ["null", "integer"]}), true),
        ("3.1.0", json!({"type": "null"}), true),
        ("3.1.0", json!({"anyOf": [text, {"type": "null"}]}), true),
        ("3.1.0", json!({"oneOf": [{"type": "null"}, text]}), true),
        ("3.1.0", json!({"enum": ["a", null]}), true),
        (
            "3.1.0",
            json!({"type": ["string", "null"], "enum": ["a"]}),
            false,
        ),
        ("3.1.0", json!({"type": "string", "nullable": true}), false),
        ("3.1.0", json!({}), false),
    ] {
        let media = json!({"schema": {"properties": {"a": property, "b": {}}}});
        let built = with_body(version, "application/merge-patch+json", media);
        let wanted = if takes {
            r#"{"a":null,"b":1}"#
        } else {
            r#"{"b":1}"#
        };
        let written = sent(&built, json!({"a": null, "b": 1})).unwrap().unwrap();
        assert_eq!(written, wanted, "{version} {property}");
        let alone = takes.then(|| r#"{"a":null}"#.to_owned());
        assert_eq!(
            sent(&built, json!({"a": null})).unwrap(),
            alone,
            "{property}"
        );
        assert_eq!(sent(&built, json!({})).unwrap(), None, "{property}");
    }
}

#[test]
fn null_is_a_value_of_what_must_be_sent_too_and_what_is_no_null_is_checked_as_ever() {
    let schema = json!({"required": ["a"], "properties": {
        "a": {"type": ["integer", "null"], "default": 3}, "b": {"type": ["integer", "null"]}}});
    let content = json!({"application/json": {"schema": schema}});
    let built = with("3.1.0", json!({"required": true, "content": content}));
    let written = |arguments| sent(&built, arguments).unwrap().unwrap();
    assert_eq!(written(json!({"a": null})), r#"{"a":null}"#);
    assert_eq!(written(json!({"b": "5"})), r#"{"a":3,"b":5}"#);
    assert_eq!(written(json!({"a": 1, "b": ""})), r#"{"a":1}"#);
    let error = sent(&built, json!({"b": "x"})).unwrap_err();
    assert!(
        error.contains("parameter 'b' must be an integer"),
        "{error}"
    );
    let shown = built.manifest.commands[0].parameter("b").unwrap();
    assert_eq!(shown.schema.as_bytes(), br#"{"type":["integer","null"]}"#);
}

#[test]
fn null_is_sent_as_a_whole_body_and_in_no_form() {
    let whole = with_body(
        "3.1.0",
        "application/json",
        json!({"schema": {"type": ["array", "null"]}}),
    );
    assert_eq!(
        sent(&whole, json!({"body": null})).unwrap().unwrap(),
        "null"
    );
    let media = json!({"schema": {"properties": {"a": {"type": ["string", "null"]}, "b": {}}}});
    let form = with_body("3.1.0", "application/x-www-form-urlencoded", media);
    let written = sent(&form, json!({"a": null, "b": 1})).unwrap();
    assert_eq!(written.unwrap(), "b=1");
}

#[test]
fn each_file_of_a_list_is_a_file() {
    let items = json!({"type": "string", "format": "binary"});
    let schema = json!({"properties": {"f": {"type": "array", "items": items}}});
    let head =
        "---\r\ncontent-disposition: form-data; name=\"f\"; filename=\"f\"\r\ncontent-type: ";
    for (encoding, mimetype) in [
        (json!({}), "application/octet-stream"),
        (
            json!({"f": {"contentType": "image/png, image/gif"}}),
            "image/png",
        ),
    ] {
        let media = json!({"schema": schema, "encoding": encoding});
        let built = with_body("3.0.3", "multipart/form-data", media);
        let written = sent(&built, json!({"f": ["base64:aGVsbG8=", "plain"]})).unwrap();
        let part = |text: &str| format!("{head}{mimetype}\r\n\r\n{text}\r\n");
        let wanted = format!("{}{}-----\r\n", part("hello"), part("plain"));
        assert_eq!(written.unwrap(), wanted);
        let error = sent(&built, json!({"f": ["base64:?"]})).unwrap_err();
        assert_eq!(error, "parameter 'f' is no base64");
    }
}

#[test]
fn a_body_of_bytes_is_its_text_or_base64_and_one_of_text_is_its_text() {
    let binary = json!({"schema": {"type": "string", "format": "binary"}});
    for (mimetype, media, is_file) in [
        ("application/octet-stream", binary.clone(), true),
        ("application/octet-stream", json!({}), true),
        ("image/png", json!({}), true),
        ("text/csv", binary, true),
        ("text/plain", json!({}), false),
        (
            "application/xml",
            json!({"schema": {"type": "string"}}),
            false,
        ),
    ] {
        let built = with_body("3.0.3", mimetype, media);
        let body = |text: &str| sent(&built, json!({"body": text}));
        let wanted = if is_file { "hello" } else { "base64:aGVsbG8=" };
        assert_eq!(
            body("base64:aGVsbG8=").unwrap().unwrap(),
            wanted,
            "{mimetype}"
        );
        assert_eq!(body("plain").unwrap().unwrap(), "plain", "{mimetype}");
        let wrong = body("base64:?");
        assert_eq!(wrong.is_err(), is_file, "{mimetype} {wrong:?}");
    }
}
