use serde_json::json;

use super::super::written::Written;
use super::*;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// What is read, as text; `-` for nothing.
fn reads(text: &str) -> String {
    match read(&Bytes::copy_from_slice(text.as_bytes()), &raw(text)) {
        Ok(None) => "-".to_owned(),
        Ok(Some(json)) => String::from_utf8(json.as_bytes().to_vec()).unwrap(),
        Err(error) => format!("error: {error}"),
    }
}

fn envelope(kind: &str, value: &str) -> String {
    json!({"type": kind, "value": value}).to_string()
}

/// Each row of the table of types.
const ROWS: [(&str, &str, &str); 28] = [
    (
        "string",
        "The Lord of The Rings",
        r#""The Lord of The Rings""#,
    ),
    ("string", "", r#""""#),
    ("string", "größer \u{1F600}\n", "\"größer \u{1F600}\\n\""),
    ("integer", "5", "5"),
    ("integer", "-2147483648", "-2147483648"),
    ("long", "2147483648", "2147483648"),
    ("long", "9223372036854775807", "9223372036854775807"),
    ("short", "7", "7"),
    ("byte", "-1", "-1"),
    ("double", "123.123", "123.123"),
    ("double", "1.0E10", "1.0E10"),
    ("double", "NaN", r#""NaN""#),
    ("float", "-Infinity", r#""-Infinity""#),
    ("bigdecimal", "10.00", "10.00"),
    ("bigdecimal", "1E+3", "1E+3"),
    ("boolean", "true", "true"),
    ("character", "x", r#""x""#),
    ("date", "2019-09-01T00:00:00Z", r#""2019-09-01T00:00:00Z""#),
    ("localdate", "2019-09-01", r#""2019-09-01""#),
    (
        "localdatetime",
        "2019-09-01T10:20:30",
        r#""2019-09-01T10:20:30""#,
    ),
    ("json", r#"{"ok":1.50}"#, r#"{"ok":1.50}"#),
    ("map", r#"{"a":{"b":[1,null]}}"#, r#"{"a":{"b":[1,null]}}"#),
    ("list", "[1, 2]", "[1, 2]"),
    ("list", r#"[{"a":{"b":1}},[]]"#, r#"[{"a":{"b":1}},[]]"#),
    ("set", "[1]", "[1]"),
    ("float", "1.5", "1.5"),
    (
        "date",
        "2019-09-01T00:00:00.123+02:00",
        r#""2019-09-01T00:00:00.123+02:00""#,
    ),
    (
        "object",
        r#"{"object":{"@class":"x.Y","a":1}}"#,
        r#"{"@class":"x.Y","a":1}"#,
    ),
];

#[test]
fn every_type_is_read() {
    for (kind, value, json) in ROWS {
        assert_eq!(reads(&envelope(kind, value)), json, "{kind} {value}");
    }
}

#[test]
fn every_row_that_was_read_is_read_the_same_once_it_was_written() {
    for (kind, value, json) in ROWS {
        // As a connector that gives back what it got.
        let plain = Written::of(&raw(json), None)
            .unwrap()
            .envelope()
            .to_string();
        assert_eq!(reads(&plain), json, "{kind} {value}");
        let (written, text) = writes(json, None);
        let expected = match kind {
            // No larger type than the value needs, and no smaller one than it has.
            "short" | "byte" => "integer",
            "float" if value == "-Infinity" => "string",
            "double" if value == "NaN" => "string",
            "float" => "double",
            "bigdecimal" => "double",
            "character" | "date" | "localdate" | "localdatetime" => "string",
            "map" | "list" | "set" | "object" => "json",
            same => same,
        };
        assert_eq!(written, expected, "{kind} {value}");
        // Digits, texts and nested values come through to the letter.
        let inner = value
            .strip_prefix("{\"object\":")
            .and_then(|rest| rest.strip_suffix('}'));
        assert_eq!(text, inner.unwrap_or(value), "{kind} {value}");
        let declared = ["bigdecimal", "date", "string", "integer", "json"];
        if declared.contains(&kind) && written != "json" {
            assert_eq!(
                writes(json, Some(kind)).1,
                value,
                "{kind} {value} as declared"
            );
            assert_eq!(
                writes(json, Some(kind)).0,
                kind,
                "{kind} {value} as declared"
            );
        }
    }
}

#[test]
fn values_that_are_no_text_are_taken_where_they_can_be() {
    assert_eq!(reads(r#"{"type":"integer","value":5}"#), "5");
    assert_eq!(reads(r#"{"type":"string","value":5}"#), r#""5""#);
    assert_eq!(reads(r#"{"type":"boolean","value":true}"#), "true");
    assert_eq!(reads(r#"{"type":"json","value":{"a":1}}"#), r#"{"a":1}"#);
    assert_eq!(reads(r#"{"type":"string","value":null}"#), "-");
    assert!(reads(r#"{"type":"string","value":{"a":1}}"#).starts_with("error"));
}

#[test]
fn plain_values_of_older_engines_are_taken_as_they_are() {
    for text in [
        "5",
        "1.50",
        r#""x""#,
        "true",
        "[1]",
        r#"{"a": 1}"#,
        r#"{"type": "x"}"#,
        r#"{"value": 1}"#,
        r#"{"type": {"a": 1}, "value": 1}"#,
    ] {
        assert_eq!(reads(text), text);
    }
    assert_eq!(reads("null"), "-");
}

#[test]
fn what_does_not_fit_its_type_is_told_without_its_value() {
    for (kind, value) in [
        ("integer", "hunter2"),
        ("integer", "1.5"),
        ("integer", ""),
        ("double", "hunter2"),
        ("bigdecimal", "1."),
        ("boolean", "hunter2"),
        ("json", "hunter2"),
        ("object", "{}"),
        ("unheard-of", "hunter2"),
    ] {
        let told = reads(&envelope(kind, value));
        assert!(
            told.starts_with("error") && !told.contains("hunter2"),
            "{kind}: {told}"
        );
    }
    assert!(reads(&envelope("number", "5")).contains("not known: 'number'"));
    assert_eq!(reads(&envelope("number", r#"{"object": 5}"#)), "5");
}

fn writes(text: &str, kind: Option<&str>) -> (String, String) {
    let Written { kind, value } = Written::of(&raw(text), kind).unwrap();
    (kind.to_owned(), value)
}

#[test]
fn what_is_written_is_read_back() {
    for text in [
        r#""x""#,
        "5",
        "2147483648",
        "9223372036854775807",
        "1.0E10",
        "false",
        r#"{"a":[{"b":null}]}"#,
        "[]",
    ] {
        let written = Written::of(&raw(text), None)
            .unwrap()
            .envelope()
            .to_string();
        assert_eq!(reads(&written), text);
    }
}
