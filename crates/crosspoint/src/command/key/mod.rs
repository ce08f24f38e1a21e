//! `crosspoint key`: the access keys that the store keeps.

mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use crosspoint_broker::access::{KeptKey, Scopes, new_key};
use serde_json::{Value, json};

use crate::cli::{CreateArgs, KeyCommand, RotateArgs};
use crate::command::kept::{self, Desk};

/// Makes, lists, rotates or removes keys.
pub fn run(file: &Option<PathBuf>, command: KeyCommand) -> Result<ExitCode> {
    match command {
        KeyCommand::Create(args) => kept::run(file, async |desk| create(desk, args).await),
        KeyCommand::List(args) => kept::look(file, async |desk| list(desk, args.json).await),
        KeyCommand::Rotate(args) => kept::run(file, async |desk| rotate(desk, args).await),
        KeyCommand::Remove(args) => {
            kept::run(file, async |desk| remove(desk, &args.name, args.json).await)
        }
    }
}

async fn create(desk: &Desk, args: CreateArgs) -> Result<()> {
    let name = &args.name;
    if desk.loaded.api_keys.iter().any(|key| key.name == *name) {
        bail!("the configuration has a key '{name}': give this one another name");
    }
    let value = new_key()?;
    // Each was read as a scope.
    let scopes = Scopes::read(args.scopes.iter().map(String::as_str)).unwrap_or_default();
    let key = KeptKey::new(name, &value, scopes, args.expires);
    key.keep(desk.cabinet()).await?;
    let detail = about(&key);
    desk.record("key.create", name, Some(detail.clone()))
        .await?;
    tell(&key, &value, args.json, || {
        format!("Key '{name}': {detail}. It is shown this once: keep it where the caller finds it.")
    });
    Ok(())
}

async fn rotate(desk: &Desk, args: RotateArgs) -> Result<()> {
    let (name, value) = (&args.name, new_key()?);
    let rotate = |key: &mut KeptKey| key.rotate(&value, args.grace);
    let key = KeptKey::change(desk.cabinet(), name, rotate).await?;
    let old = match key.previous {
        Some((_, until)) => format!("the old value is taken until {}", table::time(until)),
        None => "the old value is not taken any more".to_owned(),
    };
    desk.record("key.rotate", name, Some(old.clone())).await?;
    tell(&key, &value, args.json, || {
        format!("Key '{name}' has another value; {old}. It is shown this once.")
    });
    Ok(())
}

async fn remove(desk: &Desk, name: &str, json: bool) -> Result<()> {
    KeptKey::remove(desk.cabinet(), name).await?;
    desk.record("key.remove", name, None).await?;
    match json {
        true => println!("{:#}", json!({"name": name, "removed": true})),
        false => println!("Removed the key '{name}'. A running server refuses it within seconds."),
    }
    Ok(())
}

async fn list(desk: &Desk, json: bool) -> Result<()> {
    let keys = KeptKey::all(desk.cabinet()).await?;
    if json {
        let keys: Value = keys.iter().map(table::json).collect();
        println!("{keys:#}");
        return Ok(());
    }
    if keys.is_empty() {
        println!("The store keeps no keys. Make one: crosspoint key create NAME");
        return Ok(());
    }
    print!("{}", table::whole(&keys));
    Ok(())
}

fn about(key: &KeptKey) -> String {
    let until = match key.key.expires {
        Some(expires) => format!("until {}", table::time(expires)),
        None => "for ever".to_owned(),
    };
    format!("good for {}, {until}", key.key.scopes)
}

/// The value alone on standard output, so that a script can take it.
fn tell(key: &KeptKey, value: &str, json: bool, sentence: impl FnOnce() -> String) {
    if json {
        let mut shown = table::json(key);
        shown["key"] = value.into();
        println!("{shown:#}");
        return;
    }
    println!("{value}");
    eprintln!("{}", sentence());
}
