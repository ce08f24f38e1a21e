//! Tries whether a profile works.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use crosspoint_broker::profiles::CheckResult;
use crosspoint_core::{Failure, Tracing};
use serde_json::json;

use crate::cli::{FAILED, NamedProfileArgs, USAGE};
use crate::{logging, show, wire};

/// Checks the profile in this process, and says how that went.
pub fn run(file: &Option<PathBuf>, args: &NamedProfileArgs) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    let log = logging::start("off", loaded.config.log_format, wire::mask(&loaded));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let checked = runtime.context("starting the runtime")?.block_on(async {
        let ledger = wire::ledger::open_existing(&loaded).await;
        let only = Some(&*args.id.connector);
        let untraced = Tracing::default();
        let broker = wire::in_process(&loaded, only, ledger, Some(log), untraced).await?;
        let waiting = show::Waiting::new(format!("checking {}", args.id));
        let checking = broker.check_profile(&args.id, loaded.config.cli.deadline.0);
        let checked = tokio::select! {
            checked = checking => checked,
            never = waiting.show() => match never {},
        };
        broker.drain(loaded.config.drain.0).await;
        anyhow::Ok(checked)
    })?;
    Ok(tell(args, checked))
}

fn tell(args: &NamedProfileArgs, checked: Result<CheckResult, Failure>) -> ExitCode {
    let id = &args.id;
    let result = match checked {
        Ok(result) => result,
        Err(failure) => {
            eprintln!("not checked: {failure}");
            return ExitCode::from(USAGE);
        }
    };
    if args.json {
        let error = result.error.as_ref();
        let error = error.map(|error| json!({"code": error.code, "message": error.message}));
        let ms = result.milliseconds;
        println!(
            "{:#}",
            json!({"id": id.to_string(), "milliseconds": ms, "error": error})
        );
    }
    match result.error {
        None if args.json => ExitCode::SUCCESS,
        None => {
            println!("{id} works ({} ms).", result.milliseconds);
            ExitCode::SUCCESS
        }
        Some(error) => {
            eprintln!("{id} does not work: {}: {}", error.code, error.message);
            ExitCode::from(FAILED)
        }
    }
}
