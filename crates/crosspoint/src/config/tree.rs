//! The file as a tree in which everything knows its place.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Number};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::excerpt::excerpt;
use super::problem::{Place, Problem};
use super::schema::join;

/// A value and where it was written. Has no `Debug`, since values may be secrets.
pub struct Node {
    /// Where it was written.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// What can be written.
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(Number),
    /// `true` or `false`.
    Bool(bool),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Vec<(Key, Node)>),
    /// What no key takes, in words.
    Odd(&'static str),
}

/// A key of a table.
pub struct Key {
    /// Without quotes.
    pub name: String,
    /// Where it was written.
    pub place: Place,
}

/// Finds lines and columns in a text.
struct Source<'t> {
    file: Arc<str>,
    text: &'t str,
}

// === impl Node ===

impl Node {
    /// An empty file.
    pub fn empty(file: &Arc<str>) -> Node {
        Node {
            place: Place::WholeFile(file.clone()),
            value: Value::Table(Vec::new()),
        }
    }

    /// A text.
    pub fn text(text: impl Into<String>, place: &Place) -> Node {
        Node {
            place: place.clone(),
            value: Value::Text(text.into()),
        }
    }

    /// Reads a file's text. Fails with everything that is not TOML in it.
    pub fn parse(file: &Arc<str>, text: &str) -> Result<Node, Vec<Problem>> {
        let source = Source {
            file: file.clone(),
            text,
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            let value = source.table(table.into_inner());
            return Ok(Node {
                place: Place::WholeFile(file.clone()),
                value,
            });
        }
        Err(errors
            .iter()
            .map(|error| source.syntax_error(error))
            .collect())
    }

    /// What stands at a dotted key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Value::Table(entries) = &self.value else {
            return None;
        };
        let (first, rest) = key.split_once('.').unwrap_or((key, ""));
        let (_, node) = entries.iter().find(|(key, _)| key.name == first)?;
        if rest.is_empty() {
            Some(node)
        } else {
            node.get(rest)
        }
    }

    /// The text that stands at a dotted key.
    pub fn get_text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Puts a value at a dotted key, in place of what was there. Does nothing when something on
    /// the way is not a table, which is reported as such.
    pub fn set(&mut self, key: &str, node: Node) {
        let Value::Table(entries) = &mut self.value else {
            return;
        };
        let (first, rest) = key.split_once('.').unwrap_or((key, ""));
        let at = entries
            .iter()
            .position(|(key, _)| key.name == first)
            .unwrap_or_else(|| {
                let key = Key {
                    name: first.to_owned(),
                    place: node.place.clone(),
                };
                let table = Node {
                    place: node.place.clone(),
                    value: Value::Table(Vec::new()),
                };
                entries.push((key, table));
                entries.len() - 1
            });
        if rest.is_empty() {
            entries[at].1 = node;
        } else {
            entries[at].1.set(rest, node);
        }
    }

    /// The list at a dotted key, which is empty from then on; empty when there is none.
    pub fn take_list(&mut self, key: &str) -> Vec<Node> {
        match self.get_mut(key).map(|node| &mut node.value) {
            Some(Value::List(nodes)) => std::mem::take(nodes),
            _ => Vec::new(),
        }
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let Value::Table(entries) = &mut self.value else {
            return None;
        };
        let (first, rest) = key.split_once('.').unwrap_or((key, ""));
        let (_, node) = entries.iter_mut().find(|(key, _)| key.name == first)?;
        if rest.is_empty() {
            Some(node)
        } else {
            node.get_mut(rest)
        }
    }

    /// The places of all keys that are not tables, and of each element of a list as `key[0]`.
    pub fn origins(&self) -> BTreeMap<String, Place> {
        let mut origins = BTreeMap::new();
        self.collect_origins("", &mut origins);
        origins
    }

    fn collect_origins(&self, name: &str, origins: &mut BTreeMap<String, Place>) {
        let Value::Table(entries) = &self.value else {
            return;
        };
        for (key, node) in entries {
            let name = join(name, &key.name);
            match &node.value {
                Value::Table(_) => node.collect_origins(&name, origins),
                value => {
                    if let Value::List(nodes) = value {
                        let places = nodes.iter().map(|node| node.place.clone()).enumerate();
                        origins.extend(places.map(|(at, place)| (format!("{name}[{at}]"), place)));
                    }
                    let place = if let Place::File { .. } = node.place {
                        &key.place
                    } else {
                        &node.place
                    };
                    origins.insert(name, place.clone());
                }
            }
        }
    }

    /// The values without their places.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Text(text) => text.as_str().into(),
            Value::Number(number) => number.clone().into(),
            Value::Bool(truth) => (*truth).into(),
            Value::List(nodes) => nodes.iter().map(Node::to_json).collect(),
            Value::Table(entries) => entries
                .iter()
                .map(|(key, node)| (key.name.clone(), node.to_json()))
                .collect::<Map<_, _>>()
                .into(),
            Value::Odd(_) => serde_json::Value::Null,
        }
    }
}

// === impl Source ===

impl Source<'_> {
    fn table(&self, table: DeTable<'_>) -> Value {
        let entry = |(key, value): (Spanned<_>, Spanned<_>)| {
            let place = self.place(key.span());
            (
                Key {
                    name: String::from(key.into_inner()),
                    place,
                },
                self.node(value),
            )
        };
        Value::Table(table.into_iter().map(entry).collect())
    }

    fn node(&self, value: Spanned<DeValue<'_>>) -> Node {
        let place = self.place(value.span());
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Boolean(truth) => Value::Bool(truth),
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
                .map_or(Value::Odd("a number that is too large"), |n| {
                    Value::Number(n.into())
                }),
            DeValue::Float(digits) => digits
                .as_str()
                .parse()
                .ok()
                .and_then(Number::from_f64)
                .map_or(Value::Odd("a number that is not finite"), Value::Number),
            DeValue::Datetime(_) => Value::Odd("a date or time"),
            DeValue::Array(list) => {
                Value::List(list.into_iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => self.table(table),
        };
        Node { place, value }
    }

    fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place::File {
            file: self.file.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn syntax_error(&self, error: &toml::de::Error) -> Problem {
        let span = error.span().unwrap_or_default();
        let place = self.place(span.clone());
        // The parser guesses what a value without quotes was meant to be.
        let unquoted = [
            "string values must be quoted",
            "invalid float",
            "invalid integer",
        ];
        let help = match unquoted
            .iter()
            .any(|start| error.message().starts_with(start))
        {
            true => "put quotes around the value, unless it is a number or a boolean",
            false => "",
        };
        let message = error.message().trim_end_matches(", expected nothing");
        let mut problem = Problem::at(place, format!("not TOML: {message}"), help);
        if let Some(Place::File { line, column, .. }) = &problem.place {
            let width = self.text.get(span).map_or(1, |part| part.chars().count());
            let text = self.text.lines().nth(line - 1).unwrap_or_default();
            problem.excerpt = Some(excerpt(text, *line, *column, width));
        }
        problem
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
