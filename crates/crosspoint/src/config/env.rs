//! The environment: `CROSSPOINT_…` variables over the file, and those of the replaced proxy.

use std::collections::BTreeMap;

use crosspoint_core::{nearest, shorten};

use super::problem::{Place, Problem, listed};
use super::reference::KeyText;
use super::scalars::Listen;
use super::schema::{self, Key};
use super::tree::{Node, Value};
use super::types::Config;

/// Names the configuration file.
pub const CONFIG: &str = "CROSSPOINT_CONFIG";
/// Adds an API key.
const API_KEY: &str = "CONNECTOR_PROXY_API_KEY";
/// Sets `access.cors_origins`.
const CORS_ORIGINS: &str = "CONNECTOR_PROXY_CORS_ORIGINS";
/// Sets the port of `listen`.
const PORT: &str = "CONNECTOR_PROXY_PORT";

/// The environment variables, read once. A value that is not valid Unicode is kept as nothing.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, Option<String>>);

/// Puts the variables into the tree, for which it needs to know the keys.
struct Overlay<'a> {
    env: &'a Environment,
    keys: Vec<Key<'static>>,
    tree: &'a mut Node,
    problems: Vec<Problem>,
}

// === impl Environment ===

impl Environment {
    /// That of this process.
    pub fn of_process() -> Environment {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let value = value.into_string().ok();
            name.into_string().ok().map(|name| (name, value))
        });
        Environment(variables.collect())
    }

    /// A variable: nothing when it is not set, `Some(None)` when it is not valid Unicode.
    pub fn get(&self, name: &str) -> Option<Option<&str>> {
        self.0.get(name).map(Option::as_deref)
    }

    /// Sets a variable over the one that is there: an option of the command line.
    pub fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), Some(value));
    }

    /// One variable whose value is not valid Unicode.
    #[cfg(test)]
    pub fn with_invalid(name: &str) -> Environment {
        Environment(BTreeMap::from([(name.to_owned(), None)]))
    }

    /// A variable that is set and valid.
    fn valid(&self, name: &str) -> Option<&str> {
        self.get(name).flatten()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Environment {
        let pair = |(name, value): (N, V)| (name.into(), Some(value.into()));
        Environment(variables.into_iter().map(pair).collect())
    }
}

// === impl Overlay ===

/// Puts what the environment says over what the file says. Values are checked with the rest
/// afterwards; the problems are those of the variables themselves.
pub fn overlay(tree: &mut Node, env: &Environment) -> Vec<Problem> {
    let mut overlay = Overlay {
        env,
        keys: schema::keys(),
        tree,
        problems: Vec::new(),
    };
    overlay.not_unicode();
    overlay.replaced_proxy();
    overlay.own();
    // Comes last, since it adds to the list, whoever wrote that.
    overlay.api_key();
    overlay.problems
}

