//! One process, with everything that it starts.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{LazyLock, mpsc};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// What to run.
#[derive(Clone)]
pub(crate) struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub directory: Option<PathBuf>,
}

/// A process that was started.
pub(crate) struct Started {
    pub group: Group,
    /// Where it is a pipe.
    pub stdin: Option<ChildStdin>,
    pub stdout: ChildStdout,
    pub stderr: ChildStderr,
}

/// A process and its process group. Dropping it kills both.
pub(crate) struct Group {
    child: Child,
    pid: Pid,
}

/// What went wrong with a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// For everybody. Of a process at its end: the rest of a sentence that begins with it.
    pub message: String,
    /// For the operator: what the process wrote last, a traceback.
    pub detail: Option<String>,
}

/// Starts a process in a group of its own.
///
/// A worker asks Linux to be killed with its parent, and there a parent is a thread. So all are
/// started by one thread that lives as long as this process does.
pub(crate) async fn start(launch: Launch, stdin: Stdio) -> io::Result<Started> {
    static STARTER: LazyLock<mpsc::Sender<Box<dyn FnOnce() + Send>>> = LazyLock::new(|| {
        let (sender, receiver) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        std::thread::spawn(move || receiver.into_iter().for_each(|work| work()));
        sender
    });
    let (done, started) = oneshot::channel();
    let runtime = Handle::current();
    let work = move || {
        let _runtime = runtime.enter();
        // Whoever asked may be gone: then the process is killed with the value.
        let _ = done.send(start_here(&launch, stdin));
    };
    let gone = || io::Error::other("the thread that starts processes is gone");
    STARTER.send(Box::new(work)).map_err(|_| gone())?;
    started.await.map_err(|_| gone())?
}

fn start_here(launch: &Launch, stdin: Stdio) -> io::Result<Started> {
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.arguments)
        .env_clear()
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(directory) = &launch.directory {
        command.current_dir(directory);
    }
    let mut child = command.spawn()?;
    let (Some(pid), Some(stdout), Some(stderr)) = (
        child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())),
        child.stdout.take(),
        child.stderr.take(),
    ) else {
        return Err(io::Error::other("the process ended while it was started"));
    };
    Ok(Started {
        stdin: child.stdin.take(),
        group: Group { child, pid },
        stdout,
        stderr,
    })
}

// === impl Problem ===

impl Problem {
    /// One that has no detail.
    pub(crate) fn new(message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            detail: None,
        }
    }
}

// === impl Group ===

impl Group {
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// Returns when the process itself has ended. May be dropped and called again.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks the process and what is in its group to end.
    pub(crate) fn terminate(&self) {
        let _ = kill_process_group(self.pid, Signal::TERM);
    }

    /// Kills the process and whatever it started that is still in its group.
    ///
    /// After the process has ended this is right as well: the number of a group is not given away
    /// while the group has members, and without any there is nothing to kill.
    pub(crate) fn kill(&self) {
        // The only error is that nobody is left.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a process ended, as the end of a sentence.
pub(crate) fn describe(status: &io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with exit status {code}"),
            (None, Some(signal)) => format!("was killed by signal {}", name(signal)),
            (None, None) => "ended".to_owned(),
        },
        Err(error) => format!("was lost: {error}"),
    }
}

/// The usual signals by their names.
fn name(signal: i32) -> String {
    let name = match Signal::from_named_raw(signal) {
        Some(Signal::KILL) => "KILL",
        Some(Signal::SEGV) => "SEGV",
        Some(Signal::ABORT) => "ABRT",
        Some(Signal::TERM) => "TERM",
        Some(Signal::BUS) => "BUS",
        Some(Signal::FPE) => "FPE",
        Some(Signal::ILL) => "ILL",
        Some(Signal::INT) => "INT",
        _ => return signal.to_string(),
    };
    format!("{signal} (SIG{name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_process_is_told_in_words() {
        let ended = |raw| describe(&Ok(ExitStatus::from_raw(raw)));
        assert_eq!(ended(3 << 8), "ended with exit status 3");
        assert_eq!(ended(9), "was killed by signal 9 (SIGKILL)");
        assert_eq!(ended(11), "was killed by signal 11 (SIGSEGV)");
    }
}
