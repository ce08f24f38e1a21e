//! Accepts connections until told to stop, then lets those in flight end.

use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use crate::live::Live;

/// How long a client may take to send a request's head.
const HEAD: Duration = Duration::from_secs(30);

/// A timer that is due before those of requests. Without it each request would bring the next timer
/// that is due, and tokio wakes the thread that sleeps until then to tell it.
const TICK: Duration = Duration::from_secs(1);

/// Serves until `stop` resolves, then accepts nothing more and waits up to `patience` for the
/// requests in flight.
pub async fn serve(
    listener: TcpListener,
    routes: Live,
    stop: impl Future<Output = ()>,
    patience: Duration,
) {
    let connections = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let mut tick = tokio::time::interval(TICK);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = tick.tick() => continue,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => connection(&builder, &connections, stream, routes.clone()),
            Err(error) => {
                // Mostly too many open files: waiting helps, ending the process does not.
                tracing::warn!(%error, "Accepting a connection failed; trying again.");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(patience, connections.shutdown()).await;
}

fn connection(
    builder: &http1::Builder,
    connections: &GracefulShutdown,
    stream: TcpStream,
    routes: Live,
) {
    // Answers are small and complete: waiting for more to send only costs time.
    let _ = stream.set_nodelay(true);
    let connection = builder.serve_connection(TokioIo::new(stream), routes);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "A connection ended early.");
        }
    });
}
