//! JSON values as the parameters of a statement. They are sent as text of the type that the server
//! reports for each, so that the server reads them by its own rules.

use std::error::Error;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use crosspoint_core::{Failure, Json};
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

use super::fault;

/// One value with the words that name it in errors.
pub(super) struct Value {
    pub json: Json,
    /// `column "a" of row 2`
    pub place: String,
}

/// One parameter as text, or NULL.
pub(super) struct Parameter(Option<String>);

/// Why a value cannot be sent.
type Unfit = (&'static str, String);

// === impl Parameter ===

impl ToSql for Parameter {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// The library prints parameters into its debug log.
impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A value as the parameter of type `wanted`.
pub(super) fn parameter(value: &Value, wanted: &Type) -> Result<Parameter, Failure> {
    match text(&value.json, wanted) {
        Ok(text) => Ok(Parameter(text)),
        Err((code, why)) => Err(fault::argument(code, format!("{}: {why}", value.place))),
    }
}

/// The type to ask for when a number does not fit the whole numbers that the server thought of:
/// then it is what it would be if it stood in the SQL itself.
pub(super) fn wider(value: &Value, reported: &Type) -> Option<Type> {
    let text = std::str::from_utf8(value.json.as_bytes()).ok()?.trim();
    let whole = whole(text);
    let fits = match *reported {
        Type::INT2 => whole.is_some_and(|n| i16::try_from(n).is_ok()),
        Type::INT4 => whole.is_some_and(|n| i32::try_from(n).is_ok()),
        Type::INT8 => whole.is_some(),
        _ => return None,
    };
    match (is_number(&value.json), fits, whole) {
        (false, ..) | (_, true, _) => None,
        (_, _, Some(_)) => Some(Type::INT8),
        (_, _, None) => Some(Type::NUMERIC),
    }
}

/// The type that a value has by itself, for places where the server cannot tell.
pub(super) fn natural(value: &Value) -> Type {
    let text = std::str::from_utf8(value.json.as_bytes())
        .unwrap_or_default()
        .trim();
    match value.json.first() {
        b't' | b'f' => Type::BOOL,
        b'{' => Type::JSONB,
        b'[' => Type::TEXT_ARRAY,
        b'"' | b'n' => Type::TEXT,
        _ => match whole(text) {
            Some(n) if i32::try_from(n).is_ok() => Type::INT4,
            Some(_) => Type::INT8,
            None => Type::NUMERIC,
        },
    }
}

fn is_number(json: &Json) -> bool {
    matches!(json.first(), b'-' | b'0'..=b'9')
}

/// A number without fraction, however it is spelled.
fn whole(text: &str) -> Option<i64> {
    /// Beyond it, not every whole number has a floating one.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        let exact = number.fract() == 0.0 && number.abs() <= EXACT;
        // `as` is exact in this range.
        exact.then_some(number as i64)
    })
}

fn text(json: &Json, wanted: &Type) -> Result<Option<String>, Unfit> {
    if let Kind::Domain(base) = wanted.kind() {
        return text(json, base);
    }
    let is_json = matches!(*wanted, Type::JSON | Type::JSONB);
    let spelled = || String::from_utf8_lossy(json.as_bytes()).trim().to_owned();
    let text = match json.first() {
        b'n' => return Ok(None),
        b'"' => string(json, wanted)?,
        b'[' if !is_json => match wanted.kind() {
            Kind::Array(element) => array(json, element)?,
            _ => return Err(mismatch("a list", wanted)),
        },
        b't' | b'f' if is_numeric(wanted) => return Err(mismatch("true or false", wanted)),
        b'-' | b'0'..=b'9' if is_whole(wanted) => {
            let spelled = spelled();
            whole(&spelled).map_or(spelled, |n| n.to_string())
        }
        _ => spelled(),
    };
    match text.contains('\0') {
        true => Err((
            "ValueError",
            "PostgreSQL's text cannot have a NUL character".to_owned(),
        )),
        false => Ok(Some(text)),
    }
}

fn string(json: &Json, wanted: &Type) -> Result<String, Unfit> {
    let Some(text) = json.as_text() else {
        let why = "a half of a surrogate pair is no character";
        return Err(("UnicodeEncodeError", why.to_owned()));
    };
    match *wanted {
        Type::BYTEA if !text.starts_with("\\x") => match STANDARD.decode(&text) {
            Ok(bytes) => Ok(hex(&bytes)),
            Err(_) => Err((
                "InvalidTextRepresentation",
                "bytes must be base64, or \\x and hexadecimal digits".to_owned(),
            )),
        },
        // Text that is JSON is meant as it; any other text is a JSON string.
        Type::JSON | Type::JSONB if Json::parse(text.clone()).is_err() => {
            Ok(String::from_utf8_lossy(json.as_bytes()).into_owned())
        }
        _ => Ok(text),
    }
}

