//! `crosspoint activiti import`: the table of the configuration by which a definition is served.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use crosspoint_core::{Command, Fields};
use crosspoint_ingress::activiti::definition::{Binding, Definition, Parameter, bind};
use crosspoint_ingress::activiti::{StandIn, commands_of};
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
    let template = definition.template.as_deref();
    let template = template.filter(|name| StandIn::named(name).is_some());
    let wanted = args.connector.as_deref().or(template);
    let wanted = wanted.unwrap_or(&definition.name);
    if let Some(stand_in) = StandIn::named(wanted) {
        return Ok(stood_in(args, &definition, stand_in));
    }
    let catalogue = wait_for(wire::catalogue(&loaded))?;
    let Some(entries) = commands_of(&catalogue, wanted) else {
        let name = show::plain(wanted);
        bail!(
            "there is no connector '{name}': name the one that runs the actions, --connector http"
        );
    };
    let connector = entries[0].id.connector.to_string();
    let commands: Vec<&Command> = entries.iter().map(|entry| &*entry.command).collect();
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
    let (comment, unknown) = parameters(&definition, &connector, fields);
    let mut notes = notes(&definition, &connector, &bindings);
    notes.extend(own_fields(&definition));
    notes.extend(unknown);
    let table = format!("{comment}{table}");
    Ok(tell(args, &connector, &bindings, &table, &notes))
}

/// The table of a definition that was made from a connector which is stood in for.
fn stood_in(args: &ImportArgs, definition: &Definition, stand_in: StandIn) -> ExitCode {
    let actions: Vec<_> = definition.actions.values().collect();
    let bindings: Vec<_> = actions
        .iter()
        .map(|action| Binding {
            command: stand_in.bound_to(&action.name).map(|_| action.name.clone()),
            action: action.name.clone(),
            ..Binding::default()
        })
        .collect();
    let table = table(args, definition, stand_in.name(), &bindings);
    let mut notes = Vec::new();
    for binding in bindings.iter().filter(|one| one.command.is_none()) {
        let (action, name) = (&binding.action, stand_in.name());
        notes.push(format!(
            "{action}: nothing stands in for it, and it is not served ({name})"
        ));
    }
    tell(args, stand_in.name(), &bindings, &table, &notes)
}

/// Prints it all, and gives the exit code.
fn tell(
    args: &ImportArgs,
    connector: &str,
    bindings: &[Binding],
    table: &str,
    notes: &[String],
) -> ExitCode {
    if args.json {
        println!("{:#}", as_json(connector, bindings, table, notes));
    } else {
        print!("{table}");
        for note in notes {
            eprintln!("note: {}", show::plain(note));
        }
    }
    let unbound = bindings.iter().any(|binding| binding.command.is_none());
    ExitCode::from(if unbound { FAILED } else { 0 })
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

fn notes(definition: &Definition, connector: &str, bindings: &[Binding]) -> Vec<String> {
    let mut notes = Vec::new();
    for binding in bindings {
        let action = &binding.action;
        match &binding.command {
            None => {
                let wanted = &binding.wanted;
                let hint = match binding.near.is_empty() {
                    true => format!("say which one: --bind {action}=COMMAND"),
                    false => format!(
                        "did you mean --bind {action}={}?",
                        binding.near.join(&format!(", or --bind {action}="))
                    ),
                };
                notes.push(format!(
                    "{action}: {connector} has no command '{wanted}'; {hint}"
                ));
            }
            Some(command) => {
                if !binding.unknown.is_empty() {
                    let unknown = binding.unknown.join(", ");
                    notes.push(format!(
                        "{action}: {command} does not take {unknown}: left out"
                    ));
                }
                notes.extend(missing(binding, command));
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
    notes
}

/// Outputs with the names of those that every command has, and another type: a field is meant, mostly.
fn own_fields(definition: &Definition) -> Vec<String> {
    let mut notes = Vec::new();
    for action in definition.actions.values() {
        for (name, kind, is) in [
            ("result", "json", "the whole body"),
            ("status", "integer", "the status in the sense of HTTP"),
        ] {
            let meant = |output: &Parameter| output.name == name && output.kind != kind;
            if action.outputs.iter().any(meant) {
                let action = &action.name;
                notes.push(format!(
                    "{action}: the output {name} is {is}; where the field of that name is meant, write \
                     outputs = {{ {name} = \"{name}\" }}"
                ));
            }
        }
    }
    notes
}

/// Parameters that no input brings, with the line that would let one do so.
fn missing(binding: &Binding, command: &str) -> Option<String> {
    if binding.missing.is_empty() {
        return None;
    }
    let text = |text: &str| in_toml(&Value::from(text));
    // What is left out otherwise is what is meant, mostly.
    let inputs = binding.unknown.iter().map(String::as_str);
    let inputs = inputs.chain(std::iter::repeat("INPUT"));
    let pairs = binding.missing.iter().zip(inputs);
    let pairs: Vec<_> = pairs
        .map(|(parameter, input)| format!("{} = {}", text(input), text(parameter)))
        .collect();
    Some(format!(
        "{}: {command} needs {}, which no input brings: each call fails until one does; write, with the \
         input that is meant, inputs = {{ {} }}",
        binding.action,
        binding.missing.join(", "),
        pairs.join(", ")
    ))
}

/// A comment on the configuration parameters that are fields of the connector's profiles, and notes on
/// those that are not.
fn parameters(definition: &Definition, connector: &str, fields: &Fields) -> (String, Vec<String>) {
    let bound = definition
        .config
        .iter()
        .map(|one| (one, one.parameter().field_of(fields).map(str::to_owned)));
    let (known, strange): (Vec<_>, Vec<_>) = bound.partition(|(_, field)| field.is_some());
    let known: Vec<_> = known
        .iter()
        .map(|(one, field)| match field {
            Some(field) if *field != one.name => format!("{} (field {field})", one.name),
            _ => one.name.clone(),
        })
        .collect();
    let strange: Vec<_> = strange
        .iter()
        .map(|(one, _)| match one.required {
            true => format!("{} (required)", one.name),
            false => one.name.clone(),
        })
        .collect();
    let comment = match known.is_empty() {
        true => String::new(),
        false => format!(
            "# Configuration parameters, from `config` here, the profile of {connector}, the\n\
             # environment variable of their name, or the definition: {}\n",
            known.join(", ")
        ),
    };
    let mut notes = Vec::new();
    if !strange.is_empty() {
        notes.push(format!(
            "configuration parameters that the profiles of {connector} do not know have no effect: \
             {}; one with another name there is written fields = {{ NAME = \"FIELD\" }}",
            strange.join(", ")
        ));
    }
    (comment, notes)
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