impl Overlay<'_> {
    /// All but the API key, which is reported where it is resolved.
    fn not_unicode(&mut self) {
        let ours =
            |name: &str| name.starts_with("CROSSPOINT_") || [CORS_ORIGINS, PORT].contains(&name);
        let invalid = self
            .env
            .0
            .iter()
            .filter(|(name, value)| value.is_none() && ours(name));
        for (name, _) in invalid {
            let message = "the value is not valid Unicode".to_owned();
            self.problems
                .push(Problem::at(Place::Environment(name.clone()), message, ""));
        }
    }

    fn replaced_proxy(&mut self) {
        if let Some(origins) = self.env.valid(CORS_ORIGINS) {
            let place = Place::Environment(CORS_ORIGINS.to_owned());
            self.tree.set("access.cors_origins", list(origins, &place));
        }
        let listen = self.env.get("CROSSPOINT_LISTEN");
        if let (Some(port), None) = (self.env.valid(PORT), listen) {
            self.port(port);
        }
    }

    fn port(&mut self, port: &str) {
        if is_of_a_container_link(PORT, port) {
            return;
        }
        let place = Place::Environment(PORT.to_owned());
        let Ok(port) = port.parse() else {
            let message = format!("`{}` is not a port", shorten(port));
            let help = "expected a number from 0 to 65535";
            self.problems
                .push(Problem::new("listen", Some(&place), message, help));
            return;
        };
        let listen = match self.tree.get_text("listen") {
            // One that does not parse was taken out of the tree before and reported.
            Some(text) => text.parse().unwrap_or(Config::default().listen),
            None => Config::default().listen,
        };
        self.tree.set(
            "listen",
            Node::text(Listen::with_port(&listen, port).to_string(), &place),
        );
    }

    fn own(&mut self) {
        for (name, value) in &self.env.0 {
            let Some(value) = value else { continue };
            let place = Place::Environment(name.clone());
            match self.keys.iter().find(|key| key.variable() == *name) {
                Some(key) => self.tree.set(&key.name, read(value, key.schema, &place)),
                None if !name.starts_with("CROSSPOINT_") || name == CONFIG => {}
                None if is_of_a_container_link(name, value) => {}
                None => {
                    let message = "there is no such setting".to_owned();
                    self.problems
                        .push(Problem::at(place, message, self.nearest(name)));
                }
            }
        }
    }

    fn nearest(&self, name: &str) -> String {
        let bare = |name: &str| name.strip_prefix("CROSSPOINT_").unwrap_or(name).to_owned();
        let known: Vec<_> = self.keys.iter().map(|key| bare(&key.variable())).collect();
        match nearest(&bare(name), known.iter().map(String::as_str))[..] {
            [] => "take it out, or see the configuration reference for those there are".to_owned(),
            ref near => {
                let names: Vec<_> = near.iter().map(|n| format!("CROSSPOINT_{n}")).collect();
                format!("did you mean {}?", listed(names.iter().map(String::as_str)))
            }
        }
    }

    fn api_key(&mut self) {
        if self.env.get(API_KEY).is_none() {
            return;
        }
        let place = Place::Environment(API_KEY.to_owned());
        let reference = KeyText::variable(API_KEY).to_string();
        let mut nodes = self.tree.take_list("access.api_keys");
        let named = |node: &Node| {
            node.get_text("key")
                .or(node.as_text())
                .is_some_and(|text| text == reference)
        };
        let there = nodes.iter().any(named);
        if !there {
            nodes.push(Node::text(reference, &place));
        }
        let old = self
            .tree
            .get("access.api_keys")
            .map(|node| node.place.clone());
        let node = Node {
            place: old.unwrap_or(place),
            value: Value::List(nodes),
        };
        self.tree.set("access.api_keys", node);
    }
}

/// What a variable says, in the type that its key takes. What does not fit stays text, for the
/// check to report.
fn read(value: &str, schema: &serde_json::Value, place: &Place) -> Node {
    let types = schema::types(schema);
    match value {
        _ if types.contains(&"array") => list(value, place),
        "true" | "false" if types.contains(&"boolean") => Node {
            place: place.clone(),
            value: Value::Bool(value == "true"),
        },
        _ => Node::text(value, place),
    }
}

/// The parts between commas. Empty ones do not count.
fn list(value: &str, place: &Place) -> Node {
    let parts = value
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let nodes = parts.map(|part| Node::text(part, place)).collect();
    Node {
        place: place.clone(),
        value: Value::List(nodes),
    }
}

/// Whether a variable is one that Kubernetes and Docker set in every container for a service that
/// is called `crosspoint` or `connector-proxy`, and so none that anybody wrote for us.
fn is_of_a_container_link(name: &str, value: &str) -> bool {
    let service = ["CROSSPOINT_", "CONNECTOR_PROXY_"];
    let name = service
        .iter()
        .find_map(|service| name.strip_prefix(service))
        .unwrap_or_default();
    let numbered = name
        .strip_prefix("PORT_")
        .is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
    match name {
        "PORT" => value.contains("://"),
        "SERVICE_HOST" | "SERVICE_PORT" => true,
        _ => numbered || name.starts_with("SERVICE_PORT_"),
    }
}
