//! The configuration reference for people, made of the schema.

use serde_json::Value;

use super::check_schema::{in_words, last, number_in_words};
use super::effective::in_toml;
use super::format::format_named;
use super::schema::{self, Key, Table};

const INTRODUCTION: &str = "\
# Configuration reference

<!-- Generated from the types in the source; do not edit. -->

The file is the one that `--config` names, else the one that the environment variable
`CROSSPOINT_CONFIG` names, else `crosspoint.toml` in the working directory; without any, the
defaults hold. `crosspoint config check` reports every mistake at once and prints what is in effect,
with the place that each value comes from.

Each key with an environment variable named beside it can also be set by that, which wins over the
file. A variable for a list holds its elements, separated by commas. A variable that begins with
`CROSSPOINT_` and is none of these is a mistake, except `CROSSPOINT_CONFIG`, those that container
platforms set for a service named `crosspoint` (`CROSSPOINT_SERVICE_HOST`, `CROSSPOINT_PORT` with an
address, and their like), and those by which the package `crosspoint_automate` finds a Crosspoint
(`CROSSPOINT_URL`, `_API_KEY`, `_PROFILE`, `_TIMEOUT`, `_LONG` and `_IDEMPOTENCY`): they are passed
over.

These variables of the proxy that Crosspoint replaces work too:

| Variable | Means |
|---|---|
| `CONNECTOR_PROXY_API_KEY` | one more key in `access.api_keys`; an empty value is a mistake |
| `CONNECTOR_PROXY_CORS_ORIGINS` | `access.cors_origins`, unless the variable of that key is set |
| `CONNECTOR_PROXY_PORT` | the port of `listen`, unless `CROSSPOINT_LISTEN` is set |

## References to secrets

In the file and in variables, an API key, `store.url`, `spiff.callback_token`, `api.callback_token` and `activiti.amqp` may be
written as references, so that what they hold stands elsewhere; in the file, so may the values of the tables
`env` and `config` of connectors:

| Reference | Leads to |
|---|---|
| `env:NAME` | the value of an environment variable |
| `file:PATH` | the content of a file, without white space at its end |
| `exec:COMMAND ARGUMENTS` | the first line that a command prints within 10 seconds; the words are separated by spaces, and no shell is involved |
| `secret:NAME` | a secret that `crosspoint secret set NAME` keeps |
| `vault:PATH#FIELD` | a field of a secret of HashiCorp Vault, see `[vault]` |
| `env://NAME`, `secretref://env/…/NAME`, `secretref://vault/…/FIELD` | the same places, as Django Automate writes them |

A reference that leads nowhere, or to an empty value, is a mistake. `store.url` and `vault.token` cannot be a `secret:` or a `vault:`,
since they say where those are.
";

/// The reference as Markdown: a section for each table, and for each key its type, default,
/// environment variable and description.
pub fn reference() -> String {
    let tables = schema::tables();
    let forms = schema::other_forms();
    let section = |(at, table): (usize, &Table<'_>)| {
        let mut text = section(table, &tables[..at])?;
        let others = forms
            .iter()
            .filter_map(|(needed, form)| other_form(needed, form, table));
        text.extend(others);
        Some(text)
    };
    let sections: Vec<_> = tables.iter().enumerate().filter_map(section).collect();
    format!("{INTRODUCTION}\n{}", sections.join("\n"))
}

/// A table with its keys. One that has the keys of a table before refers to that.
fn section(table: &Table<'_>, before: &[Table<'_>]) -> Option<String> {
    if table.keys.is_empty() {
        return None;
    }
    let heading = match table.name.as_str() {
        "" => "Top level".to_owned(),
        name => format!("`[{name}]`"),
    };
    let keys = match before.iter().find(|other| is_alike(table, other)) {
        Some(other) => as_in(table, other),
        None => {
            let keys: Vec<_> = table.keys.iter().map(entry).collect();
            keys.join("\n")
        }
    };
    Some(format!("## {heading}\n\n{}\n\n{keys}", table.description))
}

