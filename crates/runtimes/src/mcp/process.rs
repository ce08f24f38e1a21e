//! A server as a process of ours: its start, its greeting, and its end.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio as Standard;
use std::sync::Arc;
use std::time::Duration;

use rmcp::service::ClientInitializeError;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::TaskTracker;

use super::about::quoted;
use super::connection::Connection;
use super::inbox::Inbox;
use super::server::{Program, Server};
use super::stdio::Stdio;
use crate::process::{self, Allowance, Group, Launch, Level, Origin, Problem, Started, Tail};

/// How long a process may live on after it closed its output, and its output after it.
const HANGING_UP: Duration = Duration::from_secs(1);

/// A process that has answered the greeting.
pub(super) struct Live {
    pub(super) connection: Arc<Connection>,
    group: Group,
    stderr: JoinHandle<()>,
    tail: Tail,
}

/// What a server may write to the log, whichever of its processes it is.
pub(super) struct Written {
    stderr: Allowance,
    /// What it prints in place of messages, and its records.
    stdout: Allowance,
}

/// How a greeting ended.
enum Greeting {
    Answered(Arc<Connection>),
    /// By an error: it may be a server that knows no greeting any more.
    Refused(String),
    /// It closed its output, which is what it looks like when a process ends.
    Closed,
    Failed(String),
}

// === impl Written ===

impl Written {
    pub(super) fn new() -> Written {
        let allowance = || Allowance::new(Instant::now());
        Written {
            stderr: allowance(),
            stdout: allowance(),
        }
    }
}

// === impl Live ===

impl Live {
    /// Starts the process and greets it, by the deadline. Fails with the rest of a sentence that begins
    /// with the server.
    pub(super) async fn start(
        server: &Server,
        program: &Program,
        deadline: Instant,
        (tasks, written): (&TaskTracker, &Written),
    ) -> Result<Live, Problem> {
        let with = (tasks, written);
        let refusal = match Live::try_start(server, program, deadline, with, false).await? {
            Ok(live) => return Ok(live),
            Err(refusal) => refusal,
        };
        match Live::try_start(server, program, deadline, with, true).await {
            Ok(Ok(live)) => Ok(live),
            // The first answer says more.
            _ => Err(Problem::new(format!(
                "does not take the greeting: {refusal}"
            ))),
        }
    }

    /// The inner error is what a server says that does not take the greeting.
    async fn try_start(
        server: &Server,
        program: &Program,
        deadline: Instant,
        (tasks, written): (&TaskTracker, &Written),
        modern: bool,
    ) -> Result<Result<Live, String>, Problem> {
        let launch = launch(program)?;
        let started = process::start(launch, Standard::piped()).await;
        let started =
            started.map_err(|error| Problem::new(format!("cannot be started: {error}")))?;
        let Started {
            mut group,
            stdin,
            stdout,
            stderr,
        } = started;
        let Some(stdin) = stdin else {
            return Err(Problem::new("cannot be started: it has no input"));
        };
        let origin = Origin {
            connector: server.name.as_str().into(),
            worker: group.pid(),
            mask: server.mask.clone(),
        };
        let tail = Tail::default();
        let stderr = process::follow(
            stderr,
            ("stderr", Level::Info),
            origin.clone(),
            Some(tail.clone()),
            written.stderr.clone(),
        );
        let stderr = tasks.spawn(stderr);
        let inbox = Arc::new(Inbox::new(origin, written.stdout.clone()));
        let (told, strange) = oneshot::channel();
        let max = server.settings.max_answer;
        let transport = Stdio::new(stdin, stdout, inbox.clone(), max, told);
        let greeting = tokio::select! {
            greeting = greet(transport, inbox, modern, tasks) => greeting,
            line = said(strange) => Greeting::Failed(
                format!("writes what is no message of MCP to its standard output: {line}"),
            ),
            () = sleep_until(deadline) => {
                let seconds = server.settings.start_timeout.as_secs_f64();
                Greeting::Failed(format!("did not answer the greeting within {seconds} s"))
            }
        };
        let (message, refused) = match greeting {
            Greeting::Answered(connection) => {
                return Ok(Ok(Live {
                    connection,
                    group,
                    stderr,
                    tail,
                }));
            }
            Greeting::Refused(message) => (message, true),
            Greeting::Failed(message) => (message, false),
            Greeting::Closed => match timeout(HANGING_UP, group.wait()).await {
                Ok(status) => (process::describe(&status), false),
                Err(_) => {
                    let message = "closed its output before it answered the greeting";
                    (message.to_owned(), false)
                }
            },
        };
        group.kill();
        let _ = timeout(HANGING_UP, stderr).await;
        match refused {
            true => Ok(Err(message)),
            false => Err(Problem {
                message,
                detail: tail.text(),
            }),
        }
    }

