//! `crosspoint activiti export`: the definition of a connector.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use crosspoint_core::{nearest, shorten};
use crosspoint_ingress::activiti::{commands_of, definition};
use serde_json::json;

use crate::cli::ExportArgs;
use crate::command::wait_for;
use crate::{show, wire};

/// Prints the definition; what is to be known about it goes to standard error.
pub fn run(file: &Option<PathBuf>, args: &ExportArgs) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    let catalogue = wait_for(wire::catalogue(&loaded))?;
    let commands = commands_of(&catalogue, &args.connector);
    let Some(definition) = commands.and_then(definition::export) else {
        let entries = catalogue.entries().iter();
        let mut known: Vec<_> = entries.map(|entry| &*entry.id.connector).collect();
        known.dedup();
        let near = nearest(&args.connector, known.iter().copied());
        let list = if near.is_empty() { known } else { near };
        let name = shorten(&args.connector);
        bail!(
            "there is no connector '{name}'; there is {}",
            list.join(", ")
        );
    };
    let mut notes = Vec::new();
    if let Some(commands) = commands
        && *commands[0].id.connector != *definition.name
    {
        let (own, name) = (&commands[0].id.connector, &definition.name);
        notes.push(format!(
            "{own} is called {name} in Activiti, which takes no '_' there: service tasks say \
             {name}.{}",
            commands[0].id.command
        ));
    }
    let text = definition.text();
    let violations = definition::check(&text);
    notes.extend(violations.iter().map(|violation| {
        format!("the modelling service will not take it: {violation}; mount the connector under another name")
    }));
    if args.json {
        println!("{:#}", json!({"definition": definition, "notes": notes}));
    } else {
        print!("{text}");
        for note in notes {
            eprintln!("note: {note}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
