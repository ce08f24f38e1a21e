//! Parts of `multipart/form-data` (RFC 7578).

use crosspoint_core::Json;
use serde_json::Value;

use super::form::Member;
use super::style::plain;

/// Writes a part, or one for each element of a list.
pub(super) fn part(
    text: &mut Vec<u8>,
    member: &Member,
    json: &Json,
    boundary: &str,
) -> Result<(), String> {
    let value: Value = json.read().unwrap_or_default();
    match value {
        Value::Array(list) if member.mimetype.is_none() || member.file.is_some() => {
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
    let bytes = match member.file {
        Some(encoding) => {
            head.push_str(&format!("; filename=\"{name}\""));
            encoding.bytes(plain(value), &member.slot.parameter)?
        }
        None => plain(value).into_bytes(),
    };
    let usual = match (member.file, value) {
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

/// A name within quotes, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
