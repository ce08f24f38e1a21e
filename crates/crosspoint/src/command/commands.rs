//! `crosspoint commands`: lists what can be called.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use crosspoint_broker::Entry;
use crosspoint_core::Parameter;

use super::wait_for;
use crate::cli::CommandsArgs;
use crate::{show, wire};

/// Prints the commands.
pub fn run(file: &Option<PathBuf>, args: CommandsArgs) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    let catalogue = wait_for(wire::catalogue(&loaded))?;
    let wanted = args.filter.unwrap_or_default().to_lowercase();
    let matches = |entry: &Entry| entry.id.to_string().to_lowercase().contains(&wanted);
    let entries: Vec<_> = catalogue
        .entries()
        .iter()
        .filter(|entry| matches(entry))
        .collect();
    if args.json {
        println!(
            "{:#}",
            crosspoint_ingress::commands_json(entries.into_iter().map(|e| &**e))
        );
        return Ok(ExitCode::SUCCESS);
    }
    if entries.is_empty() {
        eprintln!("No command's id holds '{wanted}'. All of them: crosspoint commands");
        return Ok(ExitCode::SUCCESS);
    }
    for group in entries.chunk_by(|a, b| a.id.connector == b.id.connector) {
        let name = &group[0].id.connector;
        let about = &group[0].connector.manifest().description;
        let replaced = catalogue
            .replaced()
            .iter()
            .any(|built_in| **built_in == **name);
        let mark = if replaced {
            "(replaces the built-in one)  "
        } else {
            ""
        };
        println!("{}\n", format!("{name}  {mark}{about}").trim_end());
        for entry in group {
            print(entry);
        }
    }
    println!("Call one: crosspoint call {}", call_example(entries[0]));
    Ok(ExitCode::SUCCESS)
}

fn print(entry: &Entry) {
    let command = &entry.command;
    println!("  {}  ({})", entry.id, command.safety.name());
    for line in show::wrap(&command.description, 74) {
        println!("      {line}");
    }
    let open = command.open.then(|| "…".to_owned());
    let parameters: Vec<_> = command
        .parameters
        .iter()
        .map(parameter)
        .chain(open)
        .collect();
    for line in show::wrap(&parameters.join(" "), 74) {
        println!("      {line}");
    }
    println!();
}

/// `url:str` when required, `[headers:any]` when not.
fn parameter(parameter: &Parameter) -> String {
    let text = format!("{}:{}", parameter.name, parameter.spiff_type());
    if parameter.required {
        text
    } else {
        format!("[{text}]")
    }
}

fn call_example(entry: &Entry) -> String {
    let required = entry.command.parameters.iter().filter(|p| p.required);
    required.fold(entry.id.to_string(), |text, p| {
        format!("{text} {}=…", p.name)
    })
}
