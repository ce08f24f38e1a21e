use super::*;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn writes(text: &str, kind: Option<&str>) -> (String, String) {
    let Written { kind, value } = Written::of(&raw(text), kind).unwrap();
    (kind.to_owned(), value)
}

#[test]
fn values_are_written_by_what_they_are() {
    for (text, kind, value) in [
        (r#""x""#, "string", "x"),
        (r#""""#, "string", ""),
        ("5", "integer", "5"),
        ("-2147483648", "integer", "-2147483648"),
        ("2147483647", "integer", "2147483647"),
        ("2147483648", "long", "2147483648"),
        ("9223372036854775807", "long", "9223372036854775807"),
        ("9223372036854775808", "bigdecimal", "9223372036854775808"),
        ("1.50", "double", "1.50"),
        ("1e400", "bigdecimal", "1e400"),
        ("true", "boolean", "true"),
        (
            r#"{"type": "a", "value": {"b": 1}}"#,
            "json",
            r#"{"type": "a", "value": {"b": 1}}"#,
        ),
        ("[1, [2]]", "json", "[1, [2]]"),
    ] {
        assert_eq!(
            writes(text, None),
            (kind.to_owned(), value.to_owned()),
            "{text}"
        );
    }
    assert_eq!(Written::of(&raw("null"), Some("string")), None);
}

#[test]
fn a_declared_type_counts_where_the_value_allows_it() {
    for (text, declared, kind, value) in [
        ("5", "string", "string", "5"),
        ("true", "string", "string", "true"),
        (r#"{"a":1}"#, "string", "string", r#"{"a":1}"#),
        (r#""5""#, "integer", "integer", "5"),
        (r#""x""#, "integer", "string", "x"),
        ("5.0", "integer", "integer", "5"),
        ("5.5", "integer", "double", "5.5"),
        ("10.00", "bigdecimal", "bigdecimal", "10.00"),
        ("10", "bigdecimal", "bigdecimal", "10"),
        (r#""10.00""#, "bigdecimal", "bigdecimal", "10.00"),
        (r#""false""#, "boolean", "boolean", "false"),
        ("[1]", "array", "list", "[1]"),
        (r#"["${x}"]"#, "array", "json", r#"["${x}"]"#),
        (r#""x""#, "json", "json", r#""x""#),
        ("5", "json", "json", "5"),
        ("true", "json", "json", "true"),
        (r#""2019-09-01""#, "date", "date", "2019-09-01T00:00:00Z"),
        (
            r#""2019-09-01T10:20:30Z""#,
            "datetime",
            "date",
            "2019-09-01T10:20:30Z",
        ),
        (
            r#""2019-09-01T10:20:30+02:00""#,
            "date",
            "date",
            "2019-09-01T10:20:30+02:00",
        ),
        (
            r#""2019-09-01T10:20:30.123Z""#,
            "date",
            "date",
            "2019-09-01T10:20:30.123Z",
        ),
        (
            r#""2019-09-01T10:20:30""#,
            "date",
            "string",
            "2019-09-01T10:20:30",
        ),
        (r#""soon""#, "date", "string", "soon"),
        ("5", "content-metadata", "integer", "5"),
    ] {
        let written = writes(text, Some(declared));
        assert_eq!(
            written,
            (kind.to_owned(), value.to_owned()),
            "{text} as {declared}"
        );
    }
}

#[test]
fn what_no_engine_can_read_in_its_type_is_a_text() {
    for (text, declared) in [
        (r#""2020-13-45""#, "date"),
        (r#""2020-02-30T25:61:61+99:99""#, "datetime"),
        ("1e99999999999", "bigdecimal"),
        (r#""1e2147483648""#, "bigdecimal"),
        ("1.5e-2147483647", "bigdecimal"),
        ("-1E-2147483648", "string"),
        ("1e99999999999", "integer"),
        ("1e99999999999", "any"),
    ] {
        let written = writes(text, Some(declared));
        let value = text.trim_matches('"').to_owned();
        assert_eq!(
            written,
            ("string".to_owned(), value),
            "{text} as {declared}"
        );
    }
    for text in ["1e2147483647", "1.5e-2147483646", "1E+0000000000001"] {
        assert_eq!(writes(text, Some("bigdecimal")).0, "bigdecimal", "{text}");
    }
}

#[test]
fn what_is_not_of_its_declared_type_is_known() {
    for (text, declared, fits) in [
        (r#""GET""#, "integer", false),
        (r#""5""#, "integer", true),
        ("2147483648", "integer", false),
        ("true", "boolean", true),
        ("1", "boolean", false),
        (r#""2019-09-01""#, "datetime", true),
        (r#""soon""#, "date", false),
        ("[1]", "array", true),
        (r#"["${x}"]"#, "array", true),
        ("{}", "array", false),
        ("{}", "file", true),
        (r#""x""#, "folder", false),
        (r#""x""#, "json", true),
        ("{}", "string", true),
        ("5", "content-metadata", true),
    ] {
        let written = Written::of(&raw(text), Some(declared)).unwrap();
        assert_eq!(written.fits(declared), fits, "{text} as {declared}");
    }
}

#[test]
fn an_expression_counts_in_the_text_that_is_written() {
    for (text, declared, has) in [
        (r#"{"${x}": 1}"#, "string", true),
        (r#"{"a": "${x", "b": "y"}"#, "string", true),
        (r#"["${x}"]"#, "string", true),
        (r#"{"\u0024{x}": 1}"#, "string", false),
        (r#"{"${x}": 1}"#, "json", false),
        (r#"{"a": "${x}"}"#, "json", true),
        (r#"["${x}"]"#, "json", false),
        (r#"["${x}"]"#, "array", false),
        (r#""${x}""#, "json", true),
        (r#""${x}""#, "integer", true),
    ] {
        let written = Written::of(&raw(text), Some(declared)).unwrap();
        assert_eq!(written.has_expression(), has, "{text} as {declared}");
        let escaped = written.escaped().unwrap();
        assert!(!escaped.has_expression(), "{text} as {declared}");
    }
}
