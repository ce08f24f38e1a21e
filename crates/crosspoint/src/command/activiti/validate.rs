//! `crosspoint activiti validate`: definitions as the modelling service checks them.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use crosspoint_ingress::activiti::definition::{self, Definition, Violation};
use serde_json::{Value, json};

use crate::cli::{FAILED, USAGE, ValidateArgs};
use crate::show;

/// What became of one file.
enum Found {
    Violations(Vec<Violation>),
    Unreadable(String),
}

/// Prints what is wrong with each file.
pub fn run(args: &ValidateArgs) -> Result<ExitCode> {
    let found: Vec<_> = args
        .files
        .iter()
        .map(|file| (&**file, look(file)))
        .collect();
    let twice = twice(args);
    if args.json {
        let files = found.iter().map(|(file, found)| as_json(file, found));
        println!(
            "{:#}",
            json!({"files": files.collect::<Vec<_>>(), "clash": twice})
        );
    } else {
        for (file, found) in &found {
            print(file, found);
        }
        if let Some(clash) = &twice {
            println!("{clash}");
        }
    }
    let unreadable = |(_, found): &(&Path, Found)| matches!(found, Found::Unreadable(_));
    let wrong =
        |(_, found): &(&Path, Found)| matches!(found, Found::Violations(list) if !list.is_empty());
    Ok(ExitCode::from(if found.iter().any(unreadable) {
        USAGE
    } else if found.iter().any(wrong) || twice.is_some() {
        FAILED
    } else {
        0
    }))
}

fn look(file: &Path) -> Found {
    match std::fs::read_to_string(file) {
        Ok(text) => Found::Violations(definition::check(&text)),
        Err(error) => Found::Unreadable(error.to_string()),
    }
}

/// An engine does not start with two definitions of one name.
fn twice(args: &ValidateArgs) -> Option<String> {
    let texts = args
        .files
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok());
    let definitions: Vec<_> = texts
        .filter_map(|text| Definition::read(&text).ok())
        .collect();
    Definition::distinct(&definitions)
        .err()
        .map(|error| error.to_string())
}

fn print(file: &Path, found: &Found) {
    let file = show::plain(&file.display().to_string());
    match found {
        Found::Unreadable(reason) => eprintln!("error: reading {file}: {reason}"),
        Found::Violations(list) if list.is_empty() => println!("{file}: fine"),
        Found::Violations(list) => {
            for violation in list {
                println!("{file}: {}", show::plain(&violation.to_string()));
            }
        }
    }
}

fn as_json(file: &Path, found: &Found) -> Value {
    let file = file.display().to_string();
    match found {
        Found::Unreadable(reason) => json!({"file": file, "error": reason}),
        Found::Violations(list) => {
            let violations = list
                .iter()
                .map(|one| json!({"path": one.path, "problem": one.problem, "help": one.help}));
            json!({"file": file, "valid": list.is_empty(), "violations": violations.collect::<Vec<_>>()})
        }
    }
}
