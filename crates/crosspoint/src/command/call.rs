//! `crosspoint call`: runs one command, in this process or in a server.

mod remote;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use crosspoint_broker::Broker;
use crosspoint_core::{
    Arguments, Body, Call, CommandId, Failure, Ingress, Invalid, Kind, Origin, Outcome,
};
use remote::{Remote, Said};
use serde_json::json;
use tokio::time::Instant;

use crate::cli::{CallArgs, FAILED, USAGE};
use crate::config::Loaded;
use crate::{arguments, logging, outcome, show, telemetry, wire};

/// Calls the command and prints its result.
pub fn run(file: &Option<PathBuf>, args: CallArgs) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    // What went wrong is printed below; the log adds to it only when that is asked for.
    let filter = if args.verbose {
        &loaded.config.log.0
    } else {
        "off"
    };
    let log = logging::start(filter, loaded.config.log_format, wire::mask(&loaded));
    let command: CommandId = args.command.parse()?;
    let arguments = arguments::gather(args.input.as_deref(), &args.arguments)?;
    let remote = Remote::of(&args, &loaded)?;
    let mut call = Call::new(command, arguments, Origin::of(Ingress::Cli));
    call.profile.clone_from(&args.profile);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.context("starting the runtime")?.block_on(async {
        if let Some(remote) = remote {
            return there(&args, &remote, &call.arguments).await;
        }
        let ledger = wire::ledger::open_existing(&loaded).await;
        let (telemetry, tracing) = telemetry::start(&loaded, None, &log);
        let only = Some(&*call.command.connector);
        let broker = wire::in_process(&loaded, only, ledger, Some(log.clone()), tracing).await?;
        let begun = Instant::now();
        let result = submit(&broker, &loaded, call).await;
        let code = print(&args, result, begun.elapsed().as_millis() as u64);
        broker.drain(loaded.config.drain.0).await;
        if let Some(telemetry) = telemetry {
            telemetry.end().await;
        }
        code
    })
}

/// Calls the command in a server.
async fn there(args: &CallArgs, remote: &Remote, arguments: &Arguments) -> Result<ExitCode> {
    let waiting = show::Waiting::new(format!("calling {} there", args.command));
    let begun = Instant::now();
    let said = tokio::select! {
        said = remote.call(args, arguments) => said?,
        never = waiting.show() => match never {},
    };
    drop(waiting);
    match said {
        Said::Ended(result) => print(args, *result, begun.elapsed().as_millis() as u64),
        Said::Accepted { id, url } if args.json => {
            println!("{:#}", json!({"id": id, "url": url.as_str()}));
            Ok(ExitCode::SUCCESS)
        }
        Said::Accepted { id, url } => {
            println!("{id}");
            let key = args
                .api_key_env
                .as_deref()
                .unwrap_or("CONNECTOR_PROXY_API_KEY");
            let key = match remote.has_key() {
                true => format!("-H \"Authorization: Bearer ${key}\" "),
                false => String::new(),
            };
            eprintln!("How it goes: curl -s {key}{url}");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Waits for the result, and says so when that takes longer than a second.
async fn submit(broker: &Broker, loaded: &Loaded, call: Call) -> Result<Outcome, Failure> {
    let name = call.command.to_string();
    let waiting = show::Waiting::new(format!("calling {name}"));
    let submitted = broker.submit(call, loaded.config.cli.deadline.0);
    tokio::select! {
        result = submitted => result,
        never = waiting.show() => match never {},
    }
}

fn print(args: &CallArgs, result: Result<Outcome, Failure>, ms: u64) -> Result<ExitCode> {
    let code = match &result {
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) if matches!(failure.kind, Kind::Invalid(_)) => ExitCode::from(USAGE),
        Err(_) => ExitCode::from(FAILED),
    };
    if args.json {
        let mut whole = outcome::whole(&result)?;
        whole["milliseconds"] = ms.into();
        println!("{whole:#}");
        return Ok(code);
    }
    let outcome = match &result {
        Ok(outcome) => Some(outcome),
        Err(failure) => failure.outcome.as_deref(),
    };
    if let Some(outcome) = outcome.filter(|_| args.verbose) {
        outcome.logs.iter().for_each(|line| eprintln!("  {line}"));
    }
    match &result {
        Ok(outcome) if std::io::stderr().is_terminal() => {
            eprintln!("{} {} in {ms} ms", outcome.status, outcome.mimetype);
        }
        Ok(_) => {}
        Err(failure) => {
            eprintln!("failed: {failure}");
            let about_it = |kind| matches!(kind, Kind::Invalid(what) if what != Invalid::Profile);
            if about_it(failure.kind) && args.server.is_none() {
                eprintln!("What it takes: crosspoint commands {}", args.command);
            }
        }
    }
    if let Some(outcome) = outcome.filter(|o| !is_empty(&o.body)) {
        outcome::write_body(&outcome.body)?;
    }
    Ok(code)
}

fn is_empty(body: &Body) -> bool {
    match body {
        Body::Json(json) => json.as_bytes() == b"{}",
        Body::Text(text) => text.is_empty(),
        Body::Bytes(bytes) => bytes.is_empty(),
    }
}
