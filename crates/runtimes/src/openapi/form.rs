//! Bodies that are forms: their members, and how those are written.

use bytes::Bytes;
use crosspoint_core::{Arguments, Json};
use serde_json::Value;

use super::document::size;
use super::file::Encoding;
use super::flatten::{self, FLATTEN};
use super::merge::Merged;
use super::property::{Need, Reader, Slot};
use super::style::{Spelling, Style};

/// How a form is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// In the spelling of URLs.
    Urlencoded,
    /// In several parts.
    Multipart,
}

/// A member of a form.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub slot: Slot,
    pub name: String,
    /// How lists and objects are written.
    pub spelling: Spelling,
    /// The media type of its part in a form of several.
    pub mimetype: Option<String>,
    /// How the bytes are given where it is a file, or a list of files.
    pub file: Option<Encoding>,
}

// === impl Member ===

impl Member {
    /// The members of a form. `required` is what those are that it requires. Fails with a clause about
    /// the operation.
    pub(super) fn all<'d>(
        reader: &mut Reader<'d, '_>,
        schema: &Merged<'d>,
        encodings: &Value,
        required: Need,
    ) -> Result<Vec<Member>, String> {
        let mut members = Vec::new();
        for (name, property) in &schema.properties {
            let Some(said) = reader.look(name, property)? else {
                continue;
            };
            if flatten::asked(property, &said).is_some() {
                reader.note(format!("`{FLATTEN}` is ignored in forms"), name);
            }
            let encoding = encodings.get(name);
            reader.document.takes(encoding.map_or(0, size));
            let need = Need::of(name, schema, required);
            let slot = reader.slot(name, property, &said, need)?;
            let file = Encoding::of_one_or_many(&reader.document.root, &said);
            members.push(Member::new(name, slot, file, encoding));
        }
        Ok(members)
    }

    fn new(name: &str, slot: Slot, file: Option<Encoding>, encoding: Option<&Value>) -> Member {
        let says = |key: &str| encoding.and_then(|encoding| encoding.get(key));
        let style = says("style").and_then(Value::as_str).and_then(Style::named);
        let style = style.unwrap_or(Style::Form);
        let explode = says("explode").and_then(Value::as_bool);
        let mimetype = says("contentType").and_then(Value::as_str);
        let first = |types: &str| {
            types
                .split(',')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        Member {
            slot,
            name: name.to_owned(),
            spelling: Spelling {
                style,
                explode: explode.unwrap_or(style == Style::Form),
                reserved: false,
            },
            mimetype: mimetype.map(first),
            file,
        }
    }
}

/// The members that are sent, each with its value.
pub(super) fn given<'m>(members: &'m [Member], arguments: &Arguments) -> Vec<(&'m Member, Json)> {
    let value = |member: &'m Member| Some((member, member.slot.value(arguments)?));
    members.iter().filter_map(value).collect()
}

/// The form and its media type. Fails with a clause such as `parameter 'file' is no base64`.
pub(super) fn write(
    kind: Kind,
    given: &[(&Member, Json)],
    boundary: &str,
) -> Result<(Bytes, String), String> {
    match kind {
        Kind::Urlencoded => {
            let mut pairs = Vec::new();
            for (member, json) in given {
                let value: Value = json.read().unwrap_or_default();
                pairs.extend(member.spelling.query(&member.name, &value));
            }
            let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
            let text = pairs.collect::<Vec<_>>().join("&");
            Ok((text.into(), "application/x-www-form-urlencoded".to_owned()))
        }
        Kind::Multipart => {
            let mut text = Vec::new();
            for (member, json) in given {
                super::multipart::part(&mut text, member, json, boundary)?;
            }
            text.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            let mimetype = format!("multipart/form-data; boundary={boundary}");
            Ok((text.into(), mimetype))
        }
    }
}
