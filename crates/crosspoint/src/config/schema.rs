//! The JSON Schema of the configuration, and the tables and keys that it describes.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::types::Config;

/// A table of the file.
pub struct Table<'s> {
    /// Its dotted name; empty for the top level.
    pub name: String,
    /// What it is for.
    pub description: &'s str,
    /// What may be written directly in it.
    pub keys: Vec<Key<'s>>,
}

/// Something that may be written: a key that is not itself a table.
pub struct Key<'s> {
    /// Its dotted name.
    pub name: String,
    /// Its schema.
    pub schema: &'s Value,
}

/// What stands for any name.
const ANY_NAME: &str = "<name>";

/// What stands for the name of any command.
const ANY_COMMAND: &str = "<Command>";

/// What stands for the name of any profile.
const ANY_PROFILE: &str = "<profile>";

/// What stands for the name of any auth.
pub const ANY_AUTH: &str = "<auth>";

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Config>().to_value();
    remove_null(&mut schema);
    schema
});

/// The JSON Schema (2020-12) of the file, for editors. It refers to nothing but its own `$defs`: written
/// out, what all connectors have in common would be there ten times.
pub fn schema() -> Value {
    SCHEMA.clone()
}

/// The same, shared.
pub fn shared() -> &'static Value {
    &SCHEMA
}

/// All tables in the order of the types, the top level first.
pub fn tables() -> Vec<Table<'static>> {
    let mut tables = Vec::new();
    collect("", &SCHEMA, &mut tables);
    tables
}

/// All keys of all tables. In those of tables by any name `<name>` stands for it, in those of
/// commands `<Command>`, in those of profiles `<profile>`, in those of auths `<auth>`.
pub fn keys() -> Vec<Key<'static>> {
    tables().into_iter().flat_map(|table| table.keys).collect()
}

/// The keys of the table `name` with that schema, and of the tables in it.
pub fn keys_of<'s>(name: &str, schema: &'s Value) -> Vec<Key<'s>> {
    let mut tables = Vec::new();
    collect(name, schema, &mut tables);
    tables.into_iter().flat_map(|table| table.keys).collect()
}

/// The tables of connectors that a runtime brings in another way than that of the table that stands
/// for all of them: each with the key that says so, the tables in it after it.
pub fn other_forms() -> Vec<(&'static str, Vec<Table<'static>>)> {
    let entry = member(shared(), "connectors").and_then(|c| get(c, "additionalProperties"));
    let forms = entry.into_iter().flat_map(alternatives).skip(1);
    let bringing = forms.filter_map(|form| Some((required(form).next()?, form)));
    let table = |(needed, form)| {
        let mut tables = Vec::new();
        collect(&join("connectors", ANY_NAME), form, &mut tables);
        (needed, tables)
    };
    bringing.map(table).collect()
}

fn collect<'s>(name: &str, schema: &'s Value, tables: &mut Vec<Table<'s>>) {
    let mut keys = Vec::new();
    let mut nested = Vec::new();
    let own = table(schema).unwrap_or(schema);
    // A table by any name may have one of several forms: the keys of all of them, each once.
    let forms = match name.ends_with(ANY_NAME) {
        true => alternatives(schema),
        false => vec![own],
    };
    let mut known = Vec::new();
    for (key, schema) in forms.into_iter().filter_map(properties).flatten() {
        if known.contains(&key) {
            continue;
        }
        known.push(key);
        let name = join(name, key);
        if table(schema).is_some() || any_table(schema).is_some() {
            nested.push((name, schema));
        } else {
            keys.push(Key { name, schema });
        }
    }
    if let Some(any) = any_table(own) {
        let part = match name.rsplit('.').next() {
            Some("commands") => ANY_COMMAND,
            Some("profiles") => ANY_PROFILE,
            Some("auths") => ANY_AUTH,
            _ => ANY_NAME,
        };
        nested.push((join(name, part), any));
    }
    tables.push(Table {
        name: name.to_owned(),
        description: text(schema, "description"),
        keys,
    });
    for (name, schema) in nested {
        collect(&name, schema, tables);
    }
}

// === impl Key ===

impl Key<'_> {
    /// The environment variable that sets it: `CROSSPOINT_SPIFF__DEADLINE`. A table by any names
    /// has none, nor has what is about one command, profile or auth: the case of its name counts.
    pub fn variable(&self) -> Option<String> {
        let has_none = self.is_table() || is_of_one(&self.name);
        (!has_none).then(|| self.in_capitals())
    }

    /// How a variable for the key would be called.
    pub fn in_capitals(&self) -> String {
        let name = self
            .name
            .replace('.', "__")
            .replace('-', "_")
            .to_uppercase();
        format!("CROSSPOINT_{name}")
    }

    fn is_table(&self) -> bool {
        let mut forms = alternatives(self.schema).into_iter();
        forms.any(|form| types(form).contains(&"object"))
    }
}

