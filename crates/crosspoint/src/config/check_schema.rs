//! Checks a tree against the schema and takes out what is wrong, so that the rest can be used to
//! look for further mistakes.

use crosspoint_core::{nearest, shorten};
use serde_json::{Number, Value as Schema};

use super::connector_tables::{is_later_runtime, runtime_keys};
use super::format::format_named;
use super::problem::{Place, Problem, listed};
use super::schema::{self, is_of_one, join};
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
    let Some(fitting) = fitting(&alternatives, &node.value) else {
        problems.push(wrong_type(node, &alternatives, name));
        return false;
    };
    let place = node.place.clone();
    match &mut node.value {
        Value::Table(entries) => {
            let others: Vec<_> = alternatives
                .into_iter()
                .filter(|other| *other != fitting)
                .collect();
            table(entries, fitting, &others, name, problems);
            missing(entries, fitting, name, &place, problems)
        }
        Value::List(nodes) => {
            let items = schema::get(fitting, "items").unwrap_or(&Schema::Null);
            let mut at = 0;
            nodes.retain_mut(|node| {
                at += 1;
                value(node, items, &format!("{name}[{}]", at - 1), problems)
            });
            true
        }
        Value::Text(text) => scalar(text, fitting, name, &place, problems),
        Value::Number(number) => {
            in_bounds(number, fitting, name, &place, problems)
                && scalar(&number.to_string(), fitting, name, &place, problems)
        }
        Value::Bool(_) | Value::Odd(_) => true,
    }
}

/// The one of several schemas that a value is meant to fit: of those for its type one whose needed
/// keys are there, and the more of them the better.
pub fn fitting<'s>(alternatives: &[&'s Schema], found: &Value) -> Option<&'s Schema> {
    let has = |wanted: &str| match found {
        Value::Table(entries) => entries.iter().any(|(key, _)| key.name == wanted),
        _ => false,
    };
    let typed = || {
        alternatives
            .iter()
            .copied()
            .filter(|one| admits(one, found))
    };
    let mut best = None;
    for one in typed().filter(|one| schema::required(one).all(has)) {
        let needed = schema::required(one).count();
        if best.is_none_or(|(most, _)| needed > most) {
            best = Some((needed, one));
        }
    }
    best.map(|(_, one)| one).or_else(|| typed().next())
}

/// Checks the entries of a table. `others` are the forms that it could have had.
fn table(
    entries: &mut Vec<(Key, Node)>,
    schema: &Schema,
    others: &[&Schema],
    name: &str,
    problems: &mut Vec<Problem>,
) {
    let names = schema::get(schema, "propertyNames").unwrap_or(&Schema::Null);
    entries.retain_mut(|(key, node)| match schema::member(schema, &key.name) {
        Some(member) => {
            let inner = join(name, &shorten(&key.name));
            scalar(&key.name, names, &inner, &key.place, problems)
                && value(node, member, &inner, problems)
        }
        None => {
            problems.push(unknown_key(key, name, schema, others));
            false
        }
    });
}

