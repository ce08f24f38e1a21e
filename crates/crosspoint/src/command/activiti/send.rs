//! `crosspoint activiti send`: a command to a runtime bundle.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use crosspoint_core::CallId;
use crosspoint_ingress::activiti::{Command, Unsent, send};
use serde_json::{Map, Value, json};

use crate::cli::{FAILED, IN_DOUBT, SendArgs, SendCommand, SendOptions};
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
    if application.trim().is_empty() {
        bail!("the name of the application is empty (--app, activiti.app_name)");
    }
    let variables = arguments::gather(options.input.as_deref(), &options.variables)?;
    let mut plain = Map::new();
    for (name, json) in variables.iter() {
        plain.insert(name.to_owned(), json.read::<Value>()?);
    }
    let id = CallId::generate().to_string();
    let payload = command.payload(&id, &plain);
    let sent = wait_for(async { Ok(send(&settings, &application, &payload).await) })?;
    let (told, code) = match &sent {
        Ok(exchange) => (json!({"id": id, "exchange": exchange}), 0),
        Err(Unsent::Not(why)) => (json!({"error": why}), FAILED),
        Err(Unsent::Unknown(why)) => (
            json!({"error": why, "id": id, "may_have_been_sent": true}),
            IN_DOUBT,
        ),
    };
    match &sent {
        _ if options.json => println!("{told:#}"),
        Ok(exchange) => println!("Sent to {exchange}, id {id}."),
        Err(Unsent::Not(why)) => eprintln!("not sent: {why}"),
        Err(Unsent::Unknown(why)) => eprintln!("it may have been sent, id {id}: {why}"),
    }
    Ok(ExitCode::from(code))
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
