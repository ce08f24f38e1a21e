//! `CROSSPOINT_…` variables over the file, and those of the replaced proxy.

use std::collections::BTreeSet;

use crosspoint_core::{nearest, shorten};

use super::check_schema::fitting;
use super::connector_tables::{built_in_names, table_of};
use super::environment::Environment;
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
/// Variables of Activiti Cloud that change the names of destinations, and what each sets.
const ACTIVITI: [(&str, &str); 6] = [
    ("ACT_MESSAGING_DEST_PREFIX", "activiti.destination_prefix"),
    (
        "ACT_MESSAGING_DEST_SEPARATOR",
        "activiti.destination_separator",
    ),
    (
        "ACT_MESSAGING_DEST_TRANSFORMERS_ENABLED",
        "activiti.destination_transformers_enabled",
    ),
    (
        "ACT_MESSAGING_DEST_TRANSFORMERS",
        "activiti.destination_transformers",
    ),
    ("ACT_INT_RES_CONSUMER", "activiti.result_destination"),
    ("ACT_INT_ERR_CONSUMER", "activiti.error_destination"),
];
/// Sets the name of the destination for commands to runtime bundles.
const COMMANDS: &str = "ACT_RB_CMD_CONSUMER_DEST";
/// What `crosspoint_automate`, the package for Django Automate, reads to find a Crosspoint. It may
/// share its environment with one.
const OF_OUR_PACKAGE: [&str; 6] = [
    "CROSSPOINT_URL",
    "CROSSPOINT_API_KEY",
    "CROSSPOINT_PROFILE",
    "CROSSPOINT_TIMEOUT",
    "CROSSPOINT_LONG",
    "CROSSPOINT_IDEMPOTENCY",
];
/// Sets the port of `listen`.
const PORT: &str = "CONNECTOR_PROXY_PORT";

/// Puts the variables into the tree, for which it needs to know the keys.
struct Overlay<'a> {
    env: &'a Environment,
    keys: Vec<Key<'static>>,
    tree: &'a mut Node,
    problems: Vec<Problem>,
}

// === impl Overlay ===

/// Puts what the environment says over what the file says. Values are checked with the rest
/// afterwards; the problems are those of the variables themselves.
pub fn overlay(tree: &mut Node, env: &Environment) -> Vec<Problem> {
    let mut overlay = Overlay {
        env,
        keys: keys(tree),
        tree,
        problems: Vec::new(),
    };
    overlay.not_unicode();
    overlay.replaced_proxy();
    overlay.activiti();
    overlay.own();
    // Comes last, since it adds to the list, whoever wrote that.
    overlay.api_key();
    overlay.problems
}

