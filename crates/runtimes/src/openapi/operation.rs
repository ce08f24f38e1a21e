//! One operation of a document, as a command and as what is sent when it is called.

use std::sync::Arc;

use crosspoint_core::{Command, Parameter, Safety};
use http::Method;
use serde_json::Value;

use super::body::{self, Body};
use super::document::{Document, size};
use super::parameter::{Described, Place, Wire};
use super::path::{Piece, pieces, places};
use super::property::Reader;
use super::refs;
use super::schema::short;
use super::security::{Scheme, credential};
use super::server::Server;
use super::shape::{RESULT, Shape};
use crate::notes::Notes;

/// So many parameters a command may have.
pub(super) const MOST_PARAMETERS: usize = 300;

/// About so many bytes a scheme takes in an operation, with the parameter that it is.
const SCHEME: usize = 400;

/// What is sent when a command is called.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub method: Method,
    pub server: Arc<Server>,
    pub path: Vec<Piece>,
    pub wires: Vec<Wire>,
    pub body: Body,
    /// Which media types its answers have, as `Accept` says it.
    pub accept: Option<String>,
    /// The alternatives by which it is secured.
    pub security: Vec<Vec<Scheme>>,
    /// What becomes of its answers.
    pub shape: Option<Shape>,
}

/// Where an operation stands in a document.
pub(super) struct At<'d> {
    pub document: &'d Document,
    pub path: &'d str,
    pub item: &'d Value,
    pub method: Method,
    pub operation: &'d Value,
    pub server: Arc<Server>,
    pub security: Vec<Vec<Scheme>>,
}

/// Why an operation with more cannot be a command.
pub(super) fn too_many() -> String {
    format!("it has more than {MOST_PARAMETERS} parameters")
}

// === impl At ===

impl<'d> At<'d> {
    /// The command of that name, and what it sends. Notes what is odd. Fails with a clause that says why
    /// it cannot be one.
    pub(super) fn read(
        self,
        name: &str,
        notes: &mut Notes,
    ) -> Result<(Command, Operation), String> {
        let at = format!("{} {}", self.method, self.path);
        // What follows a `#` tells operations of one address apart.
        let path = pieces(self.path.split('#').next().unwrap_or_default())?;
        self.counts();
        let mut parameters = self.server.parameters();
        let mut wires = Vec::new();
        let credentials = self.credentials();
        let taken = |name: &str, so_far: &[Parameter]| {
            let is = |parameter: &Parameter| parameter.name == name;
            so_far.iter().any(is) || credentials.iter().any(is)
        };
        for described in self.described()? {
            let Described {
                mut wire,
                parameter,
            } = described;
            if self.is_credential(&wire) {
                continue;
            }
            // One that has a single value is not asked for.
            if let Some(mut parameter) = parameter {
                if taken(&wire.parameter, &parameters) {
                    wire.parameter = format!("{}_{}", wire.place.name(), wire.parameter);
                    parameter.name.clone_from(&wire.parameter);
                }
                parameters.push(parameter);
            }
            wires.push(wire);
        }
        for place in places(&path) {
            let is = |wire: &&Wire| wire.place == Place::Path && wire.name == place;
            if !wires.iter().any(|wire| is(&wire)) {
                let place = crosspoint_core::shorten(place);
                return Err(format!(
                    "its path has {{{place}}}, which is no parameter of it"
                ));
            }
        }
        wires.retain(|wire| {
            wire.place != Place::Path || places(&path).any(|place| place == wire.name)
        });
        parameters.extend(credentials.iter().cloned());
        let mut made = Body::None;
        if let Some(described) = self.operation.get("requestBody") {
            let taken = |name: &str| parameters.iter().any(|known| known.name == name);
            let reader = Reader::new(self.document, &taken, notes, &at);
            let described = body::Described::read(reader, described)?;
            made = described.body;
            parameters.extend(described.parameters);
        }
        if parameters.len() > MOST_PARAMETERS {
            return Err(too_many());
        }
        parameters.sort_by_key(|parameter| !parameter.required);
        // Thousands of commands may be kept, for as long as the process runs.
        parameters.shrink_to_fit();
        wires.shrink_to_fit();
        let command = Command {
            name: name.to_owned(),
            description: self.description(),
            parameters,
            open: false,
            coerce: true,
            safety: match self.method {
                Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE => Safety::ReadOnly,
                Method::PUT | Method::DELETE => Safety::Idempotent,
                _ => Safety::Effectful,
            },
            passes_key: false,
            result: None,
        };
        let accept = self.accept();
        let shape = self.shape(notes, &at);
        let operation = Operation {
            method: self.method,
            server: self.server,
            path,
            wires,
            body: made,
            accept,
            security: self.security,
            shape,
        };
        Ok((command, operation))
    }

