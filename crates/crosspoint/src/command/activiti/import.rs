//! `crosspoint activiti import`: the table of the configuration by which a definition is served.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use crosspoint_core::{Command, Fields};
use crosspoint_ingress::activiti::commands_of;
use crosspoint_ingress::activiti::definition::{Binding, Definition, bind};
use serde_json::{Value, json};

use crate::cli::{FAILED, ImportArgs};
use crate::command::wait_for;
use crate::config::in_toml;
use crate::{show, wire};

/// Prints the table; what does not fit goes to standard error.
pub fn run(file: &Option<PathBuf>, args: &ImportArgs) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    let shown = args.file.display();
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("reading {shown}"))?;
    let definition = Definition::read(&text).with_context(|| format!("reading {shown}"))?;
    let catalogue = wait_for(wire::catalogue(&loaded))?;
    let wanted = args.connector.as_deref().unwrap_or(&definition.name);
    let Some(entries) = commands_of(&catalogue, wanted) else {
        let name = show::plain(wanted);
        bail!(
            "there is no connector '{name}': name the one that runs the actions, --connector http"
        );
    };
    let connector = entries[0].id.connector.to_string();
    let commands: Vec<&Command> = entries.iter().map(|entry| &entry.command).collect();
    let explicit: BTreeMap<_, _> = args.bind.iter().cloned().collect();
    if let Some(action) = explicit.keys().find(|action| {
        !definition
            .actions
            .values()
            .any(|known| known.name == **action)
    }) {
        bail!("the definition has no action '{}'", show::plain(action));
    }
    let bindings = bind(&definition, &commands, &explicit);
    let table = table(args, &definition, &connector, &bindings);
    let fields = &entries[0].connector.manifest().fields;
    let notes = notes(&definition, &connector, fields, &bindings);
    if args.json {
        println!("{:#}", as_json(&connector, &bindings, &table, &notes));
    } else {
        print!("{table}");
        for note in &notes {
            eprintln!("note: {}", show::plain(note));
        }
    }
    let unbound = bindings.iter().any(|binding| binding.command.is_none());
    Ok(ExitCode::from(if unbound { FAILED } else { 0 }))
}

/// The table, as it goes into the configuration file.
fn table(
    args: &ImportArgs,
    definition: &Definition,
    connector: &str,
    bindings: &[Binding],
) -> String {
    let text = |text: &str| in_toml(&Value::from(text));
    let name = format!("activiti.definitions.{}", text(&definition.name));
    let file = args.file.display().to_string();
    let mut table = format!(
        "[{name}]\nfile = {}\nconnector = {}\n",
        text(&file),
        text(connector)
    );
    for binding in bindings {
        let mut lines = String::new();
        if let Some(command) = binding
            .command
            .as_ref()
            .filter(|own| **own != binding.action)
        {
            lines.push_str(&format!("command = {}\n", text(command)));
        }
        let inputs = binding.inputs.iter();
        let inputs: Vec<_> = inputs
            .map(|(input, parameter)| format!("{} = {}", text(input), text(parameter)))
            .collect();
        if !inputs.is_empty() {
            lines.push_str(&format!("inputs = {{ {} }}\n", inputs.join(", ")));
        }
        if !lines.is_empty() {
            table.push_str(&format!(
                "\n[{name}.actions.{}]\n{lines}",
                text(&binding.action)
            ));
        }
    }
    table
}

fn notes(
    definition: &Definition,
    connector: &str,
    fields: &Fields,
    bindings: &[Binding],
) -> Vec<String> {
    let mut notes = Vec::new();
    for binding in bindings {
        let action = &binding.action;
        match &binding.command {
            None if binding.near.is_empty() => notes.push(format!(
                "{action}: {connector} has no such command; say which one: --bind {action}=COMMAND"
            )),
            None => notes.push(format!(
                "{action}: {connector} has no such command; did you mean --bind {action}={}?",
                binding.near.join(&format!(", or --bind {action}="))
            )),
            Some(command) => {
                if !binding.unknown.is_empty() {
                    let unknown = binding.unknown.join(", ");
                    notes.push(format!(
                        "{action}: {command} does not take {unknown}: left out"
                    ));
                }
                if !binding.missing.is_empty() {
                    let missing = binding.missing.join(", ");
                    notes.push(format!(
                        "{action}: {command} needs {missing}, which no input brings: each call \
                         fails until one does"
                    ));
                }
            }
        }
    }
    if !definition.events.is_empty() {
        let events: Vec<_> = definition
            .events
            .values()
            .map(|event| &*event.name)
            .collect();
        let events = events.join(", ");
        notes.push(format!(
            "events stay in the definition, and nothing sends them yet: {events}"
        ));
    }
    // Those that are fields of its profiles come from there.
    let config = definition.config.iter();
    let strange = config.filter(|one| !fields.open && fields.get(&one.name).is_none());
    let strange: Vec<_> = strange
        .map(|one| match one.required {
            true => format!("{} (required)", one.name),
            false => one.name.clone(),
        })
        .collect();
    if !strange.is_empty() {
        let strange = strange.join(", ");
        notes.push(format!(
            "configuration parameters that the profiles of {connector} do not know stay in the \
             definition: {strange}"
        ));
    }
    notes
}

fn as_json(connector: &str, bindings: &[Binding], table: &str, notes: &[String]) -> Value {
    let actions = bindings.iter().map(|binding| {
        json!({
            "action": binding.action,
            "command": binding.command,
            "inputs": binding.inputs.iter().cloned().collect::<BTreeMap<_, _>>(),
            "unknown_inputs": binding.unknown,
            "missing_parameters": binding.missing,
        })
    });
    let actions: Vec<_> = actions.collect();
    json!({"connector": connector, "actions": actions, "table": table, "notes": notes})
}
