//! Bodies of requests: which parameters make them up, and how they are written.

use bytes::Bytes;
use crosspoint_core::{Arguments, Json, Parameter};
use serde_json::{Map, Value};

use super::file::{self, Encoding};
use super::flatten::{FLATTEN, Members};
use super::form::{self, Kind, Member};
use super::merge::Merged;
use super::null::takes_null;
use super::parameter::parameter;
use super::property::{Need, Reader};
use super::refs;
use super::schema::{Inliner, short};
use super::style::{encoded, plain};

/// How a body is made.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// There is none.
    None,
    /// An object, as JSON under a media type.
    Object {
        mimetype: String,
        members: Members,
        /// Whether it is sent even when no member is given.
        needed: bool,
    },
    /// A form of members.
    Fields {
        kind: Kind,
        members: Vec<Member>,
        /// Whether it is sent even when no member is given.
        needed: bool,
    },
    /// The value of one parameter.
    Whole { form: Form, parameter: String },
}

/// How it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// As JSON, under this media type.
    Json(String),
    /// As a form.
    Fields(Kind),
    /// As text of this media type.
    Plain(String),
    /// As the bytes of a file of this media type.
    File(String),
}

/// A body as a document has it: how it is made, and the parameters that it adds.
pub(super) struct Described {
    pub body: Body,
    pub parameters: Vec<Parameter>,
}

// === impl Described ===

impl Described {
    /// Reads a `requestBody`. Fails with a clause about the operation.
    pub(super) fn read<'d>(
        mut reader: Reader<'d, '_>,
        value: &'d Value,
    ) -> Result<Described, String> {
        let root = &reader.document.root;
        let value = refs::follow(root, value)?;
        let content = value.get("content").and_then(Value::as_object);
        let content = content.ok_or_else(|| "it has a body without content".to_owned())?;
        reader.document.takes(longest(content));
        let Some((form, media)) = choose(root, content) else {
            return Err("it has a body of no media type that can be written".to_owned());
        };
        reader.nulls = matches!(form, Form::Json(_));
        let needed = value.get("required") == Some(&Value::Bool(true));
        let schema = media.get("schema").unwrap_or(&Value::Null);
        let schema = refs::follow(root, schema)?;
        let merged = Merged::of(root, schema);
        let required = match needed {
            true => Need::Always,
            false => Need::No,
        };
        let body = match (form, merged.has_members()) {
            (Form::Json(mimetype), true) => Body::Object {
                mimetype,
                members: Members::read(&mut reader, &merged, required)?,
                needed,
            },
            (Form::Fields(kind), true) => {
                let encodings = media.get("encoding").unwrap_or(&Value::Null);
                Body::Fields {
                    kind,
                    members: Member::all(&mut reader, &merged, encodings, required)?,
                    needed,
                }
            }
            (form, _) => {
                if merged.get(FLATTEN).is_some() {
                    reader.note(format!("`{FLATTEN}` is ignored at a body itself"), "body");
                }
                whole(&mut reader, value, schema, form, needed)?
            }
        };
        Ok(Described {
            body,
            parameters: reader.parameters,
        })
    }
}

/// The length of the longest media type.
fn longest(content: &Map<String, Value>) -> usize {
    content.keys().map(String::len).max().unwrap_or_default()
}

/// The media type that is written, the handiest first.
fn choose<'d>(root: &'d Value, content: &'d Map<String, Value>) -> Option<(Form, &'d Value)> {
    let essence = |mimetype: &str| {
        mimetype
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    };
    let find =
        |is: &dyn Fn(&str) -> bool| content.iter().find(|(mimetype, _)| is(&essence(mimetype)));
    if let Some((mimetype, media)) =
        find(&|m| m == "application/json" || m == "*/*" || m == "application/*")
            .or_else(|| find(&|m| m.ends_with("+json") || m == "text/json"))
    {
        let mimetype = match mimetype.contains('*') {
            true => "application/json".to_owned(),
            false => mimetype.clone(),
        };
        return Some((Form::Json(mimetype), media));
    }
    if let Some((_, media)) = find(&|m| m == "application/x-www-form-urlencoded") {
        return Some((Form::Fields(Kind::Urlencoded), media));
    }
    if let Some((_, media)) = find(&|m| m == "multipart/form-data") {
        return Some((Form::Fields(Kind::Multipart), media));
    }
    let (mimetype, media) = find(&|m| !m.starts_with("multipart/") && !m.contains('*'))?;
    let form = match file::is_text(&essence(mimetype)) && !is_file(root, media) {
        true => Form::Plain(mimetype.clone()),
        false => Form::File(mimetype.clone()),
    };
    Some((form, media))
}