fn missing(
    entries: &[(Key, Node)],
    schema: &Schema,
    name: &str,
    place: &Place,
    problems: &mut Vec<Problem>,
) -> bool {
    let absent: Vec<_> = schema::required(schema)
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

fn in_bounds(
    number: &Number,
    schema: &Schema,
    name: &str,
    place: &Place,
    problems: &mut Vec<Problem>,
) -> bool {
    let (least, greatest) = schema::bounds(schema);
    let fits = number.as_i64().is_none_or(|number| {
        least.is_none_or(|least| number >= least)
            && greatest.is_none_or(|greatest| number <= greatest)
    });
    if !fits {
        let message = format!("`{name}`: `{number}` is out of bounds");
        let help = format!("expected {}", number_in_words(schema));
        problems.push(Problem::new(name, Some(place), message, help));
    }
    fits
}

fn unknown_key(key: &Key, table: &str, schema: &Schema, others: &[&Schema]) -> Problem {
    let name = join(table, &shorten(&key.name));
    let problem = |message, help| Problem::new(&name, Some(&key.place), message, help);
    if table.starts_with("connectors.") && is_later_runtime(&key.name) && !others.is_empty() {
        let message = format!("`{name}`: there is no such runtime yet");
        let help = format!("what brings a connector is {}", listed(runtime_keys()));
        return problem(message, help);
    }
    let known = schema::properties(schema).into_iter().flatten();
    let known: Vec<_> = known.map(|(name, _)| name.as_str()).collect();
    let elsewhere = elsewhere(&key.name, table, schema);
    let mut near = nearest(&key.name, known.iter().copied());
    if near.is_empty() {
        near = nearest(
            &key.name,
            others.iter().flat_map(|other| schema::required(other)),
        );
    }
    let help = if let Some(help) = of_another_form(&key.name, schema, others) {
        help
    } else if !near.is_empty() {
        format!("did you mean {}?", listed(near))
    } else if !elsewhere.is_empty() {
        format!(
            "did you mean {}?",
            listed(elsewhere.iter().map(String::as_str))
        )
    } else {
        format!("known here are {}", known.join(", "))
    };
    problem(format!("unknown key `{name}`"), help)
}

/// What to do about a key that another form of the table knows.
fn of_another_form(key: &str, schema: &Schema, others: &[&Schema]) -> Option<String> {
    let knows = |other: &&&Schema| schema::properties(other).is_some_and(|p| p.contains_key(key));
    let other = others.iter().find(knows)?;
    match schema::required(other).next() {
        Some(needed) if needed == key => Some(format!(
            "a table has one of {}: take out what does not belong there",
            listed(runtime_keys())
        )),
        Some(needed) => Some(format!("it goes together with `{needed}`")),
        None => {
            let needed = schema::required(schema);
            Some(format!("it does not go together with {}", listed(needed)))
        }
    }
}

/// Where a key of that name would be known: below the table that it stands in, else anywhere, but
/// only when that is few enough to be a hint. What is about one command or profile is no place to begin with.
fn elsewhere(key: &str, table: &str, schema: &Schema) -> Vec<String> {
    let named = |keys: Vec<schema::Key<'_>>| -> Vec<_> {
        let names = keys.into_iter().map(|k| k.name);
        let names = names.filter(|name| !is_of_one(name));
        names.filter(|name| last(name) == key).collect()
    };
    let below = named(schema::keys_of(table, schema));
    let all = named(schema::keys());
    match (below.is_empty(), all.len() <= 3) {
        (false, _) => below,
        (true, true) => all,
        (true, false) => Vec::new(),
    }
}

fn wrong_type(node: &Node, alternatives: &[&Schema], name: &str) -> Problem {
    let got = match &node.value {
        Value::Text(_) => "text",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "a number",
        Value::Bool(_) => "a boolean",
        Value::List(_) => "a list",
        Value::Table(_) => "a table",
        Value::Odd(what) => what,
    };
    let mut wanted: Vec<_> = alternatives
        .iter()
        .flat_map(|one| schema::types(one))
        .map(in_words)
        .collect();
    wanted.dedup();
    let message = format!("`{name}` must be {}, not {got}", wanted.join(" or "));
    let help = match alternatives {
        [one] => expected(one),
        _ if wanted == ["a table"] => "write a `[table]`".to_owned(),
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
        (None, ["integer"]) => format!("expected {}, without quotes", number_in_words(schema)),
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

/// A whole number with its bounds: `a whole number from 1 to 64`.
pub fn number_in_words(schema: &Schema) -> String {
    match schema::bounds(schema) {
        (Some(least), Some(greatest)) if greatest < u32::MAX.into() => {
            format!("a whole number from {least} to {greatest}")
        }
        (Some(least), _) => format!("a whole number of {least} or more"),
        _ => "a whole number".to_owned(),
    }
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

/// The last part of a dotted name.
pub fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
