//! The program: command line, configuration, wiring.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to people"
)]

mod actor;
mod arguments;
mod bound;
mod cli;
mod command;
mod config;
mod control;
mod data_dir;
mod logging;
mod outcome;
mod proxy_at;
mod show;
mod telemetry;
mod wire;

use std::panic;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, ConfigCommand, NewCommand};

/// A call allocates some 130 times, mostly below hyper and reqwest. Measured beside the system's
/// allocator: 9 % fewer instructions a call, 8 % more memory with 5,000 calls in flight.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(code) = bound::become_asked() {
        return code;
    }
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        show::end_when_nobody_reads(panic);
        usual(panic);
    }));
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(args) => command::serve::run(&cli.config, args),
        Command::Commands(args) => command::commands::run(&cli.config, args),
        Command::Call(args) => command::call::run(&cli.config, args),
        Command::Check(args) => command::check::run(&cli.config, args),
        Command::New(NewCommand::Python(args)) => command::new::python(args),
        Command::New(NewCommand::OpenApi(args)) => command::new::openapi(&cli.config, args),
        Command::New(NewCommand::Mcp(args)) => command::new::mcp(args),
        Command::Env(command) => command::env::run(&cli.config, command),
        Command::Reload(args) => command::reload::run(&cli.config, &args),
        Command::Ledger(command) => command::ledger::run(&cli.config, command),
        Command::Profile(command) => command::profile::run(&cli.config, command),
        Command::Key(command) => command::key::run(&cli.config, command),
        Command::Audit(args) => command::audit::run(&cli.config, args),
        Command::Secret(command) => command::secret::run(&cli.config, command),
        Command::Auth(command) => command::auth::run(&cli.config, command),
        Command::Mcp(args) => command::mcp::run(&cli.config, &args),
        Command::Activiti(command) => command::activiti::run(&cli.config, command),
        Command::Config(ConfigCommand::Check(args)) => command::config::check(&cli.config, args),
        Command::Config(ConfigCommand::Reference(args)) => command::config::reference(args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(cli::USAGE)
        }
    }
}
