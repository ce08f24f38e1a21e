//! `crosspoint mcp`: the commands as tools, for a client that started this process.

mod bridge;
mod letter;
mod passing;
mod signals;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bridge::Bridge;
use crosspoint_ingress::mcp::{Mcp, stdio};
use tokio::io::{BufReader, stdin, stdout};

use crate::cli::McpArgs;
use crate::config::Loaded;
use crate::logging::LogMask;
use crate::{logging, proxy_at, show, telemetry, wire};

/// Serves until the input ends or a signal says stop.
pub fn run(file: &Option<PathBuf>, args: &McpArgs) -> Result<ExitCode> {
    let loaded = match wire::Options::of(file).load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    let (filter, format) = (&loaded.config.log.0, loaded.config.log_format);
    let log = logging::start(filter, format, wire::mask(&loaded));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("starting the runtime")?;
    let served = runtime.block_on(async {
        match &args.server {
            Some(server) => there(server, args, &loaded).await,
            None => here(&loaded, log).await,
        }
    });
    // Reading standard input cannot be broken off, and is not waited for.
    runtime.shutdown_background();
    served.map(|()| ExitCode::SUCCESS)
}

/// Runs the commands in this process, as `crosspoint call` does.
async fn here(loaded: &Loaded, log: LogMask) -> Result<()> {
    let Some(settings) = wire::tools::settings(loaded) else {
        bail!("no tools are served: the setting mcp.enabled is false");
    };
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    // An agent starts it anywhere, and its calls count nevertheless.
    let opened = wire::ledger::open_to_write(loaded).await;
    let ledger = opened.unwrap_or_else(|error| {
        tracing::warn!(
            "Calls are not recorded: {}",
            show::one_line(&format!("{error:#}"))
        );
        None
    });
    let (telemetry, tracing) = telemetry::start(loaded, None, &log);
    let broker = wire::loading(loaded, ledger, log, tracing).await?;
    broker.attend_profiles();
    let mcp = Mcp::new(broker.clone(), Some(settings));
    let told = tokio::spawn(tell(mcp.clone()));
    let limit = loaded.config.max_body.0 as usize;
    let input = BufReader::new(stdin());
    let served = tokio::select! {
        served = stdio(&mcp, input, stdout(), limit) => served.context("speaking to the client"),
        why = signals::stop() => {
            tracing::info!(why, "Stopping.");
            Ok(())
        }
    };
    told.abort();
    broker.drain(loaded.config.drain.0).await;
    if let Some(telemetry) = telemetry {
        telemetry.end().await;
    }
    served
}

/// What did not load, and what may not be meant.
async fn tell(mcp: Mcp) {
    let broker = mcp.broker();
    broker.settled().await;
    tracing::info!("Loaded: {}.", wire::describe(broker));
    for problem in broker.health().problems {
        tracing::error!("{}", show::one_line(&problem));
    }
    for note in mcp.notes() {
        tracing::warn!("{}", show::one_line(&note));
    }
}

/// Passes on what the client and a server say to each other.
async fn there(server: &str, args: &McpArgs, loaded: &Loaded) -> Result<()> {
    let bridge = Bridge::new(
        proxy_at::client(loaded)?,
        proxy_at::address(server)?,
        proxy_at::key(args.api_key_env.as_deref())?,
    );
    let limit = loaded.config.max_body.0 as usize;
    let input = BufReader::new(stdin());
    tokio::select! {
        served = Arc::new(bridge).run(input, stdout(), limit) => {
            served.context("speaking to the client")
        }
        why = signals::stop() => {
            tracing::info!(why, "Stopping.");
            Ok(())
        }
    }
}