impl Overlay<'_> {
    /// All but the API key, which is reported where it is resolved.
    fn not_unicode(&mut self) {
        let own = |name: &str| name.starts_with("CROSSPOINT_") && !OF_OUR_PACKAGE.contains(&name);
        let ours = |name: &str| own(name) || [CORS_ORIGINS, PORT].contains(&name);
        let variables = self.env.all();
        let invalid = variables.filter(|(name, value)| value.is_none() && ours(name));
        for (name, _) in invalid {
            let message = "the value is not valid Unicode".to_owned();
            self.problems
                .push(Problem::at(self.env.place(name), message, ""));
        }
    }

    fn replaced_proxy(&mut self) {
        if let Some(origins) = self.env.valid(CORS_ORIGINS) {
            let place = self.env.place(CORS_ORIGINS);
            self.tree.set("access.cors_origins", list(origins, &place));
        }
        let listen = self.env.get("CROSSPOINT_LISTEN");
        if let (Some(port), None) = (self.env.valid(PORT), listen) {
            self.port(port);
        }
    }

    /// An engine and its connectors are often given the same variables.
    fn activiti(&mut self) {
        for (variable, name) in ACTIVITI {
            let Some(value) = self.env.valid(variable) else {
                continue;
            };
            let place = self.env.place(variable);
            if let Some(key) = self.keys.iter().find(|key| key.name == name) {
                self.tree.set(name, read(value, key.schema, &place));
            }
        }
        if let Some(value) = self.env.valid(COMMANDS) {
            let node = Node::text(value, &self.env.place(COMMANDS));
            let name = "activiti.destinations.commandConsumer.name";
            self.tree.set(name, node);
        }
    }

    fn port(&mut self, port: &str) {
        if is_of_a_container_link(PORT, port) {
            return;
        }
        let place = self.env.place(PORT);
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
        let passed_over = |name: &str| name == CONFIG || OF_OUR_PACKAGE.contains(&name);
        let ours = |name: &str| name.starts_with("CROSSPOINT_") && !passed_over(name);
        for (name, value) in self.env.all().filter(|(name, _)| ours(name)) {
            let Some(value) = value else { continue };
            let place = self.env.place(name);
            let named = |key: &&Key<'_>| key.variable().as_deref() == Some(name);
            let meant: Vec<_> = self.keys.iter().filter(named).collect();
            match meant[..] {
                [key] => self.tree.set(&key.name, read(value, key.schema, &place)),
                [] if is_of_a_container_link(name, value) => {}
                [] => {
                    let message = "there is no such setting".to_owned();
                    self.problems
                        .push(Problem::at(place, message, self.nearest(name)));
                }
                // Names of connectors that differ only in what a variable cannot spell.
                _ => {
                    let keys = listed(meant.iter().map(|key| &*key.name));
                    let message = format!("it could mean {keys}");
                    let help = "rename one of the connectors, or write the value in the file";
                    self.problems.push(Problem::at(place, message, help));
                }
            }
        }
    }

    fn nearest(&self, name: &str) -> String {
        if let Some(connector) = needs_a_table(name, &self.keys) {
            return format!(
                "variables are for connectors with a table in the file: write \
                 `[connectors.{connector}]` there"
            );
        }
        let is_meant = |key: &&Key<'_>| key.in_capitals() == name;
        if let Some(table) = self.keys.iter().find(is_meant) {
            return format!("`{}` is a table, write it in the file", table.name);
        }
        let bare = |name: &str| name.strip_prefix("CROSSPOINT_").unwrap_or(name).to_owned();
        let known = self.keys.iter().filter_map(Key::variable);
        let known: BTreeSet<_> = known.map(|name| bare(&name)).collect();
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
        let place = self.env.place(API_KEY);
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
    let alternatives = schema::alternatives(schema).into_iter();
    let types: Vec<_> = alternatives.flat_map(schema::types).collect();
    let node = |value| Node {
        place: place.clone(),
        value,
    };
    match value {
        "true" | "false" if types.contains(&"boolean") => node(Value::Bool(value == "true")),
        _ if types.contains(&"array") => list(value, place),
        _ if types == ["integer"] => match value.trim().parse::<i64>() {
            Ok(number) => node(Value::Number(number.into())),
            Err(_) => Node::text(value, place),
        },
        _ => Node::text(value, place),
    }
}

/// The keys that variables can set: those that are always there, and those of the tables of
/// connectors that the file has.
fn keys(tree: &Node) -> Vec<Key<'static>> {
    let mut keys = schema::keys();
    keys.retain(|key| !key.name.contains("<name>"));
    let Some(Value::Table(tables)) = tree.get("connectors").map(|node| &node.value) else {
        return keys;
    };
    for (key, node) in tables {
        let name = schema::join("connectors", &key.name);
        let inside = format!("{name}.");
        let forms = schema::alternatives(table_of(&key.name));
        if let Some(form) = fitting(&forms, &node.value) {
            keys.retain(|key| !key.name.starts_with(&inside));
            keys.extend(schema::keys_of(&name, form));
        }
    }
    keys
}

/// The connector that a variable is about which would be known if the file had a table for it.
fn needs_a_table(variable: &str, keys: &[Key<'_>]) -> Option<String> {
    let rest = variable.strip_prefix("CROSSPOINT_CONNECTORS__")?;
    let (name, key) = rest.split_once("__")?;
    let name = name.to_lowercase();
    let wanted = format!("CROSSPOINT_CONNECTORS__<NAME>__{key}");
    let there = |key: &Key<'_>| key.name.starts_with(&format!("connectors.{name}."));
    let here = built_in_names().any(|known| known == name) || keys.iter().any(there);
    let known = schema::keys().iter().any(|key| key.in_capitals() == wanted);
    (!here && known && !name.is_empty()).then_some(name)
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
