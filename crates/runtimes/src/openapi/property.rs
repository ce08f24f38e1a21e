//! Properties of bodies, as parameters of the command.

use crosspoint_core::{Arguments, Json, Parameter};
use serde_json::Value;

use super::document::Document;
use super::merge::Merged;
use super::null::takes_null;
use super::operation::{MOST_PARAMETERS, too_many};
use super::parameter::{OWN_NAME, only_value, own_name, parameter};
use super::schema::Inliner;
use crate::notes::Notes;

/// A value that is sent: that of a parameter, else the one that stands for it.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// The command's parameter. Empty where there is one possible value, which is no call's to give.
    pub parameter: String,
    pub default: Option<Value>,
}

/// Whether a property must be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    No,
    /// When the object is sent in which it stands.
    Within,
    Always,
}

/// Reads the properties of a body, and gathers the parameters that they are.
pub(super) struct Reader<'d, 'a> {
    pub document: &'d Document,
    pub parameters: Vec<Parameter>,
    /// Whether null can be sent: not in forms.
    pub nulls: bool,
    /// Whether the operation has a parameter of that name already.
    taken: &'a dyn Fn(&str) -> bool,
    notes: &'a mut Notes,
    /// The operation, for notes.
    place: &'a str,
    /// How many properties may still be looked at.
    left: usize,
}

// === impl Slot ===

impl Slot {
    /// Whether a call gives it.
    pub(super) fn is_given(&self, arguments: &Arguments) -> bool {
        arguments.get(&self.parameter).is_some()
    }

    /// What is sent, if anything.
    pub(super) fn value(&self, arguments: &Arguments) -> Option<Json> {
        let default = || self.default.clone().map(Json::from);
        arguments.get(&self.parameter).cloned().or_else(default)
    }
}

// === impl Need ===

impl Need {
    /// That of a property whose required siblings have the need `required`.
    pub(super) fn of(name: &str, schema: &Merged<'_>, required: Need) -> Need {
        match schema.required.contains(&name) {
            true => required,
            false => Need::No,
        }
    }
}

// === impl Reader ===

impl<'d, 'a> Reader<'d, 'a> {
    /// For the operation that notes call `place`; `taken` knows the names of its other parameters.
    pub(super) fn new(
        document: &'d Document,
        taken: &'a dyn Fn(&str) -> bool,
        notes: &'a mut Notes,
        place: &'a str,
    ) -> Reader<'d, 'a> {
        Reader {
            document,
            parameters: Vec::new(),
            nulls: false,
            taken,
            notes,
            place,
            left: MOST_PARAMETERS,
        }
    }

    /// What a property says without its own properties. Nothing: only answers have it. Fails when the
    /// body has too many.
    pub(super) fn look(
        &mut self,
        name: &str,
        property: &'d Value,
    ) -> Result<Option<Merged<'d>>, String> {
        self.left = self.left.checked_sub(1).ok_or_else(too_many)?;
        self.document.takes(4 * name.len());
        let said = Merged::bare(&self.document.root, property);
        Ok((said.get("readOnly") != Some(&Value::Bool(true))).then_some(said))
    }

    /// Makes a property a parameter, unless it must be sent and has one possible value. Fails when its
    /// name is taken.
    pub(super) fn slot(
        &mut self,
        name: &str,
        property: &Value,
        said: &Merged<'_>,
        need: Need,
    ) -> Result<Slot, String> {
        let inlined = Inliner::new(self.document).inline(property);
        let must = need != Need::No;
        if let Some(only) = only_value(&inlined).filter(|_| must) {
            return Ok(Slot {
                parameter: String::new(),
                default: Some(only),
            });
        }
        let own = said.get(OWN_NAME).and_then(Value::as_str).unwrap_or(name);
        let own = own_name(property, own);
        self.document.takes(3 * own.len());
        let own = self.name(own)?;
        let default = inlined.get("default").cloned().filter(|_| must);
        let required = need == Need::Always && default.is_none();
        let nullable = self.nulls && takes_null(self.document, said, &inlined);
        self.parameters
            .push(parameter(&own, required, inlined, nullable));
        Ok(Slot {
            parameter: own,
            default,
        })
    }

    /// A name that no other parameter has: the wanted one, or with `body_` before it.
    pub(super) fn name(&self, wanted: &str) -> Result<String, String> {
        let is_taken = |name: &str| {
            (self.taken)(name) || self.parameters.iter().any(|known| known.name == name)
        };
        if !is_taken(wanted) {
            return Ok(wanted.to_owned());
        }
        let other = format!("body_{wanted}");
        match is_taken(&other) {
            false => Ok(other),
            true => {
                let wanted = crosspoint_core::shorten(wanted);
                Err(format!(
                    "its body has several parameters `{wanted}`: name them by `{OWN_NAME}`"
                ))
            }
        }
    }

    /// Notes what is odd about a property.
    pub(super) fn note(&mut self, clause: String, name: &str) {
        self.notes.add(clause, &format!("{name} of {}", self.place));
    }
}
