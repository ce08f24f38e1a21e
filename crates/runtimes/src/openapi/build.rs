//! Makes a connector of a document.

use std::collections::HashMap;
use std::sync::Arc;

use crosspoint_core::{Command, Fields, Manifest, Parameter, Safety};
use http::Method;
use serde_json::{Map, Value};

use super::document::Document;
use super::names::Names;
use super::operation::{At, Operation};
use super::parameter::Place;
use super::refs;
use super::schema::short;
use super::security::{Flow, Scheme, Schemes};
use super::server::Server;
use super::settings::{self, Settings};
use crate::notes::Notes;

/// So many operations become commands.
const MOST_OPERATIONS: usize = 5_000;

/// So many parameters all commands may have together.
const MOST_PARAMETERS: usize = 100_000;

/// So many parameters may be fields of a profile.
const MOST_FIELDS: usize = 100;

/// The methods of a path, in the order in which they are listed.
const METHODS: [(&str, Method); 8] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("options", Method::OPTIONS),
    ("head", Method::HEAD),
    ("patch", Method::PATCH),
    ("trace", Method::TRACE),
];

/// A connector that a document describes.
pub(super) struct Built {
    pub manifest: Manifest,
    pub operations: HashMap<String, Operation>,
    /// The ways to authorise, by the names of their auths.
    pub flows: HashMap<String, Flow>,
    /// Where the system is, and how it is asked when nothing is said of that.
    pub server: Arc<Server>,
    pub security: Vec<Vec<Scheme>>,
    /// What was left out, and what is odd, a clause each.
    pub notes: Vec<String>,
}

/// What is the same for all operations.
struct Builder<'d> {
    document: &'d Document,
    settings: &'d Settings,
    at: &'d settings::At,
    schemes: Schemes,
    server: Arc<Server>,
    names: Names,
    notes: Notes,
    manifest: Manifest,
    operations: HashMap<String, Operation>,
    /// How many parameters they have together.
    parameters: usize,
    /// Why no more are read, as a clause.
    full: Option<&'static str>,
}

/// Reads the operations that are wanted. Fails with a clause about the document.
pub(super) fn build(
    document: &Document,
    name: &str,
    settings: &Settings,
    at: &settings::At,
) -> Result<Built, String> {
    let root = &document.root;
    let server = Server::read(root.get("servers"), settings, at)?;
    let mut notes = Notes::default();
    let schemes = Schemes::read(document, &mut notes);
    let info = |key: &str| {
        root.pointer(&format!("/info/{key}"))
            .and_then(Value::as_str)
    };
    let mut builder = Builder {
        document,
        settings,
        at,
        server: Arc::new(server),
        names: Names::default(),
        notes,
        manifest: Manifest {
            name: name.to_owned(),
            description: short(info("title").unwrap_or(name)),
            commands: Vec::new(),
            auths: schemes.auths.iter().map(|(auth, _)| auth.clone()).collect(),
            fields: Fields::default(),
        },
        schemes,
        operations: HashMap::new(),
        parameters: 0,
        full: None,
    };
    let Some(paths) = root.get("paths").and_then(Value::as_object) else {
        return Err("has no `paths`, and so no operations".to_owned());
    };
    builder.paths(paths);
    builder.finish()
}

// === impl Builder ===

