//! `crosspoint env`: looks after the environments of Python connectors.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use bytesize::ByteSize;
use crosspoint_runtimes::python::environment::{Change, EnvironmentError, Kept, Recipe, Synced};
use serde_json::{Value, json};

use super::wait_for;
use crate::cli::{EnvCommand, EnvSyncArgs, FAILED, JsonArgs};
use crate::config::Loaded;
use crate::config::types::LogFormat;
use crate::wire::{self, ToTerminal};
use crate::{logging, show};

/// Builds, lists or removes.
pub fn run(file: &Option<PathBuf>, command: EnvCommand) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    logging::start("off", LogFormat::Text, wire::mask(&loaded));
    wait_for(async {
        match command {
            EnvCommand::Sync(args) => sync(&loaded, &args).await,
            EnvCommand::List(args) => list(&loaded, &args).await,
            EnvCommand::Prune(args) => prune(&loaded, &args).await,
        }
    })
}

async fn sync(loaded: &Loaded, args: &EnvSyncArgs) -> Result<ExitCode> {
    let environments = wire::environments(loaded);
    let wanted = wire::recipes(loaded, None);
    if wanted.is_empty() && !args.json {
        println!(
            "The configuration has no Python connectors. Begin one: crosspoint new python NAME"
        );
    }
    let (mut done, mut failed) = (Vec::new(), false);
    for wanted in wanted {
        let synced = match wanted {
            Ok(wanted) => {
                let synced = environments
                    .sync(&wanted.recipe, args.upgrade, &ToTerminal)
                    .await;
                synced
                    .map(|synced| (wanted.title.clone(), synced))
                    .map_err(|error| format!("{}: {error}", wanted.title))
            }
            Err(problem) => Err(problem),
        };
        if let Ok((title, synced)) = &synced {
            let problems = &synced.environment.problems;
            failed |= !problems.is_empty();
            problems.iter().for_each(|why| eprintln!("{title}: {why}"));
        }
        match synced {
            Ok((title, synced)) if args.json => done.push(synced_json(&title, &synced)),
            Ok((title, synced)) => print_synced(&title, &synced),
            Err(problem) => {
                failed = true;
                eprintln!("{problem}");
                done.push(json!({ "error": problem }));
            }
        }
    }
    if args.json {
        println!("{:#}", Value::Array(done));
    }
    Ok(match failed {
        true => ExitCode::from(FAILED),
        false => ExitCode::SUCCESS,
    })
}

fn names(synced: &Synced) -> Vec<&str> {
    if synced.environment.search.is_some() {
        // Which there are is found out by running them.
        return vec!["adapters of Django Automate"];
    }
    let connectors = synced.environment.connectors.iter();
    connectors.map(|connector| &*connector.name).collect()
}

fn print_synced(title: &str, synced: &Synced) {
    let what = if synced.built { "built" } else { "up to date" };
    let version = &synced.environment.python_version;
    println!(
        "{title}  {what}, Python {version}: {}",
        names(synced).join(", ")
    );
    for Change { name, from, to } in &synced.changes {
        let version = |version: &Option<String>| version.clone().unwrap_or("none".to_owned());
        println!("    {name} {} -> {}", version(from), version(to));
    }
}

fn synced_json(title: &str, synced: &Synced) -> Value {
    let changes = synced.changes.iter();
    let changes: Vec<_> = changes
        .map(|c| json!({"name": c.name, "from": c.from, "to": c.to}))
        .collect();
    json!({
        "from": title,
        "built": synced.built,
        "python": synced.environment.python_version,
        "connectors": names(synced),
        "changes": changes,
        "problems": synced.environment.problems,
    })
}

async fn list(loaded: &Loaded, args: &JsonArgs) -> Result<ExitCode> {
    let kept = wire::environments(loaded).list().await?;
    if args.json {
        println!("{:#}", kept.iter().map(kept_json).collect::<Value>());
        return Ok(ExitCode::SUCCESS);
    }
    if kept.is_empty() {
        println!("No environments yet. Build those of the configuration: crosspoint env sync");
    }
    kept.iter().for_each(print_kept);
    Ok(ExitCode::SUCCESS)
}

async fn prune(loaded: &Loaded, args: &JsonArgs) -> Result<ExitCode> {
    let wanted: Result<Vec<_>, String> = wire::recipes(loaded, None).into_iter().collect();
    let wanted = wanted.map_err(anyhow::Error::msg)?;
    let needed: Vec<Recipe> = wanted.into_iter().map(|wanted| wanted.recipe).collect();
    let pruned = wire::environments(loaded).prune(&needed).await;
    let pruned = pruned.map_err(|error: EnvironmentError| anyhow::anyhow!("{error}"))?;
    if args.json {
        let list = |kept: &[Kept]| kept.iter().map(kept_json).collect::<Value>();
        let text = json!({"removed": list(&pruned.removed), "in_use": list(&pruned.in_use)});
        println!("{text:#}");
        return Ok(ExitCode::SUCCESS);
    }
    let bytes: u64 = pruned.removed.iter().map(|kept| kept.bytes).sum();
    println!(
        "Removed {} environments, {}.",
        pruned.removed.len(),
        ByteSize(bytes)
    );
    for kept in &pruned.in_use {
        println!("Left alone, a process uses it: {}", kept.asked.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

fn print_kept(kept: &Kept) {
    let used = jiff::Timestamp::try_from(kept.used).map_or(String::new(), |at| format!("{at:.0}"));
    let mark = if kept.in_use { ", in use" } else { "" };
    let asked = match &kept.asked[..] {
        [] => "no packages".to_owned(),
        asked => asked.join(", "),
    };
    println!("{}  {asked}{mark}", kept.hash);
    println!(
        "    Python {}, by {}, {}, last used {used}",
        kept.python,
        kept.tool,
        ByteSize(kept.bytes)
    );
}

fn kept_json(kept: &Kept) -> Value {
    let time = |at| jiff::Timestamp::try_from(at).map(|at| at.to_string()).ok();
    json!({
        "hash": kept.hash,
        "generation": kept.generation,
        "asked": kept.asked,
        "python": kept.python,
        "tool": kept.tool,
        "created": time(kept.created),
        "used": time(kept.used),
        "bytes": kept.bytes,
        "in_use": kept.in_use,
        "directory": kept.directory.display().to_string(),
    })
}
