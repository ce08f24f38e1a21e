//! `crosspoint activiti send`: a command to a runtime bundle.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use crosspoint_core::CallId;
use crosspoint_ingress::activiti::{Command, send};
use serde_json::{Map, Value, json};

use crate::cli::{FAILED, SendArgs, SendCommand, SendOptions};
use crate::command::wait_for;
use crate::{arguments, show, wire};

/// Publishes the command, and says where it went.
pub fn run(file: &Option<PathBuf>, args: SendArgs) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    let Some(settings) = wire::activiti::settings(&loaded) else {
        bail!("no message broker is configured: set activiti.amqp (CROSSPOINT_ACTIVITI__AMQP)");
    };
    let (command, options) = split(args.command);
    let configured = loaded.config.activiti.app_name.clone();
    let Some(application) = options.app.or(configured) else {
        bail!("name the application that the runtime bundle belongs to: --app default-app");
    };
    let variables = arguments::gather(options.input.as_deref(), &options.variables)?;
    let mut plain = Map::new();
    for (name, json) in variables.iter() {
        plain.insert(name.to_owned(), json.read::<Value>()?);
    }
    let id = CallId::generate().to_string();
    let payload = command.payload(&id, &plain);
    let sent = wait_for(async { Ok(send(&settings, &application, &payload).await) })?;
    match &sent {
        Ok(exchange) if options.json => println!("{:#}", json!({"id": id, "exchange": exchange})),
        Ok(exchange) => println!("Sent to {exchange}, id {id}."),
        Err(why) if options.json => println!("{:#}", json!({"error": why})),
        Err(why) => eprintln!("not sent: {why}"),
    }
    Ok(ExitCode::from(if sent.is_ok() { 0 } else { FAILED }))
}

fn split(command: SendCommand) -> (Command, SendOptions) {
    match command {
        SendCommand::StartProcess(args) => {
            let command = Command::StartProcess {
                key: args.key,
                name: args.name,
                business_key: args.business_key,
            };
            (command, args.options)
        }
        SendCommand::Signal(args) => (Command::Signal { name: args.name }, args.options),
        SendCommand::ReceiveMessage(args) => {
            let command = Command::ReceiveMessage {
                name: args.name,
                correlation_key: args.correlation_key,
            };
            (command, args.options)
        }
        SendCommand::StartMessage(args) => {
            let command = Command::StartMessage {
                name: args.name,
                business_key: args.business_key,
            };
            (command, args.options)
        }
    }
}