/// A table that holds other keys where `needed` is among them: those that are other ones.
fn other_form(needed: &str, form: &[Table<'_>], table: &Table<'_>) -> Option<String> {
    let (own, inner) = form.split_first()?;
    if own.name != table.name {
        return None;
    }
    let same = |key: &&Key<'_>| {
        let mut known = table.keys.iter();
        known.any(|other| other.name == key.name && other.schema == key.schema)
    };
    let keys = own.keys.iter().filter(|key| !same(key)).map(entry);
    let keys: Vec<_> = keys.collect();
    let names = inner.iter().filter_map(|inner| {
        let rest = inner.name[own.name.len()..].trim_start_matches('.');
        (!rest.contains('.')).then(|| format!("`{rest}`"))
    });
    let names: Vec<_> = names.collect();
    Some(format!(
        "\n## `[{}]` with `{needed}`\n\n{}\n\n{}\nThe tables in it: {}.\n",
        own.name,
        own.description,
        keys.join("\n"),
        names.join(", ")
    ))
}

/// Whether two tables take the same.
fn is_alike(table: &Table<'_>, other: &Table<'_>) -> bool {
    let own = |table: &Table<'_>, key: &Key<'_>| key.name[table.name.len()..].to_owned();
    table.keys.len() == other.keys.len()
        && (table.keys.iter().zip(&other.keys))
            .all(|(a, b)| own(table, a) == own(other, b) && a.schema == b.schema)
}

fn as_in(table: &Table<'_>, other: &Table<'_>) -> String {
    let names = table.keys.iter().map(|key| last(&key.name));
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    let mut lines = format!(
        "The keys are those of `[{}]`: {}.\n\n",
        other.name,
        names.join(", ")
    );
    let variable = table.keys.first().and_then(Key::variable);
    let first = table.keys.first().map(|key| last(&key.name).to_uppercase());
    match variable.zip(first) {
        Some((variable, first)) => {
            let lead = variable.strip_suffix(&*first).unwrap_or(&variable);
            lines.push_str(&format!(
                "- Environment: `{lead}` and the key in capitals\n"
            ));
        }
        None => lines.push_str("- Environment: none\n"),
    }
    lines
}

fn entry(key: &Key<'_>) -> String {
    let mut lines = format!(
        "### `{}`\n\n{}\n\n",
        key.name,
        schema::text(key.schema, "description")
    );
    for (choice, description) in schema::choices(key.schema) {
        lines.push_str(&format!(
            "- `{choice}`: {}\n",
            description.replace('\n', " ")
        ));
    }
    if !schema::choices(key.schema).is_empty() {
        lines.push('\n');
    }
    let default = match schema::get(key.schema, "default") {
        Some(value) => format!("`{}`", in_toml(value)),
        None => "none".to_owned(),
    };
    lines.push_str(&format!(
        "- Type: {}\n- Default: {default}\n",
        kind(key.schema)
    ));
    if let Some(variable) = key.variable() {
        lines.push_str(&format!("- Environment: `{variable}`\n"));
    }
    lines
}

