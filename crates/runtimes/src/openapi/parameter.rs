//! Parameters of operations: those in paths, queries, headers and cookies.

use crosspoint_core::{Parameter, is_sensitive_name};
use serde_json::{Map, Value};

use super::document::Document;
use super::refs;
use super::schema::{Inliner, short};
use super::style::{Spelling, Style};

/// The key by which a document names a parameter or a property for its callers otherwise than it is sent.
pub(super) const OWN_NAME: &str = "x-crosspoint-name";

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

/// How a parameter is sent.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    /// The command's parameter whose value it is.
    pub parameter: String,
    /// How it is called where it is sent.
    pub name: String,
    pub place: Place,
    pub spelling: Spelling,
    /// What is sent when a call does not give it.
    pub default: Option<Value>,
    /// Whether it goes to the system's origin and nowhere else.
    pub secret: bool,
}

/// A parameter as a document has it.
pub(super) struct Described {
    pub wire: Wire,
    /// Nothing: it has a single value, and calls are not asked for it.
    pub parameter: Option<Parameter>,
}

// === impl Place ===

impl Place {
    fn named(name: &str) -> Option<Place> {
        Some(match name {
            "path" => Place::Path,
            "query" => Place::Query,
            "header" => Place::Header,
            "cookie" => Place::Cookie,
            _ => return None,
        })
    }

    /// Its name in documents.
    pub(super) fn name(self) -> &'static str {
        match self {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
            Place::Cookie => "cookie",
        }
    }
}

// === impl Described ===

impl Described {
    /// Reads a parameter. Fails with a clause about its operation. Nothing: it is one that is not sent as
    /// a parameter (OpenAPI 3.1, "Parameter Object": `Accept`, `Content-Type`, `Authorization`).
    pub(super) fn read(document: &Document, value: &Value) -> Result<Option<Described>, String> {
        let value = refs::follow(&document.root, value)?;
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let (Some(name), Some(place)) = (text("name"), text("in")) else {
            return Err("it has a parameter without name and place".to_owned());
        };
        let Some(place) = Place::named(place) else {
            return Err("it has a parameter in a place that is not known".to_owned());
        };
        let standard = ["accept", "content-type", "authorization"];
        if place == Place::Header && standard.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return Ok(None);
        }
        let (schema, json) = schema(value);
        let own = text(OWN_NAME).unwrap_or(name).to_owned();
        document.takes(2 * (name.len() + own.len()));
        let mut inlined = Inliner::new(document).inline(schema);
        let only = only_value(&inlined);
        let default = only.clone().or_else(|| inlined.get("default").cloned());
        if let Some(text) = text("description") {
            let text = short(text);
            document.takes(2 * text.len());
            inlined.insert("description".to_owned(), text.into());
        }
        let needed = place == Place::Path || value.get("required") == Some(&Value::Bool(true));
        // What must be sent and has a default is sent with that.
        let default = default.filter(|_| needed);
        let fixed = needed && only.is_some();
        let secret = inlined.get("writeOnly") == Some(&Value::Bool(true));
        let required = needed && default.is_none();
        let parameter = (!fixed).then(|| parameter(&own, required, inlined, false));
        let wire = Wire {
            // What is fixed is no call's to give.
            parameter: if fixed { String::new() } else { own },
            name: name.to_owned(),
            place,
            spelling: spelling(value, place, json)?,
            default,
            secret: secret || parameter.as_ref().is_some_and(|own| own.secret),
        };
        Ok(Some(Described { wire, parameter }))
    }
}

/// The one value that a schema takes, if it takes only one.
pub(super) fn only_value(schema: &Map<String, Value>) -> Option<Value> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(only), _) => Some(only.clone()),
        (None, Some(Value::Array(choices))) => match &choices[..] {
            [only] => Some(only.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The schema, and whether the value is sent as JSON text.
fn schema(value: &Value) -> (&Value, bool) {
    if let Some(schema) = value.get("schema") {
        return (schema, false);
    }
    let content = value.get("content").and_then(Value::as_object);
    let first = content.and_then(|content| content.iter().next());
    match first {
        Some((mimetype, media)) => (
            media.get("schema").unwrap_or(&Value::Null),
            mimetype.contains("json"),
        ),
        None => (&Value::Null, false),
    }
}

fn spelling(value: &Value, place: Place, json: bool) -> Result<Spelling, String> {
    let style = match (json, value.get("style").and_then(Value::as_str)) {
        (true, _) => Style::Json,
        (false, Some(name)) => Style::named(name)
            .ok_or_else(|| "it has a parameter of a style that is not known".to_owned())?,
        (false, None) => match place {
            Place::Path | Place::Header => Style::Simple,
            Place::Query | Place::Cookie => Style::Form,
        },
    };
    let explode = value.get("explode").and_then(Value::as_bool);
    Ok(Spelling {
        style,
        explode: explode.unwrap_or(style == Style::Form),
        reserved: value.get("allowReserved") == Some(&Value::Bool(true)),
    })
}

/// The parameter of a command; a secret where its name or its schema says so. `nullable`: null is a value.
pub(super) fn parameter(
    name: &str,
    required: bool,
    mut schema: Map<String, Value>,
    nullable: bool,
) -> Parameter {
    if is_sensitive_name(name) && is_text(&schema) {
        schema.insert("writeOnly".to_owned(), true.into());
    }
    let schema = Value::Object(schema);
    match nullable {
        true => Parameter::nullable(name, required, &schema),
        false => Parameter::new(name, required, &schema),
    }
}

fn is_text(schema: &Map<String, Value>) -> bool {
    let is = |kind: &Value| match kind {
        Value::Array(kinds) => kinds.iter().all(|kind| kind == "string" || kind == "null"),
        kind => kind == "string",
    };
    schema.get("type").is_none_or(is) && !schema.contains_key("enum")
}

/// The name that a property or an operation has for callers.
pub(super) fn own_name<'a>(described: &'a Value, name: &'a str) -> &'a str {
    described
        .get(OWN_NAME)
        .and_then(Value::as_str)
        .unwrap_or(name)
}
