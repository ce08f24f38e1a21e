//! One process of a worker, with everything that it starts.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::lines::{Lines, Piece};
use super::log::Origin;
use super::wire::Level;

/// How much of what a process wrote last to standard error is kept, in bytes.
const TAIL: usize = 4 * 1024;

/// What to run.
#[derive(Clone)]
pub(super) struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub directory: Option<PathBuf>,
}

/// A process that was started.
pub(super) struct Started {
    pub group: Group,
    pub socket: UnixStream,
    pub stdout: ChildStdout,
    pub stderr: ChildStderr,
}

/// A process and its process group. Dropping it kills both.
pub(super) struct Group {
    child: Child,
    pid: Pid,
}

/// What a process wrote last to standard error.
#[derive(Clone, Default)]
pub(super) struct Tail(Arc<Mutex<Vec<u8>>>);

/// Starts a process whose standard input is one end of a connection; the other end is ours.
///
/// A worker asks Linux to be killed with its parent, and there a parent is a thread. So all are
/// started by one thread that lives as long as this process does.
pub(super) async fn start(launch: Launch) -> io::Result<Started> {
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
        let _ = done.send(start_here(&launch));
    };
    let gone = || io::Error::other("the thread that starts processes is gone");
    STARTER.send(Box::new(work)).map_err(|_| gone())?;
    started.await.map_err(|_| gone())?
}

fn start_here(launch: &Launch) -> io::Result<Started> {
    let (ours, theirs) = StdStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.arguments)
        .env_clear()
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::from(OwnedFd::from(theirs)))
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
        group: Group { child, pid },
        socket: UnixStream::from_std(ours)?,
        stdout,
        stderr,
    })
}

// === impl Group ===

impl Group {
    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// Returns when the process itself has ended. May be dropped and called again.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills the process and whatever it started that is still in its group.
    ///
    /// After the process has ended this is right as well: the number of a group is not given away
    /// while the group has members, and without any there is nothing to kill.
    pub(super) fn kill(&self) {
        // The only error is that nobody is left.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

// === impl Tail ===

impl Tail {
    /// The last lines, the first of them whole.
    pub(super) fn text(&self) -> Option<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) if bytes.len() >= TAIL => &bytes[end + 1..],
            _ => &bytes[..],
        };
        let text = String::from_utf8_lossy(whole).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = &bytes[bytes.len().saturating_sub(TAIL)..];
        let surplus = (kept.len() + bytes.len()).saturating_sub(TAIL);
        kept.drain(..surplus);
        kept.extend_from_slice(bytes);
    }
}

/// Reads a stream of a process to its end and writes its lines to the log. What comes too fast is
/// dropped, never left unread: that would make the process wait for ever.
pub(super) async fn follow(
    mut stream: impl AsyncRead + Unpin,
    source: &'static str,
    origin: Origin,
    tail: Option<Tail>,
) {
    let level = match source {
        "stderr" => Level::Warning,
        _ => Level::Info,
    };
    let mut emit = |piece: Piece<'_>| match piece {
        Piece::Line(text) => origin.write(level, source, None, text),
        Piece::Dropped(bytes) => {
            let text = format!("({bytes} bytes more came too fast and were dropped)");
            origin.write(Level::Warning, source, None, &text);
        }
    };
    let mut lines = Lines::new(Instant::now());
    let mut buffer = vec![0; 64 * 1024];
    // An error is the end: the process closed its side.
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let bytes = &buffer[..length];
        lines.feed(bytes, Instant::now(), &mut emit);
        if let Some(tail) = &tail {
            tail.push(bytes);
        }
    }
    lines.finish(&mut emit);
}

/// How a process ended, as the end of a sentence.
pub(super) fn describe(status: &io::Result<ExitStatus>) -> String {
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
    fn the_tail_keeps_the_last_whole_lines() {
        let tail = Tail::default();
        assert_eq!(tail.text(), None);
        tail.push(b"first\n");
        assert_eq!(tail.text().unwrap(), "first");
        tail.push("x".repeat(TAIL).as_bytes());
        tail.push(b"\nlast one\nlast\n");
        assert_eq!(tail.text().unwrap(), "last one\nlast");
    }

    #[test]
    fn the_end_of_a_process_is_told_in_words() {
        let ended = |raw| describe(&Ok(ExitStatus::from_raw(raw)));
        assert_eq!(ended(3 << 8), "ended with exit status 3");
        assert_eq!(ended(9), "was killed by signal 9 (SIGKILL)");
        assert_eq!(ended(11), "was killed by signal 11 (SIGSEGV)");
    }
}