/// Whether a schema says that a body is a file, whatever its media type.
fn is_file(root: &Value, media: &Value) -> bool {
    let schema = media.get("schema").unwrap_or(&Value::Null);
    Encoding::of(&Merged::bare(root, schema)).is_some()
}

fn whole(
    reader: &mut Reader<'_, '_>,
    value: &Value,
    schema: &Value,
    form: Form,
    needed: bool,
) -> Result<Body, String> {
    let mut inlined = match form {
        // Bytes are given as text.
        Form::Plain(_) | Form::File(_) => Map::from_iter([("type".to_owned(), "string".into())]),
        _ => Inliner::new(reader.document).inline(schema),
    };
    if let Some(text) = value.get("description").and_then(Value::as_str) {
        let text = short(text);
        reader.document.takes(2 * text.len());
        inlined.insert("description".to_owned(), text.into());
    }
    let name = reader.name("body")?;
    let said = Merged::bare(&reader.document.root, schema);
    let nullable = reader.nulls && takes_null(reader.document, &said, &inlined);
    let parameter = parameter(&name, needed, inlined, nullable);
    reader.parameters.push(parameter);
    Ok(Body::Whole {
        form,
        parameter: name,
    })
}

// === impl Body ===

impl Body {
    /// The bytes, and their media type. Nothing: there is no body. `boundary` is a text that occurs in no
    /// part. Fails with a clause such as `parameter 'file' is no base64`.
    pub(super) fn write(
        &self,
        arguments: &Arguments,
        boundary: &str,
    ) -> Result<Option<(Bytes, String)>, String> {
        match self {
            Body::None => Ok(None),
            Body::Whole { form, parameter } => {
                let Some(json) = arguments.get(parameter) else {
                    return Ok(None);
                };
                Ok(Some(one(form, json, parameter)?))
            }
            Body::Object {
                mimetype,
                members,
                needed,
            } => {
                let sent = *needed || members.are_given(arguments);
                Ok(sent.then(|| (members.write(arguments), mimetype.clone())))
            }
            Body::Fields {
                kind,
                members,
                needed,
            } => {
                let given = form::given(members, arguments);
                if given.is_empty() && !needed {
                    return Ok(None);
                }
                form::write(*kind, &given, boundary).map(Some)
            }
        }
    }
}

fn one(form: &Form, json: &Json, parameter: &str) -> Result<(Bytes, String), String> {
    let text = || json.as_text().map_or_else(|| json.bytes(), Bytes::from);
    match form {
        Form::Json(mimetype) => Ok((json.bytes(), mimetype.clone())),
        Form::Plain(mimetype) => Ok((text(), mimetype.clone())),
        Form::File(mimetype) => {
            let bytes = match json.as_text() {
                Some(text) => Encoding::Text.bytes(text, parameter)?.into(),
                None => json.bytes(),
            };
            Ok((bytes, mimetype.clone()))
        }
        Form::Fields(Kind::Urlencoded) => {
            let mimetype = "application/x-www-form-urlencoded".to_owned();
            let Ok(Value::Object(members)) = json.read() else {
                return Ok((text(), mimetype));
            };
            let pairs = members.iter().map(|(name, value)| {
                format!("{}={}", encoded(name, false), encoded(&plain(value), false))
            });
            Ok((pairs.collect::<Vec<_>>().join("&").into(), mimetype))
        }
        Form::Fields(Kind::Multipart) => Err("its body must say which parts it has".to_owned()),
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
