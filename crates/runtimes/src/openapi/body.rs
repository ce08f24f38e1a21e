//! Bodies of requests: which parameters make them up, and how they are written.

use bytes::Bytes;
use crosspoint_core::{Arguments, Json, Parameter};
use serde_json::{Map, Value};

use super::document::Document;
use super::merge::Merged;
use super::operation::{MOST_PARAMETERS, too_many};
use super::parameter::{OWN_NAME, only_value, own_name, parameter};
use super::refs;
use super::schema::{Inliner, short};
use super::style::{Spelling, Style, encoded, plain};
use crate::object::Object;

/// How a body is made.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// There is none.
    None,
    /// An object of members.
    Members {
        form: Form,
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
    /// As a form in the spelling of URLs.
    Urlencoded,
    /// As a form of several parts.
    Multipart,
    /// As text or bytes of this media type.
    Plain(String),
}

/// A member of a body.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// The command's parameter whose value it is.
    pub parameter: String,
    pub name: String,
    pub default: Option<Value>,
    /// How lists and objects are written in a form.
    pub spelling: Spelling,
    /// The media type of its part in a form of several.
    pub mimetype: Option<String>,
    /// Whether it is a file: its value is text or base64.
    pub binary: Option<Encoding>,
}

/// How the bytes of a file are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As they are, or in base64 when the value begins with `base64:`.
    Text,
    /// In base64.
    Base64,
}

/// A body as a document has it: how it is made, and the parameters that it adds.
pub(super) struct Described {
    pub body: Body,
    pub parameters: Vec<Parameter>,
}

// === impl Described ===

impl Described {
    /// Reads a `requestBody`. `taken` are the names of other parameters. Fails with a clause about the
    /// operation.
    pub(super) fn read(
        document: &Document,
        value: &Value,
        taken: &dyn Fn(&str) -> bool,
    ) -> Result<Described, String> {
        let value = refs::follow(&document.root, value)?;
        let content = value.get("content").and_then(Value::as_object);
        let content = content.ok_or_else(|| "it has a body without content".to_owned())?;
        let Some((form, media)) = choose(content) else {
            return Err("it has a body of no media type that can be written".to_owned());
        };
        let needed = value.get("required") == Some(&Value::Bool(true));
        let none = Value::Null;
        let schema = media.get("schema").unwrap_or(&none);
        let schema = refs::follow(&document.root, schema)?;
        let merged = Merged::of(&document.root, schema);
        let one_of_several = merged.get("oneOf").is_some() || merged.get("anyOf").is_some();
        let encodings = media.get("encoding").unwrap_or(&none);
        let members = !merged.properties.is_empty() && !one_of_several;
        match members && !matches!(form, Form::Plain(_)) {
            true => {
                if merged.properties.len() > MOST_PARAMETERS {
                    return Err(too_many());
                }
                let is_required = |name: &str| needed && merged.required.contains(&name);
                let (mut members, mut parameters) = (Vec::new(), Vec::new());
                for (name, property) in &merged.properties {
                    let read = member(
                        document,
                        name,
                        property,
                        encodings,
                        taken,
                        is_required(name),
                    );
                    let Some((member, parameter)) = read else {
                        continue;
                    };
                    members.push(member);
                    parameters.extend(parameter);
                }
                Ok(Described {
                    body: Body::Members {
                        form,
                        members,
                        needed,
                    },
                    parameters,
                })
            }
            false => Ok(whole(document, value, schema, form, needed, taken)),
        }
    }
}

/// The media type that is written, the handiest first.
fn choose(content: &Map<String, Value>) -> Option<(Form, &Value)> {
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
        return Some((Form::Urlencoded, media));
    }
    if let Some((_, media)) = find(&|m| m == "multipart/form-data") {
        return Some((Form::Multipart, media));
    }
    let (mimetype, media) = find(&|m| !m.starts_with("multipart/") && !m.contains('*'))?;
    Some((Form::Plain(mimetype.clone()), media))
}

