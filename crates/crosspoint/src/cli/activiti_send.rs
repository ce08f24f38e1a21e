//! The grammar of `crosspoint activiti send`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint activiti send start-process Process_YjqRw3n2 sender=a@b.c --app default-app
  crosspoint activiti send signal stockChanged items:='[1, 2]' --app default-app
  crosspoint activiti send receive-message paid --correlation-key 14240 --app default-app

The command goes to the exchange commandConsumer_<app> of the message broker at activiti.amqp, as the
runtime bundle's own clients send it. Exit codes: 0 the message broker has it in the runtime bundle's
queue, 1 it has not, 2 the command line or the configuration is wrong, 3 nobody knows: it was sent, and
the message broker has not confirmed it in time.")]
pub struct SendArgs {
    #[command(subcommand)]
    pub command: SendCommand,
}

#[derive(Debug, Subcommand)]
pub enum SendCommand {
    /// Start a process by the key of its definition
    StartProcess(StartProcessArgs),
    /// Send a signal to whoever waits for it
    Signal(SignalArgs),
    /// Send a message to the process that waits for it
    ReceiveMessage(ReceiveMessageArgs),
    /// Start the process that begins with a message
    StartMessage(StartMessageArgs),
}

#[derive(Debug, Args)]
pub struct StartProcessArgs {
    /// The key of the process definition
    #[arg(value_name = "KEY")]
    pub key: String,

    /// The name of the instance
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// The key of the business case
    #[arg(long, value_name = "KEY")]
    pub business_key: Option<String>,

    #[command(flatten)]
    pub options: SendOptions,
}

#[derive(Debug, Args)]
pub struct SignalArgs {
    /// The name of the signal
    #[arg(value_name = "NAME")]
    pub name: String,

    #[command(flatten)]
    pub options: SendOptions,
}

#[derive(Debug, Args)]
pub struct ReceiveMessageArgs {
    /// The name of the message
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Which of the processes that wait for it
    #[arg(long, value_name = "KEY")]
    pub correlation_key: Option<String>,

    #[command(flatten)]
    pub options: SendOptions,
}

#[derive(Debug, Args)]
pub struct StartMessageArgs {
    /// The name of the message
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The key of the business case
    #[arg(long, value_name = "KEY")]
    pub business_key: Option<String>,

    #[command(flatten)]
    pub options: SendOptions,
}

#[derive(Debug, Args)]
pub struct SendOptions {
    /// Variables: name=text or name:=JSON
    #[arg(value_name = "NAME=VALUE")]
    pub variables: Vec<String>,

    /// Read variables from a JSON file first ('-': standard input)
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,

    /// The application that the runtime bundle belongs to [default: the setting activiti.app_name]
    #[arg(long, value_name = "NAME")]
    pub app: Option<String>,

    /// Write JSON
    #[arg(long)]
    pub json: bool,
}
