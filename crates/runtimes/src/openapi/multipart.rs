//! Parts of `multipart/form-data` (RFC 7578).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crosspoint_core::Json;
use serde_json::Value;

use super::form::{Encoding, Member};
use super::style::plain;

/// What a file's value begins with that is given in base64 though its schema does not say so.
const BASE64: &str = "base64:";

/// Writes a part, or one for each element of a list.
pub(super) fn part(
    text: &mut Vec<u8>,
    member: &Member,
    json: &Json,
    boundary: &str,
) -> Result<(), String> {
    let value: Value = json.read().unwrap_or_default();
    match value {
        Value::Array(list) if member.mimetype.is_none() => {
            for one in &list {
                write(text, member, one, boundary)?;
            }
            Ok(())
        }
        value => write(text, member, &value, boundary),
    }
}

fn write(text: &mut Vec<u8>, member: &Member, value: &Value, boundary: &str) -> Result<(), String> {
    let name = quoted(&member.name);
    let mut head = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"");
    let bytes = match member.binary {
        Some(encoding) => {
            head.push_str(&format!("; filename=\"{name}\""));
            file(member, value, encoding)?
        }
        None => plain(value).into_bytes(),
    };
    let usual = match (member.binary, value) {
        (Some(_), _) => Some("application/octet-stream"),
        (None, Value::Object(_) | Value::Array(_)) => Some("application/json"),
        _ => None,
    };
    if let Some(mimetype) = member.mimetype.as_deref().or(usual) {
        head.push_str(&format!("\r\ncontent-type: {mimetype}"));
    }
    text.extend_from_slice(head.as_bytes());
    text.extend_from_slice(b"\r\n\r\n");
    text.extend_from_slice(&bytes);
    text.extend_from_slice(b"\r\n");
    Ok(())
}

fn file(member: &Member, value: &Value, encoding: Encoding) -> Result<Vec<u8>, String> {
    let given = plain(value);
    let base64 = match (encoding, given.strip_prefix(BASE64)) {
        (_, Some(rest)) => rest,
        (Encoding::Base64, None) => &given,
        (Encoding::Text, None) => return Ok(given.into_bytes()),
    };
    STANDARD
        .decode(base64.trim())
        .map_err(|_| format!("parameter '{}' is no base64", member.slot.parameter))
}

/// A name within quotes, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