impl Builder<'_> {
    fn paths(&mut self, paths: &Map<String, Value>) {
        for (path, item) in paths {
            if !path.starts_with('/') {
                if !path.starts_with("x-") {
                    self.notes
                        .add("paths that do not begin with / are left out", path);
                }
                continue;
            }
            let Ok(item) = refs::follow(&self.document.root, item) else {
                let clause = "paths that refer to elsewhere are left out";
                self.notes.add(clause, path);
                continue;
            };
            for (key, method) in METHODS {
                if let Some(operation) = item.get(key).filter(|one| one.is_object()) {
                    self.operation(path, item, key, method, operation);
                }
            }
        }
    }

    fn operation(
        &mut self,
        path: &str,
        item: &Value,
        key: &str,
        method: Method,
        operation: &Value,
    ) {
        let place = format!("{method} {path}");
        let id = operation.get("operationId").and_then(Value::as_str);
        let (mut name, twice) = self.names.name(id, key, path);
        if !self.settings.wants(&name, key, path) {
            return;
        }
        if twice {
            self.notes.add(
                "operations whose id is another's are called by method and path",
                &name,
            );
        }
        if let Some(new) = self.settings.renamed(&name, key, path) {
            name = new.to_owned();
        }
        if self.operations.len() == MOST_OPERATIONS {
            self.notes
                .add("of more than 5,000 operations the first 5,000 count", "");
            return;
        }
        if self.operations.contains_key(&name) {
            let clause = "of two operations with one name the first counts";
            self.notes.add(clause, &name);
            return;
        }
        if let Some(why) = self.full {
            self.notes.add_said("operations are left out", &place, why);
            return;
        }
        let server = match self.server_of(item, operation) {
            Ok(server) => server,
            Err(why) => {
                let clause = "operations whose own server cannot be used are left out";
                let why = format!("the document {why}");
                self.notes.add_said(clause, &place, &why);
                return;
            }
        };
        let security = operation
            .get("security")
            .or_else(|| self.document.root.get("security"));
        let at = At {
            document: self.document,
            path,
            item,
            method,
            operation,
            server,
            security: self.schemes.of(security),
        };
        let read = at.read(&name, &mut self.notes);
        if let Ok((command, _)) = &read {
            self.parameters += command.parameters.len();
        }
        let many = self.parameters > MOST_PARAMETERS;
        let many = many.then_some("all together have more than 100,000 parameters");
        self.full = self.document.exhausted().or(many);
        let why = match (self.full, read) {
            // It may not be complete.
            (Some(why), _) => why.to_owned(),
            (None, Err(why)) => why,
            (None, Ok((command, operation))) => return self.add(name, command, operation),
        };
        self.notes.add_said("operations are left out", &place, &why);
    }

    fn add(&mut self, name: String, mut command: Command, operation: Operation) {
        if command.safety == Safety::Effectful && self.settings.idempotent.covers(&name) {
            command.safety = Safety::Idempotent;
        }
        self.manifest.commands.push(command.into());
        self.operations.insert(name, operation);
    }

    /// The operation's server, else its path's, else the document's.
    fn server_of(&self, item: &Value, operation: &Value) -> Result<Arc<Server>, String> {
        let own = operation.get("servers").or_else(|| item.get("servers"));
        match own.filter(|_| self.settings.server.is_none()) {
            None => Ok(self.server.clone()),
            Some(servers) => {
                let server = Server::read(Some(servers), self.settings, self.at)?;
                Ok(Arc::new(server))
            }
        }
    }

    fn finish(mut self) -> Result<Built, String> {
        let root = &self.document.root;
        let mut declared = self.server.parameters();
        declared.iter_mut().for_each(|field| field.required = false);
        declared.extend(self.schemes.fields());
        for field in self.standing_in() {
            if !declared.iter().any(|known| known.name == field.name) {
                declared.push(field);
            }
        }
        self.manifest.fields = Fields {
            declared,
            ..Fields::default()
        };
        self.unknown_names();
        let security = self.schemes.of(root.get("security"));
        let flows = self.schemes.auths.into_iter();
        Ok(Built {
            flows: flows.map(|(auth, flow)| (auth.name, flow)).collect(),
            manifest: self.manifest,
            operations: self.operations,
            server: self.server,
            security,
            notes: self.notes.clauses(),
        })
    }

    /// What a profile may say in place of calls: what must be in paths and headers, such as the name of a
    /// tenant.
    fn standing_in(&self) -> Vec<Parameter> {
        let mut fields: Vec<Parameter> = Vec::new();
        for command in &self.manifest.commands {
            let operation = self.operations.get(&command.name);
            let wires = operation.into_iter().flat_map(|operation| &operation.wires);
            let fixed = wires.filter(|wire| matches!(wire.place, Place::Path | Place::Header));
            for wire in fixed {
                let parameter = command.parameter(&wire.parameter);
                let Some(parameter) = parameter.filter(|parameter| parameter.required) else {
                    continue;
                };
                let known = fields.iter().any(|field| field.name == parameter.name);
                if !known && fields.len() < MOST_FIELDS {
                    fields.push(parameter.optional());
                }
            }
        }
        fields
    }

    /// Settings that are about no operation were meant for one.
    fn unknown_names(&mut self) {
        if self.operations.is_empty() {
            let clause = match self.settings.include.is_empty() {
                true => "it has no operations that can be commands",
                false => "no operation is left by `include` and `exclude`",
            };
            self.notes.add(clause, "");
        }
        for (old, new) in &self.settings.rename {
            if !self.operations.contains_key(new) {
                self.notes
                    .add("`rename` names operations that are not there", old);
            }
        }
    }
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
