//! Tools as commands.

use std::collections::HashMap;

use crosspoint_core::{
    Command, Fields, Json, Manifest, Parameter, Safety, is_sensitive_name, shorten,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::about::{About, quoted};
use super::names::names;
use super::schema::{Budget, Schemas};
use crate::Idempotent;

/// The longest description of a tool or a server, in characters.
const LONGEST: usize = 4000;

/// A tool in its server's words.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tool {
    pub(super) name: String,
    title: Option<String>,
    description: Option<String>,
    input_schema: Option<Value>,
    output_schema: Option<Value>,
    #[serde(default)]
    annotations: Option<Annotations>,
}

/// What a server says about repeating a tool.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Annotations {
    title: Option<String>,
    read_only_hint: Option<bool>,
    idempotent_hint: Option<bool>,
}

/// What a server has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed {
    pub(super) about: About,
    pub(super) tools: Vec<Tool>,
    /// What is wrong with the list, a sentence each.
    pub(super) notes: Vec<String>,
}

/// A connector's commands, and which tool each is.
pub(super) struct Commands {
    pub(super) manifest: Manifest,
    tools: HashMap<String, String>,
}

// === impl Listed ===

impl Listed {
    /// The commands of the connector of that name, and sentences about tools that are none.
    pub(super) fn commands(
        &self,
        connector: &str,
        fields: Fields,
        idempotent: &Idempotent,
    ) -> (Commands, Vec<String>) {
        let own: Vec<_> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
        let mut notes = self.notes.clone();
        let (mut commands, mut tools) = (Vec::new(), HashMap::new());
        let (mut budget, mut large) = (Budget::of_list(), Vec::new());
        for (tool, name) in self.tools.iter().zip(names(&own)) {
            let Some(name) = name else {
                let name = shorten(&tool.name);
                notes.push(format!("there are two tools '{name}': the first counts"));
                continue;
            };
            budget.next_tool();
            commands.push(tool.command(&name, idempotent, &mut budget).into());
            if budget.is_spent().0 || budget.is_spent().1 {
                large.push(shorten(&tool.name));
            }
            tools.insert(name, tool.name.clone());
        }
        notes.extend(too_large(&large));
        let manifest = Manifest {
            name: connector.to_owned(),
            description: self.about.description(),
            commands,
            auths: Vec::new(),
            fields,
        };
        (Commands { manifest, tools }, notes)
    }
}

// === impl About ===

impl About {
    fn description(&self) -> String {
        let server = format!("The MCP server {}.", self.name);
        // They are for a model, and may be long; what is for people as well is in their first line.
        let first = self
            .instructions
            .as_deref()
            .and_then(|text| text.trim().lines().next());
        match first.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            None => server,
            Some(line) => format!("{server} {}", quoted(line)),
        }
    }
}

// === impl Commands ===

impl Commands {
    /// None, of a connector whose server has not said what it has.
    pub(super) fn none(connector: &str, fields: Fields) -> Commands {
        let manifest = Manifest {
            name: connector.to_owned(),
            description: "An MCP server that has not listed its tools.".to_owned(),
            commands: Vec::new(),
            auths: Vec::new(),
            fields,
        };
        let tools = HashMap::new();
        Commands { manifest, tools }
    }

    /// The tool that a command is.
    pub(super) fn tool(&self, command: &str) -> Option<&str> {
        self.tools.get(command).map(String::as_str)
    }
}

// === impl Tool ===

impl Tool {
    /// Whether its schema may be one; a tool without any takes no parameters.
    pub(super) fn has_schema(&self) -> bool {
        self.input_schema.as_ref().is_none_or(Value::is_object)
    }

    fn command(&self, name: &str, idempotent: &Idempotent, budget: &mut Budget) -> Command {
        let hints = self.annotations.clone().unwrap_or_default();
        let safety = match (hints.read_only_hint, hints.idempotent_hint) {
            (Some(true), _) => Safety::ReadOnly,
            (_, Some(true)) => Safety::Idempotent,
            _ if idempotent.covers(name) => Safety::Idempotent,
            _ => Safety::Effectful,
        };
        let (parameters, open) = self.parameters(budget);
        Command {
            name: name.to_owned(),
            description: self.text(name, &hints),
            parameters,
            open,
            coerce: false,
            safety,
            passes_key: false,
            result: self.result(budget),
        }
    }

    fn text(&self, name: &str, hints: &Annotations) -> String {
        let title = self.title.as_deref().or(hints.title.as_deref());
        let description = self.description.as_deref().unwrap_or_default();
        let mut text = match (title.map(str::trim), cut(description.trim())) {
            (Some(title), text) if text.is_empty() => quoted(title),
            (_, text) => text,
        };
        if name != self.name {
            let note = format!("The server calls this tool '{}'.", shorten(&self.name));
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(&note);
        }
        text
    }

    /// The parameters, required ones first, and whether it takes others. A parameter whose schema
    /// cannot be read takes any JSON; a tool whose schema is no plain object takes any parameters.
    fn parameters(&self, budget: &mut Budget) -> (Vec<Parameter>, bool) {
        let none = Value::Object(Map::new());
        let schema = self.input_schema.as_ref().unwrap_or(&none);
        let schemas = Schemas::of(schema);
        let schema = match schema.get("$ref") {
            Some(_) => schemas.standing_alone(schema, budget).unwrap_or_default(),
            None => schema.clone(),
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let parameter = |(name, own): (&String, &Value)| {
            let required = required.contains(&name.as_str());
            let described = |own: &Value| own.get("description").cloned();
            let mut own = schemas.standing_alone(own, budget).unwrap_or_else(|| {
                let text = described(own).filter(Value::is_string);
                Value::Object(
                    text.map(|text| ("description".to_owned(), text))
                        .into_iter()
                        .collect(),
                )
            });
            if let (true, Value::Object(own)) = (is_sensitive_name(name), &mut own) {
                own.insert("writeOnly".to_owned(), true.into());
            }
            Parameter::new(name, required, &own)
        };
        let mut parameters: Vec<_> = properties.into_iter().flatten().map(parameter).collect();
        parameters.sort_by_key(|parameter| !parameter.required);
        (parameters, is_open(&schema))
    }

    /// The schema of the result, where the server gives one that stands for itself.
    fn result(&self, budget: &mut Budget) -> Option<Json> {
        let schema = self.output_schema.as_ref()?;
        match Schemas::of(schema).standing_alone(schema, budget) {
            Some(schema @ Value::Object(_)) => Some(schema.into()),
            _ => None,
        }
    }
}

/// A sentence about tools whose schemas could not all be written out.
fn too_large(names: &[String]) -> Option<String> {
    let first = names.first()?;
    let others = match names.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    Some(format!(
        "the schemas of tool '{first}'{others} are too large once their references are followed: \
         parameters beyond that take any JSON"
    ))
}

/// Whether a schema lets more through than the properties that it lists. By JSON Schema that is so
/// unless it says otherwise, but nobody writes a tool for parameters that it does not name: only
/// what says so is open, and what is no plain object.
fn is_open(schema: &Value) -> bool {
    let says_so = match schema.get("additionalProperties") {
        Some(Value::Bool(open)) => *open,
        Some(Value::Object(_)) => true,
        _ => false,
    };
    let patterns = schema.get("patternProperties").is_some();
    let beyond = ["oneOf", "anyOf", "allOf", "if", "$ref"];
    let plain = schema.is_object() && !beyond.iter().any(|key| schema.get(key).is_some());
    says_so || patterns || !plain
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
