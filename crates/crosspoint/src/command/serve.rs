//! `crosspoint serve`: runs the proxy.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use crosspoint_broker::Broker;
use crosspoint_ingress::Live;
use crosspoint_ingress::mcp::Mcp;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::cli::ServeArgs;
use crate::config::Loaded;
use crate::control::{Answer, Control, Request};
use crate::data_dir::{DataDir, DataDirError};
use crate::logging::{self, LogMask};
use crate::show;
use crate::telemetry;
use crate::wire::{self, Kept, KeptFor, Options, Reloader, Runtimes, ToLog};

/// Serves until a signal says stop.
pub fn run(file: &Option<PathBuf>, args: ServeArgs) -> Result<ExitCode> {
    let options = Options {
        file: file.clone(),
        listen: args.listen,
        python_env: args.python_env,
        serves: true,
    };
    let loaded = match options.load() {
        Ok(loaded) => loaded,
        Err(problems) => return Ok(show::problems(&problems)),
    };
    let (filter, format) = (&loaded.config.log.0, loaded.config.log_format);
    let log = logging::start(filter, format, wire::mask(&loaded));
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let data_dir = data_dir(&loaded)?;
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .context("starting the runtime")?
        .block_on(serve(options, loaded, log, data_dir, args.watch))
}

/// Another server in the same directory ends the start. One that cannot be written does not: what
/// needs it says so itself.
fn data_dir(loaded: &Loaded) -> Result<Option<DataDir>> {
    match DataDir::open(&loaded.config.data_dir.0) {
        Ok(data_dir) => Ok(Some(data_dir)),
        Err(taken @ DataDirError::Taken(_)) => Err(taken.into()),
        Err(error) => {
            tracing::warn!("{error}: `crosspoint reload` will not find this server.");
            Ok(None)
        }
    }
}

async fn serve(
    options: Options,
    loaded: Loaded,
    log: LogMask,
    data_dir: Option<DataDir>,
    watch: bool,
) -> Result<ExitCode> {
    // The listener opens first, so that a wrong address is told before anything else is tried,
    // and so that the egress rules know it.
    let wanted = loaded.config.listen.0;
    let listener = TcpListener::bind(wanted)
        .await
        .with_context(|| busy(wanted))?;
    let address = listener
        .local_addr()
        .context("reading the address that is listened on")?;
    let runtimes = Runtimes::new(Arc::new(ToLog));
    let ledger = wire::ledger::open(&loaded, true).await?;
    let kept = Kept::new(&loaded, Some(address), ledger)?.hidden_in(Some(log.clone()));
    let at_the_door = KeptFor::open(&kept).await?;
    let (telemetry, tracing) = telemetry::start(&loaded, Some(address), &log);
    let broker = wire::broker(&loaded, Some(address), &runtimes, &kept, tracing).await?;
    broker.attend_ledger(wire::ledger::retention(&loaded));
    broker.attend_profiles();
    tokio::spawn(kept.grants.clone().attend());
    let activiti = wire::activiti::start(&loaded, &broker);
    let mcp = Mcp::new(broker.clone(), wire::tools::settings(&loaded));
    let routes = Live::new(crosspoint_ingress::router(
        broker.clone(),
        wire::ingress(&loaded, &at_the_door, activiti.status(), mcp.clone()),
    ));
    // Before anybody is told that this process is there: who starts it may want to end it.
    let mut signals = Signals::listen().context("listening for signals")?;
    greet(address, &broker, &loaded);
    let patience = loaded.config.drain.0;
    let secrets = wire::secrets(&loaded);
    let reloader = Arc::new(Reloader {
        options,
        listener: address,
        broker: broker.clone(),
        activiti: activiti.clone(),
        mcp,
        routes: routes.clone(),
        log,
        runtimes,
        at_the_door,
        kept: kept.clone(),
        now: Mutex::new((loaded, secrets)),
    });
    attend(reloader, data_dir.as_ref(), watch).context("listening for SIGHUP")?;

    let stop = CancellationToken::new();
    let serving =
        crosspoint_ingress::serve(listener, routes, stop.clone().cancelled_owned(), patience);
    let stopping = async {
        stop.cancelled().await;
        let left = tokio::join!(broker.drain(patience), activiti.ended(patience)).0;
        kept.grants.finish().await;
        left
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
    if let Some(telemetry) = telemetry {
        telemetry.end().await;
    }
    if left > 0 {
        tracing::warn!(
            left,
            "Stopped with calls in flight: they took longer than the setting drain."
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What goes on beside serving: telling what has loaded, and the ways to reload.
fn attend(reloader: Arc<Reloader>, data_dir: Option<&DataDir>, watch: bool) -> io::Result<()> {
    tokio::spawn(tell_loaded(reloader.broker.clone(), reloader.mcp.clone()));
    let mut hang_up = signal(SignalKind::hangup())?;
    let by_signal = reloader.clone();
    tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            let _ = by_signal.reload_aloud("SIGHUP").await;
        }
    });
    match data_dir.map(|data_dir| Control::open(data_dir.path())) {
        Some(Ok(control)) => {
            let reloader = reloader.clone();
            tokio::spawn(control.serve(move |request| {
                let reloader = reloader.clone();
                Box::pin(async move { handle(&reloader, request).await })
            }));
        }
        Some(Err(error)) => {
            tracing::warn!(%error, "Opening the control socket failed: `crosspoint reload` will not find this server.");
        }
        None => {}
    }
    tokio::spawn(reloader.clone().follow_secrets());
    if watch {
        tokio::spawn(reloader.watch());
    }
    Ok(())
}

async fn handle(reloader: &Reloader, request: Request) -> Answer {
    match request {
        Request::Reload => reload(reloader).await,
        Request::RunAgain { id } => match reloader.broker.run_again(&id).await {
            Ok(result) => Answer {
                failure: result.err().map(|failure| failure.to_string()),
                ..Answer::done(format!("Call {id} has run again."))
            },
            Err(error) => Answer::refused(error.to_string()),
        },
        Request::Authorise { profile, auth, by } => {
            wire::desk::authorise(&reloader.broker, &profile, auth, by).await
        }
        Request::Grants => wire::desk::list(&reloader.broker).await,
        Request::ForgetGrant { profile, by } => {
            wire::desk::forget(&reloader.broker, &profile, &by).await
        }
    }
}

async fn reload(reloader: &Reloader) -> Answer {
    match reloader.reload_aloud("crosspoint reload").await {
        Ok(reloaded) => {
            let lines = [
                vec![format!("Reloaded: {}.", reloaded.summary)],
                reloaded.problems,
                reloaded.notes,
            ];
            Answer::done(lines.concat().join("\n"))
        }
        Err(reason) => Answer::refused(format!(
            "Not reloaded, everything stays as it was:\n{reason}"
        )),
    }
}

/// Tells when everything has loaded, how quickly that may have been; and what may not be meant of tools.
async fn tell_loaded(broker: Broker, mcp: Mcp) {
    let loads = !broker.health().ready;
    broker.settled().await;
    for note in mcp.notes() {
        tracing::warn!("{}", show::one_line(&note));
    }
    tracing::info!("Loaded: {}.", wire::describe(&broker));
    if loads {
        for problem in broker.health().problems {
            tracing::error!("{}", show::one_line(&problem));
        }
    }
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
    if let Some(folder) = &loaded.virtual_env {
        println!(
            "Loading the connector_* packages of {} (VIRTUAL_ENV)",
            folder.display()
        );
    } else if !broker.health().ready {
        println!("Loading further connectors; http://{address}/readyz tells when they are there");
    }
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