/// A list in PostgreSQL's own notation: `{1,NULL,"a b",{…}}`.
fn array(json: &Json, element: &Type) -> Result<String, Unfit> {
    let items: Vec<Json> = json.read().map_err(|_| mismatch("this list", element))?;
    let nested = !matches!(*element, Type::JSON | Type::JSONB);
    let mut parts = Vec::with_capacity(items.len());
    for item in &items {
        parts.push(match item.first() {
            b'[' if nested => array(item, element)?,
            _ => match text(item, element)? {
                Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
                None => "NULL".to_owned(),
            },
        });
    }
    // Boxes have commas in them.
    let comma = if *element == Type::BOX { ";" } else { "," };
    Ok(format!("{{{}}}", parts.join(comma)))
}

fn is_whole(wanted: &Type) -> bool {
    matches!(*wanted, Type::INT2 | Type::INT4 | Type::INT8 | Type::OID)
}

fn is_numeric(wanted: &Type) -> bool {
    is_whole(wanted) || matches!(*wanted, Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC)
}

fn mismatch(what: &str, wanted: &Type) -> Unfit {
    (
        "DatatypeMismatch",
        format!("{what} does not fit the type {wanted}"),
    )
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold("\\x".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(json: &str, wanted: Type) -> Result<Option<String>, &'static str> {
        let json = Json::parse(json.to_owned()).unwrap();
        text(&json, &wanted).map_err(|(code, _)| code)
    }

    fn some(text: &str) -> Result<Option<String>, &'static str> {
        Ok(Some(text.to_owned()))
    }

    #[test]
    fn numbers_keep_their_digits_and_whole_ones_have_no_point() {
        let digits = "12345678901234567890.0123456789";
        assert_eq!(sent(digits, Type::NUMERIC), some(digits));
        assert_eq!(sent("33.0", Type::INT4), some("33"));
        assert_eq!(sent("1e3", Type::INT8), some("1000"));
        assert_eq!(sent("1.50", Type::TEXT), some("1.50"));
        assert_eq!(sent("null", Type::INT4), Ok(None));
    }

    #[test]
    fn numbers_that_do_not_fit_are_asked_for_as_wider_types() {
        let value = |text: &str| Value {
            json: Json::parse(text.to_owned()).unwrap(),
            place: String::new(),
        };
        assert_eq!(wider(&value("1.5"), &Type::INT4), Some(Type::NUMERIC));
        assert_eq!(wider(&value("99999999999"), &Type::INT4), Some(Type::INT8));
        assert_eq!(wider(&value("1e30"), &Type::INT8), Some(Type::NUMERIC));
        assert_eq!(wider(&value("7.0"), &Type::INT2), None);
        assert_eq!(wider(&value("\"1.5\""), &Type::INT4), None);
        assert_eq!(wider(&value("1.5"), &Type::FLOAT8), None);
    }

    #[test]
    fn lists_become_arrays_with_everything_quoted() {
        assert_eq!(
            sent(r#"["a", "b \"c\\", null, "NULL", "x,y"]"#, Type::TEXT_ARRAY),
            some(r#"{"a","b \"c\\",NULL,"NULL","x,y"}"#)
        );
        assert_eq!(
            sent("[[1, 2.0], [3, 4]]", Type::INT4_ARRAY),
            some(r#"{{"1","2"},{"3","4"}}"#)
        );
        assert_eq!(sent("[]", Type::INT4_ARRAY), some("{}"));
        assert_eq!(sent("[[1]]", Type::JSONB_ARRAY), some(r#"{"[1]"}"#));
        assert_eq!(sent("[1]", Type::INT4), Err("DatatypeMismatch"));
        assert_eq!(sent("[true]", Type::INT4_ARRAY), Err("DatatypeMismatch"));
    }

    #[test]
    fn json_is_sent_as_it_is() {
        assert_eq!(sent(r#"{"a": 1.0}"#, Type::JSONB), some(r#"{"a": 1.0}"#));
        assert_eq!(sent("[1, 2]", Type::JSON), some("[1, 2]"));
        assert_eq!(sent(r#""{\"a\": 1}""#, Type::JSONB), some(r#"{"a": 1}"#));
        assert_eq!(sent(r#""plain""#, Type::JSONB), some(r#""plain""#));
    }

    #[test]
    fn bytes_come_as_base64_or_hexadecimal() {
        assert_eq!(sent(r#""AP8=""#, Type::BYTEA), some("\\x00ff"));
        assert_eq!(sent(r#""\\x00ff""#, Type::BYTEA), some("\\x00ff"));
        assert_eq!(
            sent(r#""no base64!""#, Type::BYTEA),
            Err("InvalidTextRepresentation")
        );
    }

    #[test]
    fn what_is_no_text_or_not_of_its_kind_is_refused() {
        assert_eq!(sent(r#""a\u0000b""#, Type::TEXT), Err("ValueError"));
        assert_eq!(sent(r#"["a\u0000b"]"#, Type::TEXT_ARRAY), Err("ValueError"));
        assert_eq!(sent(r#""\ud800""#, Type::TEXT), Err("UnicodeEncodeError"));
        assert_eq!(sent("true", Type::INT4), Err("DatatypeMismatch"));
        assert_eq!(sent("true", Type::TEXT), some("true"));
    }

    #[test]
    fn a_parameter_does_not_print() {
        assert_eq!(format!("{:?}", Parameter(Some("hunter2".into()))), "***");
    }
}
