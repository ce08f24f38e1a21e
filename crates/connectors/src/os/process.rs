//! Runs a program in a process group of its own, so that it can be ended with all it started.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use crosspoint_core::{Effect, Failure, Outcome};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};

/// What a program gets of our environment: enough to run, nothing that could be a secret.
const INHERITED: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// How long the outputs may stay open after the program's end: something that it started in the
/// background may hold them.
const LINGER: Duration = Duration::from_secs(1);

/// What to run.
pub(super) struct Program {
    pub program: String,
    pub arguments: Vec<String>,
    pub stdin: String,
    pub env: BTreeMap<String, String>,
    pub directory: Option<String>,
}

/// How it ended.
pub(super) struct Ended {
    pub exit_code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Ends the group when it is dropped, however that comes about: deadline, cancellation, an error.
struct Group(Option<Pid>);

// === impl Program ===

impl Program {
    /// Whether the system can take all of it.
    pub fn is_writable(&self) -> bool {
        let fine = |text: &str| !text.contains('\0');
        fine(&self.program)
            && self.arguments.iter().all(|argument| fine(argument))
            && self.directory.iter().all(|directory| fine(directory))
            && self.env.iter().all(|(name, value)| {
                fine(name) && fine(value) && !name.is_empty() && !name.contains('=')
            })
    }

    fn spawn(&self) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(
                INHERITED
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(&self.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.spawn()
    }
}

/// Runs a program to its end. Dropping the future ends it and all that it started.
pub(super) async fn run(
    program: Program,
    deadline: Instant,
    max_output: usize,
) -> Result<Ended, Failure> {
    let mut child = program.spawn().map_err(|error| not_started(&error))?;
    let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let running = async {
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let text = program.stdin.into_bytes();
        tokio::spawn(async move {
            // A program that does not read its input is no mistake.
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(&text).await;
            }
        });
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = {
            let reading = async {
                tokio::try_join!(
                    read(stdout, max_output, &mut out),
                    read(stderr, max_output, &mut err),
                )
            };
            tokio::pin!(reading);
            tokio::select! {
                read = &mut reading => {
                    read?;
                    None
                }
                status = child.wait() => {
                    if let Ok(read) = timeout(LINGER, reading).await {
                        read?;
                    }
                    Some(status)
                }
            }
        };
        let status = match status {
            Some(status) => status,
            None => child.wait().await,
        };
        let exit_code = exit_code(status.map_err(|error| lost(&error))?);
        Ok(Ended {
            exit_code,
            stdout: out,
            stderr: err,
        })
    };
    let ended = timeout_at(deadline, running).await;
    drop(group);
    ended.unwrap_or_else(|_| Err(timed_out()))
}

fn exit_code(status: ExitStatus) -> i32 {
    let signal = || status.signal().map_or(-1, |signal| -signal);
    status.code().unwrap_or_else(signal)
}

/// Reads an output to its end, or fails at the limit.
async fn read(
    from: Option<impl AsyncRead + Unpin>,
    limit: usize,
    into: &mut Vec<u8>,
) -> Result<(), Failure> {
    let Some(from) = from else { return Ok(()) };
    // An error ends the reading as the end of the output does.
    let _ = from.take(limit as u64 + 1).read_to_end(into).await;
    if into.len() > limit {
        Err(too_much(limit))
    } else {
        Ok(())
    }
}

// === impl Group ===

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It fails when the whole group has ended by itself, which is the usual case.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn not_started(error: &io::Error) -> Failure {
    let code = match error.kind() {
        io::ErrorKind::NotFound => "FileNotFoundError",
        io::ErrorKind::PermissionDenied => "PermissionError",
        io::ErrorKind::NotADirectory => "NotADirectoryError",
        _ => "OSError",
    };
    let message = format!("starting the program: {error}");
    let failure = Failure::reported(code, message).with_effect(Effect::None);
    failure.with_outcome(Outcome::empty(500))
}

fn timed_out() -> Failure {
    let message = "the program did not end in time; it and everything it started was ended";
    Failure::transport("TimeoutExpired", message)
}

fn too_much(limit: usize) -> Failure {
    let message =
        format!("the program wrote more than {limit} bytes (setting max_output) and was ended");
    Failure::reported("OutputTooLarge", message)
        .with_effect(Effect::Maybe)
        .with_outcome(Outcome::empty(500))
}

fn lost(error: &io::Error) -> Failure {
    Failure::transport("OSError", format!("waiting for the program: {error}"))
}