/// Whether a key is about one command or profile, which has a name of its own.
pub fn is_of_one(key: &str) -> bool {
    let any = [
        ANY_COMMAND,
        ANY_PROFILE,
        ANY_AUTH,
        "activiti.definitions",
        "activiti.destinations",
    ];
    any.iter().any(|any| key.contains(any))
}

/// `part` in the table `table`.
pub fn join(table: &str, part: &str) -> String {
    if table.is_empty() {
        part.to_owned()
    } else {
        format!("{table}.{part}")
    }
}

/// What a schema says by a keyword: itself, else by what it refers to.
pub fn get<'s>(schema: &'s Value, keyword: &str) -> Option<&'s Value> {
    get_in(&SCHEMA, schema, keyword)
}

/// The same of a schema that refers to the definitions of `root`.
pub fn get_in<'s>(root: &'s Value, schema: &'s Value, keyword: &str) -> Option<&'s Value> {
    let own = schema.get(keyword);
    own.or_else(|| get_in(root, definition(root, schema)?, keyword))
}

/// What a schema refers to in a schema with definitions.
fn definition<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

/// A text that a schema has under a name, else nothing.
pub fn text<'s>(schema: &'s Value, name: &str) -> &'s str {
    get(schema, name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The schema of a table with known keys, if a value may be one; of several the first, which is
/// the one to describe.
pub fn table(schema: &Value) -> Option<&Value> {
    alternatives(schema)
        .into_iter()
        .find(|one| properties(one).is_some())
}

/// The schema of the tables with known keys that a table by any names holds.
fn any_table(schema: &Value) -> Option<&Value> {
    let any = get(schema, "additionalProperties")?;
    table(any).is_some().then_some(any)
}

/// The schema of a key of a table: its own, else that of any key.
pub fn member<'s>(table: &'s Value, key: &str) -> Option<&'s Value> {
    let known = properties(table).and_then(|known| known.get(key));
    known.or_else(|| get(table, "additionalProperties").filter(|any| any.is_object()))
}

/// The keys that a table must have.
pub fn required(table: &Value) -> impl Iterator<Item = &str> {
    let names = get(table, "required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str)
}

/// The least and the greatest that a number may be, as far as there are bounds.
pub fn bounds(schema: &Value) -> (Option<i64>, Option<i64>) {
    let bound = |name| get(schema, name).and_then(Value::as_i64);
    let widest = (text(schema, "format") == "uint32").then_some(u32::MAX.into());
    (bound("minimum"), bound("maximum").or(widest))
}

/// What a table may hold; nothing when the schema is not that of a table.
pub fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    get(schema, "properties").and_then(Value::as_object)
}

/// The schemas of which a value may fit any; most often the one.
pub fn alternatives(schema: &Value) -> Vec<&Value> {
    match get(schema, "anyOf").and_then(Value::as_array) {
        Some(any) => any.iter().collect(),
        None => vec![schema],
    }
}

/// The types that a schema names.
pub fn types(schema: &Value) -> Vec<&str> {
    match get(schema, "type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        // Only a choice of texts has no type at its top.
        _ => vec!["string"],
    }
}

/// The texts to choose from with the description of each; empty when the choice is free.
pub fn choices(schema: &Value) -> Vec<(&str, &str)> {
    let list = |keyword| get(schema, keyword).and_then(Value::as_array);
    let described = list("oneOf").into_iter().flatten();
    let plain = list("enum").into_iter().flatten();
    described
        .map(|one| (text(one, "const"), text(one, "description")))
        .chain(plain.filter_map(Value::as_str).map(|one| (one, "")))
        .collect()
}

/// Whether a value of this schema is a secret or holds one.
pub fn is_secret(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            map.get("writeOnly") == Some(&Value::Bool(true))
                || definition(&SCHEMA, schema).is_some_and(is_secret)
                || map.values().any(is_secret)
        }
        Value::Array(list) => list.iter().any(is_secret),
        _ => false,
    }
}

/// TOML has no null: what is optional is left out, so no schema needs to say that it may be null.
fn remove_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => remove_null_from(map),
        Value::Array(list) => list.iter_mut().for_each(remove_null),
        _ => {}
    }
}