fn member(
    document: &Document,
    name: &str,
    property: &Value,
    encodings: &Value,
    taken: &dyn Fn(&str) -> bool,
    required: bool,
) -> Option<(Member, Option<Parameter>)> {
    let merged = Merged::bare(&document.root, property);
    // What only answers have.
    if merged.get("readOnly") == Some(&Value::Bool(true)) {
        return None;
    }
    let inlined = Inliner::new(document).inline(property);
    let own = merged.get(OWN_NAME).and_then(Value::as_str).unwrap_or(name);
    let own = own_name(property, own);
    let own = match taken(own) {
        true => format!("body_{own}"),
        false => own.to_owned(),
    };
    let only = only_value(&inlined).filter(|_| required);
    let default = inlined.get("default").cloned().filter(|_| required);
    let default = only.clone().or(default);
    let encoding = encodings.get(name);
    let says = |key: &str| encoding.and_then(|encoding| encoding.get(key));
    let style = says("style").and_then(Value::as_str).and_then(Style::named);
    let style = style.unwrap_or(Style::Form);
    let mimetype = says("contentType").and_then(Value::as_str);
    let fixed = only.is_some();
    let parameter = (!fixed).then(|| parameter(&own, required && default.is_none(), inlined));
    let member = Member {
        // What is fixed is no call's to give.
        parameter: if fixed { String::new() } else { own },
        name: name.to_owned(),
        default,
        spelling: Spelling {
            style,
            explode: says("explode")
                .and_then(Value::as_bool)
                .unwrap_or(style == Style::Form),
            reserved: false,
        },
        mimetype: mimetype.map(|types| {
            types
                .split(',')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        }),
        binary: binary(&merged),
    };
    Some((member, parameter))
}

fn binary(schema: &Merged<'_>) -> Option<Encoding> {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    match (
        text("format"),
        text("contentEncoding"),
        text("contentMediaType"),
    ) {
        (Some("byte"), _, _) | (_, Some("base64"), _) => Some(Encoding::Base64),
        (Some("binary"), _, _) | (_, _, Some(_)) => Some(Encoding::Text),
        _ => None,
    }
}

fn whole(
    document: &Document,
    value: &Value,
    schema: &Value,
    form: Form,
    needed: bool,
    taken: &dyn Fn(&str) -> bool,
) -> Described {
    let mut inlined = match form {
        // Bytes are given as text.
        Form::Plain(_) => Map::from_iter([("type".to_owned(), "string".into())]),
        _ => Inliner::new(document).inline(schema),
    };
    if let Some(text) = value.get("description").and_then(Value::as_str) {
        inlined.insert("description".to_owned(), short(text).into());
    }
    let name = match taken("body") {
        true => "body_body",
        false => "body",
    };
    Described {
        body: Body::Whole {
            form,
            parameter: name.to_owned(),
        },
        parameters: vec![parameter(name, needed, inlined)],
    }
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
                Ok(Some(one(form, json)?))
            }
            Body::Members {
                form,
                members,
                needed,
            } => {
                let given: Vec<(&Member, Json)> = members
                    .iter()
                    .filter_map(|member| {
                        let default = || member.default.clone().map(Json::from);
                        let value = arguments.get(&member.parameter).cloned().or_else(default)?;
                        Some((member, value))
                    })
                    .collect();
                if given.is_empty() && !needed {
                    return Ok(None);
                }
                many(form, &given, boundary).map(Some)
            }
        }
    }
}

fn one(form: &Form, json: &Json) -> Result<(Bytes, String), String> {
    let text = || json.as_text().map_or_else(|| json.bytes(), Bytes::from);
    match form {
        Form::Json(mimetype) => Ok((json.bytes(), mimetype.clone())),
        Form::Plain(mimetype) => Ok((text(), mimetype.clone())),
        Form::Urlencoded => {
            let mimetype = "application/x-www-form-urlencoded".to_owned();
            let Ok(Value::Object(members)) = json.read() else {
                return Ok((text(), mimetype));
            };
            let pairs = members.iter().map(|(name, value)| {
                format!("{}={}", encoded(name, false), encoded(&plain(value), false))
            });
            Ok((pairs.collect::<Vec<_>>().join("&").into(), mimetype))
        }
        Form::Multipart => Err("its body must say which parts it has".to_owned()),
    }
}

fn many(form: &Form, given: &[(&Member, Json)], boundary: &str) -> Result<(Bytes, String), String> {
    match form {
        Form::Urlencoded => {
            let mut pairs = Vec::new();
            for (member, json) in given {
                let value: Value = json.read().unwrap_or_default();
                pairs.extend(member.spelling.query(&member.name, &value));
            }
            let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
            let text = pairs.collect::<Vec<_>>().join("&");
            Ok((text.into(), "application/x-www-form-urlencoded".to_owned()))
        }
        Form::Multipart => {
            let mut text = Vec::new();
            for (member, json) in given {
                super::multipart::part(&mut text, member, json, boundary)?;
            }
            text.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            Ok((
                text.into(),
                format!("multipart/form-data; boundary={boundary}"),
            ))
        }
        Form::Json(mimetype) => {
            let size = given
                .iter()
                .map(|(m, json)| m.name.len() + json.as_bytes().len() + 8);
            let mut object = Object::with_capacity(size.sum::<usize>() + 2);
            for (member, json) in given {
                object.add(&member.name, json.as_bytes());
            }
            Ok((object.end(), mimetype.clone()))
        }
        Form::Plain(mimetype) => Ok((Bytes::new(), mimetype.clone())),
    }
}