/// The type of a value in words.
fn kind(schema: &Value) -> String {
    if let [_, _, ..] = schema::alternatives(schema)[..] {
        let kinds = schema::alternatives(schema).into_iter().map(kind);
        return kinds.collect::<Vec<_>>().join(", or ");
    }
    if let Some(any) = schema::get(schema, "additionalProperties").filter(|s| s.is_object()) {
        return format!("a table by names of your own; each value is {}", kind(any));
    }
    if let Some(items) = schema::get(schema, "items") {
        let kinds: Vec<_> = schema::alternatives(items).into_iter().map(kind).collect();
        return format!("a list; each is {}", kinds.join(", or "));
    }
    if let Some(format) = format_named(schema::text(schema, "format")) {
        return format.kind.to_owned();
    }
    if !schema::choices(schema).is_empty() {
        return "one of these texts".to_owned();
    }
    match schema::properties(schema) {
        Some(properties) => {
            let names: Vec<_> = properties
                .keys()
                .map(|name| format!("{name} = …"))
                .collect();
            format!("a table `{{ {} }}`", names.join(", "))
        }
        None if schema::types(schema) == ["integer"] => number_in_words(schema),
        None => schema::types(schema)
            .into_iter()
            .map(in_words)
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_the_reference_or_in_that_of_a_table_alike() {
        let text = reference();
        for key in schema::tables().into_iter().flat_map(|table| table.keys) {
            let (table, name) = key.name.rsplit_once('.').unwrap_or(("", &key.name));
            if let Some(section) = text.split(&format!("## `[{table}]`\n")).nth(1)
                && section
                    .split("## ")
                    .next()
                    .unwrap()
                    .contains("The keys are those of")
            {
                assert!(section.contains(&format!("`{name}`")), "{}", key.name);
                continue;
            }
            assert!(
                text.contains(&format!("### `{}`\n", key.name)),
                "{}",
                key.name
            );
            let Some(variable) = key.variable() else {
                let values = [".env", ".config", ".variables", ".rename"];
                let values = values.iter().any(|end| key.name.ends_with(end));
                assert!(values || schema::is_of_one(&key.name), "{}", key.name);
                continue;
            };
            assert!(text.contains(&format!("- Environment: `{variable}`\n")));
        }
        for lines in [
            "## `[connectors.smtp.policy.breaker]`\n",
            "The keys are those of `[connectors.http.policy.breaker]`: `failures`, `within`, \
             `pause`.\n\n- Environment: `CROSSPOINT_CONNECTORS__SMTP__POLICY__BREAKER__` and the \
             key in capitals\n",
            "## `[connectors.<name>.commands.<Command>.policy]`\n",
            "- Environment: none\n",
        ] {
            assert!(text.contains(lines), "{lines}\n{text}");
        }
        assert!(text.contains("## `[connectors.<name>]`\n"));
        assert!(text.contains("## `[connectors.http.policy]`\n"));
        assert!(!text.contains("## `[connectors]`\n"));
    }

    #[test]
    fn a_key_is_described_in_full() {
        let text = reference();
        let start = text.find("### `connectors.http.answers`").unwrap();
        let part: String = text[start..]
            .lines()
            .take(10)
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(
            part,
            "### `connectors.http.answers`\n\n\
             What the ids without a version, such as `http/GetRequest`, mean.\n\n\
             - `compatible`: `http/GetRequest` and `http/PostRequest` answer in version 1, with the \
             text of the upstream and its status, as in the connector packages.\n\
             - `newer`: They take the parameters of SpiffArena's newer family and answer in version \
             2.\n\n\
             - Type: one of these texts\n\
             - Default: `\"compatible\"`\n\
             - Environment: `CROSSPOINT_CONNECTORS__HTTP__ANSWERS`"
        );
    }

    #[test]
    fn types_and_defaults_are_in_words() {
        let text = reference();
        for line in [
            "- Type: a duration such as `40s`, `1m 30s` or `PT40S`\n- Default: `\"30s\"`",
            "- Type: a boolean\n- Default: `false`",
            "- Type: a list; each is text\n- Default: `[\"http\", \"smtp\", ",
            "each is a key, or a reference such as `env:NAME`, or a table `{ name = …, key = …, ",
            "- Default: none\n- Environment: `CROSSPOINT_CONNECTORS__HTTP__POLICY__TIMEOUT`",
            "- Type: a whole number from 1 to 64\n- Default: `1`\n\
             - Environment: `CROSSPOINT_PYTHON__WORKERS`\n",
            "- Type: a boolean, or a list; each is text\n- Default: `[]`\n\
             - Environment: `CROSSPOINT_CONNECTORS__<NAME>__IDEMPOTENT`\n",
            "- Type: a table by names of your own; each value is a text, or a reference such as \
             `env:NAME`\n- Default: `{}`\n\n",
            "- Type: `sqlite:<file>`, `postgres://…`, `none`, or a reference such as `env:NAME`\n\
             - Default: none\n- Environment: `CROSSPOINT_STORE__URL`\n",
            "- Type: a duration such as `90d` or `720h`\n- Default: `\"90d\"`\n",
            "- Type: a size such as `10GiB`, `500 MiB` or a number of bytes\n\
             - Default: `\"10GiB\"`\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