fn remove_null_from(map: &mut Map<String, Value>) {
    map.values_mut().for_each(remove_null);
    // A table's default repeats those of its keys.
    let is_table = map.contains_key("properties") || map.contains_key("$ref");
    map.retain(|name, value| {
        name != "default" || !(value.is_null() || is_table && value.is_object())
    });
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(any)) = map.get_mut("anyOf") {
        any.retain(|one| one.get("type") != Some(&"null".into()));
        if let [Value::Object(only)] = &any[..] {
            let only = only.clone();
            map.shift_remove("anyOf");
            for (name, value) in only {
                map.entry(name).or_insert(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_table_has_a_description() {
        for table in tables() {
            assert!(!table.description.is_empty(), "{}", table.name);
            for key in table.keys {
                assert!(!text(key.schema, "description").is_empty(), "{}", key.name);
            }
        }
    }

    #[test]
    fn the_schema_says_neither_null_nor_refers_elsewhere() {
        let schema = schema().to_string();
        let references = schema.matches("\"$ref\":").count();
        let own = schema.matches("\"$ref\":\"#/$defs/").count();
        assert!(
            !schema.contains("null") && references > 0 && references == own,
            "{schema}"
        );
    }

    #[test]
    fn an_optional_table_is_a_table() {
        let names: Vec<_> = tables().into_iter().map(|table| table.name).collect();
        let expected = "|access|egress|store|store.retention|vault|spiff|api|activiti|\
                        activiti.definitions|activiti.definitions.<name>|\
                        activiti.definitions.<name>.actions|\
                        activiti.definitions.<name>.actions.<name>|activiti.destinations|\
                        activiti.destinations.<name>|mcp|cli|python|python.recycle|automate|\
                        connectors|connectors.http|connectors.http.egress|connectors.http.policy|\
                        connectors.http.policy.breaker|connectors.http.commands|\
                        connectors.http.commands.<Command>|\
                        connectors.http.commands.<Command>.policy|\
                        connectors.http.commands.<Command>.policy.breaker|\
                        connectors.http.profiles|connectors.http.profiles.<profile>|\
                        connectors.http.auths|connectors.http.auths.<auth>|\
                        connectors.http.auths.<auth>.assertion|\
                        connectors.http.auths.<auth>.expired|connectors.smtp|";
        assert!(names.join("|").starts_with(expected), "{names:?}");
        let expected = "|connectors.<name>|connectors.<name>.recycle|connectors.<name>.policy|\
                        connectors.<name>.policy.breaker|connectors.<name>.commands|\
                        connectors.<name>.commands.<Command>|\
                        connectors.<name>.commands.<Command>.policy|\
                        connectors.<name>.commands.<Command>.policy.breaker|\
                        connectors.<name>.profiles|connectors.<name>.profiles.<profile>|\
                        connectors.<name>.auths|\
                        connectors.<name>.auths.<auth>|connectors.<name>.auths.<auth>.assertion|\
                        connectors.<name>.auths.<auth>.expired|connectors.<name>.egress";
        assert!(names.join("|").ends_with(expected), "{names:?}");
    }

    #[test]
    fn only_keys_the_store_profiles_and_values_for_workers_are_secret() {
        let secret: Vec<_> = keys()
            .into_iter()
            .filter(|key| is_secret(key.schema))
            .map(|key| key.name)
            .collect();
        let profiles: Vec<_> = ["http", "smtp", "slack", "postgres_v2"]
            .iter()
            .flat_map(|name| {
                ["settings", "secrets"].map(|t| format!("connectors.{name}.profiles.<profile>.{t}"))
            })
            .collect();
        let expected = format!(
            "access.api_keys store.url vault.token spiff.callback_token api.callback_token activiti.amqp \
             activiti.definitions.<name>.config python.env automate.env {} \
             connectors.<name>.env connectors.<name>.config connectors.<name>.api_key \
             connectors.<name>.profiles.<profile>.settings \
             connectors.<name>.profiles.<profile>.secrets",
            profiles.join(" ")
        );
        let secret: Vec<_> = secret
            .into_iter()
            .filter(|name| !name.contains(ANY_AUTH))
            .collect();
        assert_eq!(secret.join(" "), expected);
    }

    #[test]
    fn variables_are_named_by_the_path() {
        let variables: Vec<_> = keys().iter().filter_map(Key::variable).collect();
        assert!(variables.contains(&"CROSSPOINT_LISTEN".to_owned()));
        assert!(variables.contains(&"CROSSPOINT_CONNECTORS__HTTP__POLICY__TIMEOUT".to_owned()));
    }
}