    /// Counts what it takes from the document beside schemas: all of it may be referred to from everywhere.
    fn counts(&self) {
        let security = self.security.iter().flatten().flat_map(Scheme::fields);
        let security: usize = security.map(|field| SCHEME + 4 * field.len()).sum();
        let shape = self.operation.get(RESULT).map_or(0, size);
        self.document.takes(security + shape + self.server.size());
        self.document.takes(self.description().len());
        self.document
            .takes(self.accept().map_or(0, |accept| accept.len()));
    }

    /// The parameters of the operation, then those of its path that it does not have itself.
    fn described(&self) -> Result<Vec<Described>, String> {
        let of = |value: &'d Value| {
            let list = value.get("parameters").and_then(Value::as_array);
            list.into_iter().flatten()
        };
        let mut all: Vec<Described> = Vec::new();
        // The path's stand first, as they do in the address.
        for value in of(self.item).chain(of(self.operation)) {
            if all.len() > MOST_PARAMETERS || self.document.exhausted().is_some() {
                return Err(too_many());
            }
            let Some(described) = Described::read(self.document, value)? else {
                continue;
            };
            let same = |known: &&mut Described| {
                known.wire.name == described.wire.name && known.wire.place == described.wire.place
            };
            match all.iter_mut().find(|known| same(known)) {
                Some(known) => *known = described,
                None => all.push(described),
            }
        }
        Ok(all)
    }

    /// The parameters by which a call itself says who it is. They are needed where there is no other way.
    fn credentials(&self) -> Vec<Parameter> {
        let only = self.security.len() == 1;
        let mut parameters: Vec<Parameter> = Vec::new();
        for scheme in self.security.iter().flatten() {
            for (at, field) in scheme.fields().into_iter().enumerate() {
                if !parameters.iter().any(|known| known.name == field) {
                    // A user may have no password.
                    parameters.push(credential(field, only && at == 0));
                }
            }
        }
        parameters
    }

    /// Whether a parameter is a key that a security scheme sends.
    fn is_credential(&self, wire: &Wire) -> bool {
        let place = wire.place.name();
        self.security.iter().flatten().any(|scheme| match scheme {
            Scheme::Key {
                name, place: own, ..
            } => own.name() == place && name.eq_ignore_ascii_case(&wire.name),
            Scheme::Basic { .. } | Scheme::Bearer { .. } => false,
        })
    }

    /// The media types of answers that say that it went well; JSON first.
    fn accept(&self) -> Option<String> {
        let responses = self.operation.get("responses")?.as_object()?;
        let well = responses
            .iter()
            .find(|(status, _)| status.starts_with('2'))?;
        let response = refs::follow(&self.document.root, well.1).ok()?;
        let content = response.get("content")?.as_object()?;
        let mut types: Vec<&str> = content.keys().map(String::as_str).take(8).collect();
        types.sort_by_key(|mimetype| !mimetype.contains("json"));
        (!types.is_empty()).then(|| types.join(", "))
    }

    /// What becomes of its answers; nothing where that is wrong, which is noted.
    fn shape(&self, notes: &mut Notes, at: &str) -> Option<Shape> {
        Shape::read(self.document, self.operation).unwrap_or_else(|clause| {
            notes.add_said(&format!("`{RESULT}` is ignored"), at, &clause);
            None
        })
    }

    fn description(&self) -> String {
        let text = |key: &str| self.operation.get(key).and_then(Value::as_str);
        let texts = [text("summary"), text("description")];
        let mut parts: Vec<String> = texts.into_iter().flatten().map(short).collect();
        parts.retain(|part| !part.is_empty());
        parts.dedup();
        match parts.is_empty() {
            true => format!("{} {}", self.method, self.path),
            false => parts.join("\n\n"),
        }
    }
}
