//! XML as JSON, by the conventions that the packages' users know (`xmltodict`): attributes are
//! `@name`, text beside them `#text`, repeated elements a list, an empty element null.
//!
//! Entities of a document type are not expanded and nothing is fetched.

use crosspoint_core::{Json, MAX_DEPTH};
use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// One open element.
struct Element {
    name: String,
    fields: Map<String, Value>,
    text: String,
}

/// Reads a document, or says why it is none.
pub(crate) fn read(text: &str) -> Result<Json, String> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::new(String::new())];
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                if open.len() >= MAX_DEPTH {
                    return Err(format!("elements are nested deeper than {MAX_DEPTH}"));
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => add(&mut open, element(&start)?),
            Event::End(_) => {
                if let Some(done) = open.pop() {
                    add(&mut open, done);
                }
            }
            Event::Text(text) => push_text(&mut open, &text),
            Event::CData(text) => push_text(&mut open, &text),
            Event::GeneralRef(entity) => {
                let text = resolve(&entity)?;
                push_text(&mut open, &text);
            }
            Event::Eof => break,
            Event::Decl(_) | Event::DocType(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
    match (open.pop(), open.len()) {
        (Some(root), 0) if root.fields.len() == 1 => {
            Json::of(&root.fields).map_err(|error| error.to_string())
        }
        (Some(_), 0) => Err("there is not exactly one root element".to_owned()),
        _ => Err("an element is not closed".to_owned()),
    }
}

fn resolve(entity: &quick_xml::events::BytesRef<'_>) -> Result<String, String> {
    if let Some(c) = entity
        .resolve_char_ref()
        .map_err(|error| error.to_string())?
    {
        return Ok(c.to_string());
    }
    let known = resolve_predefined_entity(entity).map(str::to_owned);
    known.ok_or_else(|| "it uses an entity of its own, which is not expanded".to_owned())
}

fn push_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element::new(start.name().as_ref().to_owned());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = unescape(&attribute.value).map_err(|error| error.to_string())?;
        element
            .fields
            .insert(format!("@{}", attribute.key.as_ref()), value.into());
    }
    Ok(element)
}

/// Puts a finished element into the one around it.
fn add(open: &mut [Element], done: Element) {
    let Some(parent) = open.last_mut() else {
        return;
    };
    let (name, value) = done.value();
    match parent.fields.get_mut(&name) {
        None => drop(parent.fields.insert(name, value)),
        Some(Value::Array(list)) => list.push(value),
        Some(first) => {
            let before = first.take();
            *first = Value::Array(vec![before, value]);
        }
    }
}

// === impl Element ===

impl Element {
    fn new(name: String) -> Element {
        Element {
            name,
            fields: Map::new(),
            text: String::new(),
        }
    }

    fn value(mut self) -> (String, Value) {
        let text = self.text.trim();
        let value = match (self.fields.is_empty(), text.is_empty()) {
            (true, true) => Value::Null,
            (true, false) => text.into(),
            (false, true) => Value::Object(self.fields),
            (false, false) => {
                self.fields.insert("#text".to_owned(), text.into());
                Value::Object(self.fields)
            }
        };
        (self.name, value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        read(text).unwrap().read().unwrap()
    }

    #[test]
    fn the_conventions_are_those_of_the_packages() {
        let text = r#"<?xml version="1.0"?><!-- c --><a x="1 &amp; 2"><b/><c>1</c><c>2</c><c>3</c>
            <d y="z">text &lt;&#65;<![CDATA[<raw>]]></d></a>"#;
        assert_eq!(
            value(text),
            json!({"a": {"@x": "1 & 2", "b": null, "c": ["1", "2", "3"],
                   "d": {"@y": "z", "#text": "text <A<raw>"}}})
        );
        assert_eq!(value("<a> x </a>"), json!({"a": "x"}));
    }

    #[test]
    fn what_is_not_xml_is_said() {
        for text in ["<a>", "<a></b>", "plain", "<a/><b/>", "<a><b></a></b>"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn entities_of_the_document_are_not_expanded_and_depth_is_bounded() {
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>"#;
        assert!(read(bomb).unwrap_err().contains("entity"));
        assert!(read(&"<a>".repeat(100_000)).is_err());
    }
}
