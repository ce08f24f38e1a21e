//! Checks a tree against the schema and takes out what is wrong, so that the rest can be used to
//! look for further mistakes.

use crosspoint_core::{nearest, shorten};
use serde_json::Value as Schema;

use super::format::format_named;
use super::problem::{Place, Problem, listed};
use super::schema::{self, join};
use super::tree::{Key, Node, Value};

/// Reports all unknown keys, values of a wrong type and texts that do not parse, and takes them
/// out of the tree.
pub fn check(tree: &mut Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    value(tree, schema::shared(), "", &mut problems);
    problems
}

/// Whether the value may stay.
fn value(node: &mut Node, schema: &Schema, name: &str, problems: &mut Vec<Problem>) -> bool {
    let alternatives = schema::alternatives(schema);
    let Some(fitting) = alternatives
        .iter()
        .find(|schema| admits(schema, &node.value))
    else {
        problems.push(wrong_type(node, &alternatives, name));
        return false;
    };
    let place = node.place.clone();
    match &mut node.value {
        Value::Table(entries) => {
            table(entries, fitting, name, problems);
            missing(entries, fitting, name, &place, problems)
        }
        Value::List(nodes) => {
            let items = fitting.get("items").unwrap_or(&Schema::Null);
            let mut at = 0;
            nodes.retain_mut(|node| {
                at += 1;
                value(node, items, &format!("{name}[{}]", at - 1), problems)
            });
            true
        }
        Value::Text(text) => scalar(text, fitting, name, &place, problems),
        Value::Number(number) => scalar(&number.to_string(), fitting, name, &place, problems),
        Value::Bool(_) | Value::Odd(_) => true,
    }
}

fn table(entries: &mut Vec<(Key, Node)>, schema: &Schema, name: &str, problems: &mut Vec<Problem>) {
    let properties = schema::properties(schema);
    entries.retain_mut(
        |(key, node)| match properties.and_then(|known| known.get(&key.name)) {
            Some(schema) => value(node, schema, &join(name, &key.name), problems),
            None => {
                let known = properties
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name.as_str());
                problems.push(unknown_key(key, name, &known.collect::<Vec<_>>()));
                false
            }
        },
    );
}

fn missing(
    entries: &[(Key, Node)],
    schema: &Schema,
    name: &str,
    place: &Place,
    problems: &mut Vec<Problem>,
) -> bool {
    let required = schema
        .get("required")
        .and_then(Schema::as_array)
        .into_iter()
        .flatten();
    let absent: Vec<_> = required
        .filter_map(Schema::as_str)
        .filter(|wanted| entries.iter().all(|(key, _)| key.name != **wanted))
        .collect();
    // What was there and has been taken out is reported already.
    let reported = |wanted: &str| problems.iter().any(|p| p.key == join(name, wanted));
    if let Some(wanted) = absent.iter().find(|wanted| !reported(wanted)) {
        let message = format!("`{name}` has no `{wanted}`");
        problems.push(Problem::new(
            name,
            Some(place),
            message,
            format!("add `{wanted} = \"…\"`"),
        ));
    }
    absent.is_empty()
}

fn scalar(
    text: &str,
    schema: &Schema,
    name: &str,
    place: &Place,
    problems: &mut Vec<Problem>,
) -> bool {
    let choices = schema::choices(schema);
    if !choices.is_empty() && choices.iter().all(|(choice, _)| *choice != text) {
        let known: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
        let message = format!("`{name}`: `{}` is not one of the choices", shorten(text));
        let help = format!("expected {}", listed(known));
        problems.push(Problem::new(name, Some(place), message, help));
        return false;
    }
    let format = format_named(schema::text(schema, "format"));
    let Some(Err(wrong)) = format.map(|format| (format.check)(text)) else {
        return true;
    };
    let message = format!("`{name}`: {}", wrong.why);
    problems.push(Problem::new(name, Some(place), message, wrong.help));
    false
}

fn unknown_key(key: &Key, table: &str, known: &[&str]) -> Problem {
    let name = join(table, &shorten(&key.name));
    if table == "connectors" {
        let message = format!("`[{name}]`: there is no connector of that name");
        let help = format!("there are {}", listed(known.iter().copied()));
        return Problem::new(&name, Some(&key.place), message, help);
    }
    let elsewhere = elsewhere(&key.name, table);
    let near = nearest(&key.name, known.iter().copied());
    let help = if !near.is_empty() {
        format!("did you mean {}?", listed(near))
    } else if !elsewhere.is_empty() {
        format!(
            "did you mean {}?",
            listed(elsewhere.iter().map(String::as_str))
        )
    } else {
        format!("known here are {}", known.join(", "))
    };
    Problem::new(
        &name,
        Some(&key.place),
        format!("unknown key `{name}`"),
        help,
    )
}

/// Where a key of that name would be known: below the table that it stands in, else anywhere, but
/// only when that is few enough to be a hint.
fn elsewhere(key: &str, table: &str) -> Vec<String> {
    let all = schema::keys().into_iter().map(|k| k.name);
    let all: Vec<_> = all.filter(|name| last(name) == key).collect();
    let below: Vec<_> = all
        .iter()
        .filter(|n| n.starts_with(table))
        .cloned()
        .collect();
    match (below.is_empty(), all.len() <= 3) {
        (false, _) => below,
        (true, true) => all,
        (true, false) => Vec::new(),
    }
}

fn wrong_type(node: &Node, alternatives: &[&Schema], name: &str) -> Problem {
    let got = match &node.value {
        Value::Text(_) => "text",
        Value::Number(_) => "a number",
        Value::Bool(_) => "a boolean",
        Value::List(_) => "a list",
        Value::Table(_) => "a table",
        Value::Odd(what) => what,
    };
    let wanted: Vec<_> = alternatives
        .iter()
        .flat_map(|one| schema::types(one))
        .map(in_words)
        .collect();
    let message = format!("`{name}` must be {}, not {got}", wanted.join(" or "));
    let help = match alternatives {
        [one] => expected(one),
        _ => String::new(),
    };
    Problem::new(name, Some(&node.place), message, help)
}

fn expected(schema: &Schema) -> String {
    match (
        format_named(schema::text(schema, "format")),
        &schema::types(schema)[..],
    ) {
        (Some(format), _) => format!("expected {}, in quotes", format.kind),
        (None, ["boolean"]) => "expected `true` or `false`, without quotes".to_owned(),
        (None, ["array"]) => "expected a list such as `[\"…\", \"…\"]`".to_owned(),
        (None, ["object"]) => "write a `[table]`".to_owned(),
        _ if !schema::choices(schema).is_empty() => {
            let choices = schema::choices(schema)
                .into_iter()
                .map(|(choice, _)| choice);
            format!("expected {}, in quotes", listed(choices))
        }
        _ => "put quotes around it".to_owned(),
    }
}

fn admits(schema: &Schema, value: &Value) -> bool {
    schema::types(schema).into_iter().any(|name| match value {
        Value::Text(_) => name == "string",
        Value::Number(number) => name == "number" || (name == "integer" && !number.is_f64()),
        Value::Bool(_) => name == "boolean",
        Value::List(_) => name == "array",
        Value::Table(_) => name == "object",
        Value::Odd(_) => false,
    })
}

/// A type of JSON Schema as the reference and messages call it.
pub fn in_words(name: &str) -> &str {
    match name {
        "string" => "text",
        "boolean" => "a boolean",
        "integer" => "a whole number",
        "number" => "a number",
        "array" => "a list",
        "object" => "a table",
        other => other,
    }
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
