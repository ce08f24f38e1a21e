//! The signals that ask for an end.

use tokio::signal::unix::{SignalKind, signal};

/// Returns when one of them comes.
pub(super) async fn stop() -> &'static str {
    let listen = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            // Then it ends the process by itself.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = listen(SignalKind::interrupt()) => "SIGINT",
        () = listen(SignalKind::terminate()) => "SIGTERM",
    }
}
