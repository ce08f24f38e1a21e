//! `crosspoint serve`: runs the proxy.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use crosspoint_broker::Broker;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .context("starting the runtime")?
        .block_on(serve(&loaded))
}

async fn serve(loaded: &Loaded) -> Result<ExitCode> {
    // The listener opens first, so that a wrong address is told before anything else is tried,
    // and so that the egress rules know it.
    let wanted = loaded.config.listen.0;
    let listener = TcpListener::bind(wanted)
        .await
        .with_context(|| busy(wanted))?;
    let address = listener
        .local_addr()
        .context("reading the address that is listened on")?;
    let broker = wire::broker(loaded, Some(address))?;
    let router = crosspoint_ingress::router(broker.clone(), wire::ingress(loaded));
    // Before anybody is told that this process is there: who starts it may want to end it.
    let mut signals = Signals::listen().context("listening for signals")?;
    greet(address, &broker, loaded);

    let stop = CancellationToken::new();
    let patience = loaded.config.drain.0;
    let serving =
        crosspoint_ingress::serve(listener, router, stop.clone().cancelled_owned(), patience);
    let stopping = async {
        stop.cancelled().await;
        broker.drain(patience).await
    };
    let told_twice = async {
        let why = signals.next().await;
        tracing::info!(why, "Stopping; calls in flight are answered first.");
        stop.cancel();
        signals.next().await
    };
    let left = tokio::select! {
        left = async { tokio::join!(serving, stopping).1 } => left,
        _ = told_twice => anyhow::bail!("stopped at once; calls in flight were dropped"),
    };
    if left > 0 {
        tracing::warn!(
            left,
            "Stopped with calls in flight: they took longer than the setting drain."
        );
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

/// The signals that ask for an end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

// === impl Signals ===

impl Signals {
    /// From here on they no longer end the process by themselves.
    fn listen() -> io::Result<Signals> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Signals {
            interrupt,
            terminate,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// Each call in flight holds a connection on either side; the usual soft limit of 1,024 would end
/// that early, and the hard limit is what the operator meant to allow.
fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "Raising the limit of open files failed.");
    }
}
