//! Bodies that are JSON objects: a tree of objects whose leaves are parameters of the command.

use bytes::Bytes;
use crosspoint_core::Arguments;
use serde_json::Value;

use super::merge::Merged;
use super::property::{Need, Reader, Slot};
use crate::object::Object;

/// The key by which a document has the properties of an object as parameters in place of the object.
pub(super) const FLATTEN: &str = "x-crosspoint-flatten";

/// So many objects may be flattened within one another.
const DEEPEST: usize = 8;

/// The members of an object, by their names.
#[derive(Debug, Clone)]
pub(super) struct Members(Vec<(String, Part)>);

/// What a member is.
#[derive(Debug, Clone)]
enum Part {
    Value(Slot),
    /// An object that is made of parameters.
    Object {
        members: Members,
        /// Whether it is the one element of a list.
        listed: bool,
        /// Whether it is sent even when none of its parameters is given.
        needed: bool,
    },
}

// === impl Members ===

impl Members {
    /// Reads the properties of a body. `required` is what those are that it requires. Fails with a clause
    /// about the operation.
    pub(super) fn read<'d>(
        reader: &mut Reader<'d, '_>,
        schema: &Merged<'d>,
        required: Need,
    ) -> Result<Members, String> {
        Members::at(reader, schema, required, 0)
    }

    fn at<'d>(
        reader: &mut Reader<'d, '_>,
        schema: &Merged<'d>,
        required: Need,
        depth: usize,
    ) -> Result<Members, String> {
        let mut members = Vec::new();
        for (name, property) in &schema.properties {
            let Some(said) = reader.look(name, property)? else {
                continue;
            };
            let need = Need::of(name, schema, required);
            let part = match flattened(reader, name, property, &said, depth) {
                Some((inner, listed)) => {
                    let required = match need {
                        Need::Always => Need::Always,
                        Need::Within | Need::No => Need::Within,
                    };
                    Part::Object {
                        members: Members::at(reader, &inner, required, depth + 1)?,
                        listed,
                        needed: need != Need::No,
                    }
                }
                None => Part::Value(reader.slot(name, property, &said, need)?),
            };
            members.push(((*name).to_owned(), part));
        }
        members.shrink_to_fit();
        Ok(Members(members))
    }

    /// Whether a call gives one of them.
    pub(super) fn are_given(&self, arguments: &Arguments) -> bool {
        self.0.iter().any(|(_, part)| match part {
            Part::Value(slot) => slot.is_given(arguments),
            Part::Object { members, .. } => members.are_given(arguments),
        })
    }

    /// The object.
    pub(super) fn write(&self, arguments: &Arguments) -> Bytes {
        let parts = self.0.iter();
        let given: Vec<(&str, Bytes)> = parts
            .filter_map(|(name, part)| Some((name.as_str(), part.write(arguments)?)))
            .collect();
        let size = given.iter().map(|(name, json)| name.len() + json.len() + 8);
        let mut object = Object::with_capacity(size.sum::<usize>() + 2);
        given.iter().for_each(|(name, json)| object.add(name, json));
        object.end()
    }
}

// === impl Part ===

impl Part {
    /// The JSON that is sent, if anything.
    fn write(&self, arguments: &Arguments) -> Option<Bytes> {
        match self {
            Part::Value(slot) => slot.value(arguments).map(|json| json.bytes()),
            Part::Object {
                members,
                listed,
                needed,
            } => {
                if !needed && !members.are_given(arguments) {
                    return None;
                }
                let object = members.write(arguments);
                Some(match listed {
                    true => [b"[", &*object, b"]"].concat().into(),
                    false => object,
                })
            }
        }
    }
}

/// What a property says of [`FLATTEN`].
pub(super) fn asked<'d>(property: &'d Value, said: &Merged<'d>) -> Option<&'d Value> {
    let value = property.get(FLATTEN).or_else(|| said.get(FLATTEN))?;
    (value != &Value::Bool(false)).then_some(value)
}

/// The object whose properties stand in place of a property, and whether it is in a list.
fn flattened<'d>(
    reader: &mut Reader<'d, '_>,
    name: &str,
    property: &'d Value,
    said: &Merged<'d>,
    depth: usize,
) -> Option<(Merged<'d>, bool)> {
    let value = asked(property, said)?;
    let root = &reader.document.root;
    match object(root, property, value, depth) {
        Ok(found) => Some(found),
        Err(why) => {
            reader.note(format!("`{FLATTEN}` is ignored {why}"), name);
            None
        }
    }
}

/// The same for a property that is to be flattened. Fails with where that is ignored.
fn object<'d>(
    root: &'d Value,
    property: &'d Value,
    asked: &Value,
    depth: usize,
) -> Result<(Merged<'d>, bool), &'static str> {
    if asked != &Value::Bool(true) {
        return Err("where it is neither true nor false");
    }
    if depth == DEEPEST {
        return Err("more than 8 objects deep");
    }
    let schema = Merged::of(root, property);
    let items = schema.get("items").filter(|_| !schema.has_members());
    let (object, listed) = match items {
        Some(items) => (Merged::of(root, items), true),
        None => (schema, false),
    };
    match object.has_members() {
        true => Ok((object, listed)),
        false => Err("at what is neither an object with properties nor a list of such"),
    }
}

#[cfg(test)]
#[path = "flatten_tests.rs"]
mod tests;
