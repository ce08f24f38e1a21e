//! `crosspoint serve`: runs the proxy.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use crosspoint_broker::Broker;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::ServeArgs;
use crate::config::Loaded;
use crate::{logging, show, wire};

/// Serves until a signal says stop.
pub fn run(file: &Option<PathBuf>, args: ServeArgs) -> Result<ExitCode> {
    let loaded = match wire::load(file.as_deref(), args.listen) {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    let mask = wire::mask(&loaded);
    logging::start(&loaded.config.log.0, mask);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("starting the runtime")?.block_on(serve(&loaded))
}

async fn serve(loaded: &Loaded) -> Result<ExitCode> {
    // The listener opens first, so that a wrong address is told before anything else is tried,
    // and so that the egress rules know it.
    let wanted = loaded.config.listen.0;
    let listener = TcpListener::bind(wanted).await.with_context(|| busy(wanted))?;
    let address = listener.local_addr().context("reading the address that is listened on")?;
    let broker = wire::broker(loaded, Some(address))?;
    let router = crosspoint_ingress::router(broker.clone(), wire::ingress(loaded));
    greet(address, &broker, loaded);

    let stop = CancellationToken::new();
    let patience = loaded.config.drain.0;
    let serving = crosspoint_ingress::serve(
        listener,
        router,
        stop.clone().cancelled_owned(),
        patience,
    );
    let stopping = async {
        let why = told_to_stop().await;
        tracing::info!(why, "Stopping; calls in flight are answered first.");
        stop.cancel();
        broker.drain(patience).await
    };
    let left = tokio::select! {
        left = async { tokio::join!(serving, stopping).1 } => left,
        () = told_twice(&stop) => anyhow::bail!("stopped at once; calls in flight were dropped"),
    };
    if left > 0 {
        tracing::warn!(left, "Stopped with calls in flight: they took longer than the setting drain.");
    }
    Ok(ExitCode::SUCCESS)
}

fn busy(address: SocketAddr) -> String {
    format!(
        "listening on {address} (is another one running? `crosspoint serve --listen \
         127.0.0.1:0` takes any free port)"
    )
}

/// Says where it listens, on standard output: scripts read the port from here.
fn greet(address: SocketAddr, broker: &Broker, loaded: &Loaded) {
    let version = env!("CARGO_PKG_VERSION");
    let commands = broker.catalogue().entries().len();
    let file = match &loaded.file {
        Some(file) => format!("configured by {}", file.display()),
        None => "no configuration file, all defaults".to_owned(),
    };
    println!("Crosspoint {version} listening on http://{address}");
    println!("{commands} commands ({file}); read them at http://{address}/docs");
    tracing::info!(%address, commands, "Listening.");
}

/// The first signal that asks for an end.
async fn told_to_stop() -> &'static str {
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => "SIGINT",
        _ = terminated => "SIGTERM",
    }
}

/// Resolves at a signal that comes while stopping.
async fn told_twice(stop: &CancellationToken) {
    stop.cancelled().await;
    // The first signal woke all that listen; let it pass.
    tokio::time::sleep(Duration::from_millis(50)).await;
    told_to_stop().await;
}

/// Each call in flight holds a connection on either side; the usual soft limit of 1,024 would end
/// that early, and the hard limit is what the operator meant to allow.
fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "Raising the limit of open files failed.");
    }
}
