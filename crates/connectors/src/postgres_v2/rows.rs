//! Rows as JSON. Values come as PostgreSQL's own text, which exists for every type there is.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio_postgres::types::{Kind, Type};

/// Adds one value, given as text or NULL, as JSON to `out`.
///
/// Relies on the styles that each transaction sets: dates and intervals in ISO 8601, bytes in
/// hexadecimal, floating numbers with all their digits.
pub(super) fn add(out: &mut String, kind: &Type, text: Option<&str>) {
    let Some(text) = text else {
        out.push_str("null");
        return;
    };
    match kind.kind() {
        Kind::Domain(base) => return add(out, base, Some(text)),
        Kind::Array(element) => return add_array(out, element, text),
        _ => {}
    }
    match *kind {
        Type::BOOL => out.push_str(if text == "t" { "true" } else { "false" }),
        Type::JSON | Type::JSONB => out.push_str(text),
        Type::BYTEA => match bytes(text) {
            Some(bytes) => add_string(out, &STANDARD.encode(bytes)),
            None => add_string(out, text),
        },
        Type::INT2
        | Type::INT4
        | Type::INT8
        | Type::OID
        | Type::FLOAT4
        | Type::FLOAT8
        | Type::NUMERIC
            if is_number(text) =>
        {
            out.push_str(text);
        }
        Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::TIMETZ => {
            add_string(out, &moment(text, *kind != Type::TIMESTAMP));
        }
        _ => add_string(out, text),
    }
}

/// Not `NaN` and `Infinity`, which JSON has no numbers for.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
}

/// Between date and time stands a `T`, and an offset has its minutes. What has no ISO form, such
/// as `infinity` and years before Christ, stays as it is.
fn moment(text: &str, zoned: bool) -> String {
    if !text.starts_with(|c: char| c.is_ascii_digit()) || text.ends_with("BC") {
        return text.to_owned();
    }
    let mut moment = text.replacen(' ', "T", 1);
    let len = moment.len();
    let bare = zoned && len >= 3 && matches!(moment.as_bytes()[len - 3], b'+' | b'-');
    if bare {
        moment.push_str(":00");
    }
    moment
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let byte = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?);
    digits.chunks(2).map(byte).collect()
}

/// `{1,NULL,"a b",{…}}`, perhaps with bounds before it: `[0:1]={…}`.
fn add_array(out: &mut String, element: &Type, text: &str) {
    let body = match text.starts_with('[') {
        true => text.split_once('=').map_or(text, |(_, body)| body),
        false => text,
    };
    // Vectors of the system's catalogues have another notation.
    if !body.starts_with('{') {
        return add_string(out, text);
    }
    let comma = if *element == Type::BOX { ';' } else { ',' };
    let mut chars = body.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' => out.push('['),
            '}' => out.push(']'),
            c if c == comma => out.push(','),
            '"' => {
                let mut item = String::new();
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    item.extend(if c == '\\' { chars.next() } else { Some(c) });
                }
                add(out, element, Some(&item));
            }
            first => {
                let mut item = String::from(first);
                while let Some(c) = chars.next_if(|c| *c != comma && *c != '}') {
                    item.push(c);
                }
                add(
                    out,
                    element,
                    Some(item.as_str()).filter(|item| *item != "NULL"),
                );
            }
        }
    }
}

fn add_string(out: &mut String, text: &str) {
    let _ = write!(out, "{}", serde_json::Value::from(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(kind: Type, text: &str) -> String {
        let mut out = String::new();
        add(&mut out, &kind, Some(text));
        out
    }

    #[test]
    fn numbers_keep_their_digits_and_what_json_has_no_number_for_is_text() {
        let digits = "12345678901234567890.0100";
        assert_eq!(json(Type::NUMERIC, digits), digits);
        assert_eq!(json(Type::FLOAT8, "-1.5e-07"), "-1.5e-07");
        assert_eq!(json(Type::FLOAT8, "-Infinity"), "\"-Infinity\"");
        assert_eq!(json(Type::NUMERIC, "NaN"), "\"NaN\"");
    }

    #[test]
    fn moments_are_in_iso_8601_where_it_has_them() {
        assert_eq!(
            json(Type::TIMESTAMP, "2024-01-02 03:04:05.6"),
            "\"2024-01-02T03:04:05.6\""
        );
        assert_eq!(
            json(Type::TIMESTAMPTZ, "2024-01-02 03:04:05-07"),
            "\"2024-01-02T03:04:05-07:00\""
        );
        assert_eq!(
            json(Type::TIMESTAMPTZ, "2024-01-02 03:04:05+05:30"),
            "\"2024-01-02T03:04:05+05:30\""
        );
        assert_eq!(json(Type::TIMETZ, "03:04:05+00"), "\"03:04:05+00:00\"");
        assert_eq!(json(Type::TIMESTAMP, "infinity"), "\"infinity\"");
        assert_eq!(
            json(Type::TIMESTAMP, "0044-03-15 10:00:00 BC"),
            "\"0044-03-15 10:00:00 BC\""
        );
    }

    #[test]
    fn arrays_are_read_with_quotes_nulls_bounds_and_dimensions() {
        let text = r#"{a,NULL,"NULL","x,y","q\"\\","{}",""}"#;
        let wanted = r#"["a",null,"NULL","x,y","q\"\\","{}",""]"#;
        assert_eq!(json(Type::TEXT_ARRAY, text), wanted);
        assert_eq!(
            json(Type::INT4_ARRAY, "[0:1][1:2]={{1,2},{3,NULL}}"),
            "[[1,2],[3,null]]"
        );
        assert_eq!(
            json(Type::BOX_ARRAY, "{(1,1),(0,0);(2,2),(1,1)}")
                .matches("),(")
                .count(),
            2
        );
        assert_eq!(json(Type::INT2_VECTOR, "1 2"), "\"1 2\"");
        assert_eq!(json(Type::BOOL_ARRAY, "{}"), "[]");
        assert_eq!(
            json(Type::JSONB_ARRAY, r#"{"{\"a\": [1]}","[2]"}"#),
            r#"[{"a": [1]},[2]]"#
        );
    }

    #[test]
    fn bytes_are_base64() {
        assert_eq!(json(Type::BYTEA, "\\x00ff"), "\"AP8=\"");
        assert_eq!(json(Type::BYTEA, "\\x"), "\"\"");
    }
}
