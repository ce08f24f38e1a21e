//! Keeps a server: starts it again, follows its list of tools, and replaces it when it is silent.

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::Failure;
use tokio::time::{Instant, sleep};

use super::account::Account;
use super::connection::Connection;
use super::link::Now;
use super::listing;
use super::mount::Shared;
use super::process::{self, Live, Written};
use super::server::Program;
use crate::process::{Backoff, Problem};

/// A server that lived that long is no reason to wait before it is started again.
const PROVED: Duration = Duration::from_secs(60);

/// How often the list of a server is read that runs elsewhere.
const REFRESH: Duration = Duration::from_secs(5 * 60);

/// How often the list of a server is read that says again and again that it has changed.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps a process until the mount closes.
pub(super) async fn keep_process(shared: Arc<Shared>, program: Program) {
    let (mut backoff, written) = (Backoff::default(), Written::new());
    loop {
        let started = tokio::select! {
            started = start(&shared, &program, &written) => started,
            () = shared.stop.cancelled() => break,
        };
        let wait = match started {
            Ok(live) => {
                let connection = live.connection.clone();
                let begun = Instant::now();
                let Some(end) = serve(&shared, live).await else {
                    break;
                };
                let proved = connection.is_proved() || begun.elapsed() >= PROVED;
                let wait = backoff.after_end(proved);
                report(&shared, &end);
                match wait.is_zero() {
                    true => shared.link.is(Now::Starting),
                    false => shared.dies(end),
                }
                wait
            }
            Err(problem) => {
                shared.failed(problem);
                backoff.after_failed_start()
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = shared.stop.cancelled() => break,
        }
    }
    shared.link.is(Now::Closed);
}

/// Follows the list of a server that runs elsewhere until the mount closes. Calls find their way by
/// themselves.
pub(super) async fn follow_remote(shared: Arc<Shared>, account: Arc<dyn Account>) {
    let mut backoff = Backoff::default();
    let following = async {
        loop {
            match open_remote(&shared, &*account).await {
                Ok(connection) => {
                    backoff = Backoff::default();
                    tokio::select! {
                        () = connection.ended() => {}
                        // Some never say that something has changed.
                        () = sleep(REFRESH) => {}
                        () = follow(&shared, &connection) => {}
                        () = connection.follow_changes() => {}
                    }
                }
                Err(problem) => {
                    shared.failed(problem);
                    sleep(backoff.after_failed_start()).await;
                }
            }
        }
    };
    shared.stop.run_until_cancelled(following).await;
    // There is no further call, so this ends the sessions.
    shared.link.renew();
}

/// Reads what a server has that runs elsewhere.
async fn open_remote(shared: &Shared, account: &dyn Account) -> Result<Arc<Connection>, Problem> {
    let deadline = Instant::now() + shared.link.server().settings.start_timeout;
    let told = |failure: Failure| Problem {
        message: failure.message,
        detail: failure.detail,
    };
    let profile = account.profile().await.map_err(told)?;
    let Some(sessions) = shared.link.sessions() else {
        return Err(Problem::new("does not run elsewhere"));
    };
    let connection = sessions.of(&profile, deadline).await.map_err(told)?;
    let listed = listing::list(&connection, deadline).await;
    let listed = listed.map_err(Problem::new)?;
    shared.serves(listed, Now::Up(connection.clone()));
    Ok(connection)
}

/// Starts the process and reads what it has.
async fn start(shared: &Shared, program: &Program, written: &Written) -> Result<Live, Problem> {
    let server = shared.link.server();
    let deadline = Instant::now() + server.settings.start_timeout;
    let with = (&shared.tasks, written);
    let live = Live::start(server, program, deadline, with).await?;
    match listing::list(&live.connection, deadline).await {
        Ok(listed) => {
            shared.serves(listed, Now::Up(live.connection.clone()));
            Ok(live)
        }
        Err(why) => Err(match live.connection.is_over() {
            true => live.ended().await,
            false => live.kill(why).await,
        }),
    }
}

/// Looks after a server to its end; nothing when the mount closes.
async fn serve(shared: &Shared, live: Live) -> Option<Problem> {
    let connection = live.connection.clone();
    let settings = &shared.link.server().settings;
    tokio::select! {
        () = connection.ended() => Some(live.ended().await),
        () = process::silent(&connection, settings.unresponsive_after) => {
            let seconds = settings.unresponsive_after.as_secs_f64();
            let reason = format!("was killed because it said nothing for {seconds} s");
            Some(live.kill(reason).await)
        }
        () = follow(shared, &connection) => None,
        () = connection.follow_changes() => None,
        () = shared.stop.cancelled() => {
            shared.link.is(Now::Closed);
            live.leave(settings.patience).await;
            None
        }
    }
}

/// Reads the list again whenever the server says that it has changed. Never returns.
pub(super) async fn follow(shared: &Shared, connection: &Arc<Connection>) {
    loop {
        connection.inbox.changed.notified().await;
        let deadline = Instant::now() + shared.link.server().settings.start_timeout;
        match listing::list(connection, deadline).await {
            Ok(listed) => shared.serves(listed, Now::Up(connection.clone())),
            // The tools that were there before are still called.
            Err(why) => shared.note(&why),
        }
        sleep(PAUSE).await;
    }
}

fn report(shared: &Shared, end: &Problem) {
    let connector = &*shared.link.server().name;
    let (how, detail) = (&end.message, end.detail.as_deref());
    tracing::error!(connector, how, detail, "An MCP server died.");
}