    /// Returns when the process or the conversation with it has ended, and has made sure of both.
    pub(super) async fn ended(mut self) -> Problem {
        let status = tokio::select! {
            status = self.group.wait() => Some(status),
            () = self.connection.ended() => timeout(HANGING_UP, self.group.wait()).await.ok(),
        };
        let message = match &status {
            Some(status) => process::describe(status),
            None => "was killed because it closed its output".to_owned(),
        };
        self.finish(message).await
    }

    /// Kills it. `reason` is the rest of a sentence that begins with the server.
    pub(super) async fn kill(self, reason: String) -> Problem {
        self.finish(reason).await
    }

    async fn finish(mut self, message: String) -> Problem {
        self.group.kill();
        let _ = self.group.wait().await;
        // Answers that were given before the end count, and so do last words. Descendants that left
        // the group may still hold the other ends.
        let _ = timeout(HANGING_UP, self.connection.ended()).await;
        let _ = timeout(HANGING_UP, &mut self.stderr).await;
        self.stderr.abort();
        let end = Problem {
            message,
            detail: self.tail.text(),
        };
        self.connection.ended_by(end.clone());
        end
    }

    /// Has it leave as the specification says: its input ends, then it is told to, then it is killed.
    pub(super) async fn leave(mut self, patience: Duration) {
        self.connection.close();
        if timeout(patience, self.group.wait()).await.is_err() {
            self.group.terminate();
            let _ = timeout(patience, self.group.wait()).await;
        }
        self.finish("was ended".to_owned()).await;
    }
}

async fn greet(transport: Stdio, inbox: Arc<Inbox>, modern: bool, tasks: &TaskTracker) -> Greeting {
    match Connection::open(transport, inbox, modern, tasks).await {
        Ok(connection) => Greeting::Answered(Arc::new(connection)),
        Err(ClientInitializeError::JsonRpcError(error)) => {
            let message = quoted(&error.message);
            Greeting::Refused(format!("{message} (error {})", error.code.0))
        }
        Err(ClientInitializeError::ConnectionClosed(_)) => Greeting::Closed,
        // Its input is closed, which comes first now and then.
        Err(ClientInitializeError::TransportError { .. }) => Greeting::Closed,
        Err(error) => {
            let why = quoted(&error.to_string());
            Greeting::Failed(format!(
                "does not answer the greeting as MCP wants it: {why}"
            ))
        }
    }
}

/// The line that is told; never, where none is.
async fn said(line: oneshot::Receiver<String>) -> String {
    match line.await {
        Ok(line) => line,
        Err(_) => std::future::pending().await,
    }
}

fn launch(program: &Program) -> Result<Launch, Problem> {
    let mut command = program.command.iter().cloned();
    let name = command.next().unwrap_or_default();
    let path = find(&name, &program.env).ok_or_else(|| {
        let name = name.to_string_lossy();
        let why = match name.contains('/') {
            true => "there is no such program",
            false => "there is no such program in PATH",
        };
        Problem::new(format!("cannot be started: {name}: {why}"))
    })?;
    let mut bound = program.bound.iter().cloned();
    let (program_path, arguments) = match bound.next() {
        Some(first) => {
            let rest = bound.chain([path.into_os_string()]).chain(command);
            (PathBuf::from(first), rest.collect())
        }
        None => (path, command.collect()),
    };
    Ok(Launch {
        program: program_path,
        arguments,
        env: program.env.clone(),
        directory: program.directory.clone(),
    })
}

/// The program by its path, which is absolute: the process may begin elsewhere.
fn find(name: &OsStr, env: &[(OsString, OsString)]) -> Option<PathBuf> {
    let path = Path::new(name);
    if path.components().count() > 1 || name.to_string_lossy().contains('/') {
        return std::path::absolute(path).ok().filter(|path| runs(path));
    }
    let (_, folders) = env.iter().find(|(name, _)| name == "PATH")?;
    let mut candidates = std::env::split_paths(folders).map(|folder| folder.join(path));
    candidates.find(|path| runs(path))
}

fn runs(path: &Path) -> bool {
    let executable =
        |meta: std::fs::Metadata| meta.is_file() && meta.permissions().mode() & 0o111 != 0;
    path.metadata().is_ok_and(executable)
}

/// Returns when the server has said nothing for so long, though it was asked whether it is there.
pub(super) async fn silent(connection: &Connection, patience: Duration) {
    loop {
        connection.late.notified().await;
        let mut heard = connection.inbox.heard();
        heard.mark_unchanged();
        // Any word counts, not its answer alone.
        let asking = async {
            connection.ask_whether_it_is_there().await;
            std::future::pending().await
        };
        tokio::select! {
            _ = heard.changed() => {}
            () = asking => {}
            () = sleep(patience) => return,
        }
    }
}
