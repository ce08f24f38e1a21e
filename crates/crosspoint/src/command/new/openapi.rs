//! `crosspoint new openapi`: mounts what a document describes, and shows what that is.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use crosspoint_core::{
    Call, CommandId, Ingress, Manifest, Mask, Origin, Safety, Tracing, nearest, shorten,
};
use crosspoint_runtimes::openapi::{Described, Source, describe};

use crate::cli::{FAILED, NewOpenApiArgs};
use crate::config::Loaded;
use crate::config::mounted::Entry;
use crate::config::openapi::OpenApiConnector;
use crate::config::types::LogFormat;
use crate::{arguments, logging, outcome, show, wire};

/// So many commands are listed.
const LISTED: usize = 30;

/// Reads the document, says what it is, writes the table, and tries a command where one is named.
pub fn openapi(file: &Option<PathBuf>, args: NewOpenApiArgs) -> Result<ExitCode> {
    let name = &args.name;
    super::check_name(name)?;
    let mut loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    ensure!(
        !loaded.config.connectors.mounted.contains_key(name),
        "[connectors.{name}] is there already: take another name, or take the table out"
    );
    logging::start("off", LogFormat::Text, Mask::default());
    let document = args.document.parse();
    let document = document.map_err(|wrong| anyhow::anyhow!("{}: {wrong}", args.document))?;
    let mut entry = OpenApiConnector::of(document);
    entry.server.clone_from(&args.server);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.context("starting the runtime")?.block_on(async {
        let described = read(&loaded, name, &entry).await?;
        tell(name, &described);
        let command = args.command.as_deref();
        let command = command.map(|command| wanted(&described.manifest, command));
        let command = command.transpose()?;
        let table = table(&args);
        let path = write(&loaded, &table)?;
        println!("\nWrote to {}:\n{table}", path.display());
        let Some(command) = command else {
            let first = described.manifest.commands.first();
            let first = first.map_or("", |command| &command.name);
            println!("Next: crosspoint commands {name}, crosspoint call {name}/{first} …");
            return Ok(ExitCode::SUCCESS);
        };
        let mounted = &mut loaded.config.connectors.mounted;
        mounted.insert(name.clone(), Entry::OpenApi(Box::new(entry)));
        try_it(&loaded, name, &command, &args.arguments).await
    })
}

async fn read(loaded: &Loaded, name: &str, entry: &OpenApiConnector) -> Result<Described> {
    let source = Source {
        name: name.to_owned(),
        at: wire::openapi::at(&entry.openapi),
        settings: wire::openapi::settings(entry),
        http: wire::common(loaded, None)?,
    };
    let waiting = show::Waiting::new(format!("reading {}", entry.openapi));
    let described = tokio::select! {
        described = describe(&source) => described,
        never = waiting.show() => match never {},
    };
    described.map_err(|clause| anyhow::anyhow!("{} {clause}", entry.openapi))
}

/// What the document is as a connector.
fn tell(name: &str, described: &Described) {
    let manifest = &described.manifest;
    let commands = &manifest.commands;
    println!("{} ({} commands)\n", manifest.description, commands.len());
    for command in commands.iter().take(LISTED) {
        let line = command.description.lines().next().unwrap_or_default();
        let safety = command.safety.name();
        println!("  {name}/{} ({safety})  {line}", command.name);
    }
    if commands.len() > LISTED {
        println!("  … and {} more", commands.len() - LISTED);
    }
    let fields: Vec<_> = manifest.fields.declared.iter().collect();
    if !fields.is_empty() {
        println!("\nIts profiles may hold:");
        for field in fields {
            let secret = if field.secret { " (secret)" } else { "" };
            println!("  {}{secret}  {}", field.name, field.description);
        }
    }
    for auth in &manifest.auths {
        println!("\nSomebody authorises by {name}/{}.", auth.name);
    }
    if !described.notes.is_empty() {
        println!("\nTo be known:");
        described.notes.iter().for_each(|note| println!("  {note}"));
    }
}

/// The command that is to be tried.
fn wanted(manifest: &Manifest, wanted: &str) -> Result<String> {
    let wanted = wanted.rsplit('/').next().unwrap_or(wanted);
    let Some(command) = manifest.commands.iter().find(|c| c.name == wanted) else {
        let names = manifest.commands.iter().map(|command| &*command.name);
        let near = nearest(wanted, names).join(", ");
        let hint = if near.is_empty() {
            String::new()
        } else {
            format!("; did you mean {near}?")
        };
        bail!("there is no command '{}'{hint}", shorten(wanted));
    };
    ensure!(
        command.safety == Safety::ReadOnly,
        "{wanted} is {}: only read-only commands are tried here",
        command.safety.name()
    );
    Ok(wanted.to_owned())
}

/// The table of the configuration.
fn table(args: &NewOpenApiArgs) -> String {
    let text = |text: &str| toml::Value::from(text).to_string();
    let mut table = format!(
        "[connectors.{}]\nopenapi = {}\n",
        args.name,
        text(&args.document)
    );
    if let Some(server) = &args.server {
        table.push_str(&format!("server = {}\n", text(server)));
    }
    table
}

/// Adds the table to the file of the configuration, or begins one.
fn write(loaded: &Loaded, table: &str) -> Result<PathBuf> {
    let usual = || Path::new("crosspoint.toml").to_owned();
    let path = loaded.file.clone().unwrap_or_else(usual);
    let shown = || format!("writing {}", path.display());
    let begun = fs::read_to_string(&path).unwrap_or_default();
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(shown)?;
    let lead = match (begun.is_empty(), begun.ends_with('\n')) {
        (true, _) => "",
        (false, true) => "\n",
        (false, false) => "\n\n",
    };
    file.write_all(format!("{lead}{table}").as_bytes())
        .with_context(shown)?;
    Ok(path)
}

async fn try_it(loaded: &Loaded, name: &str, command: &str, given: &[String]) -> Result<ExitCode> {
    let given = arguments::gather(None, given)?;
    let broker = wire::in_process(loaded, Some(name), None, None, Tracing::default()).await?;
    let id = CommandId::new(name, command);
    println!("Trying {id}:");
    let call = Call::new(id, given, Origin::of(Ingress::Cli));
    let result = broker.submit(call, loaded.config.cli.deadline.0).await;
    let code = match result {
        Ok(found) => {
            outcome::write_body(&found.body)?;
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("failed: {failure}");
            ExitCode::from(FAILED)
        }
    };
    broker.drain(loaded.config.drain.0).await;
    Ok(code)
}
