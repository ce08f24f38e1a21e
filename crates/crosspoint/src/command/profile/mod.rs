//! `crosspoint profile`: the profiles of the configuration file and of the store.

mod check;
mod set;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use crosspoint_broker::profiles::{self, Definition, NotChanged, ProfileId};
use crosspoint_core::nearest;
use serde_json::{Value, json};

use crate::cli::ProfileCommand;
use crate::command::kept::{self, Desk};

/// Makes, lists, shows, removes or checks profiles.
pub fn run(file: &Option<PathBuf>, command: ProfileCommand) -> Result<ExitCode> {
    match command {
        ProfileCommand::Set(args) => kept::run(file, async |desk| set::run(desk, args).await),
        ProfileCommand::List(args) => kept::look(file, async |desk| list(desk, args.json).await),
        ProfileCommand::Show(args) => {
            kept::look(file, async |desk| one(desk, &args.id, args.json).await)
        }
        ProfileCommand::Remove(args) => {
            kept::run(file, async |desk| remove(desk, &args.id, args.json).await)
        }
        ProfileCommand::Check(args) => check::run(file, &args),
    }
}

/// The profiles of the store. One that cannot be read is said and left out.
async fn kept(desk: &Desk) -> Result<Vec<Definition>> {
    let read = profiles::all(desk.cabinet()).await;
    let (kept, unreadable) = read.context("reading the profiles of the store")?;
    unreadable.iter().for_each(|error| eprintln!("{error}"));
    Ok(kept)
}

/// Those of the file, and then those of the store; whether each counts.
async fn all(desk: &Desk) -> Result<Vec<(Definition, bool)>> {
    let file = &desk.loaded.profiles;
    let mut all: Vec<_> = file.iter().map(|profile| (profile.clone(), true)).collect();
    for profile in kept(desk).await? {
        let counts = !file.iter().any(|other| other.id == profile.id);
        all.push((profile, counts));
    }
    all.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    Ok(all)
}

async fn list(desk: &Desk, json: bool) -> Result<()> {
    let all = all(desk).await?;
    if json {
        let all: Value = all
            .iter()
            .map(|(p, counts)| show::json(p, *counts))
            .collect();
        println!("{all:#}");
    } else if all.is_empty() {
        println!(
            "There are no profiles. Make one: crosspoint profile set CONNECTOR/NAME FIELD=VALUE"
        );
    } else {
        print!("{}", show::table(&all));
    }
    Ok(())
}

async fn one(desk: &Desk, id: &ProfileId, json: bool) -> Result<()> {
    let all = all(desk).await?;
    let mut found = all
        .iter()
        .filter(|(profile, _)| profile.id == *id)
        .peekable();
    if found.peek().is_none() {
        bail!("{}", absent(id, all.iter().map(|(profile, _)| profile)));
    }
    for (profile, counts) in found {
        match json {
            true => println!("{:#}", show::json(profile, *counts)),
            false => print!("{}", show::whole(profile, *counts)),
        }
    }
    Ok(())
}

async fn remove(desk: &Desk, id: &ProfileId, json: bool) -> Result<()> {
    match profiles::remove(desk.cabinet(), &desk.loaded.profiles, id).await {
        Err(NotChanged::Missing(_)) => bail!("{}", absent(id, kept(desk).await?.iter())),
        done => done?,
    }
    desk.record("profile.remove", &id.to_string(), None).await?;
    match json {
        true => println!("{:#}", json!({"id": id.to_string(), "removed": true})),
        false => {
            println!("Removed the profile {id}. A running server does without it within seconds.")
        }
    }
    Ok(())
}

fn absent<'p>(id: &ProfileId, known: impl Iterator<Item = &'p Definition>) -> String {
    let known: Vec<_> = known.map(|profile| profile.id.to_string()).collect();
    let near = nearest(&id.to_string(), known.iter().map(String::as_str)).join(", ");
    match near.is_empty() {
        true => format!("there is no profile {id}: crosspoint profile list shows those there are"),
        false => format!("there is no profile {id}; did you mean {near}?"),
    }
}
