//! Running a tool: its lines are passed on, its last words kept, and it never outlives the caller.

use std::collections::VecDeque;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::progress::Progress;
use super::requirement::without_credentials;

const LAST_WORDS: usize = 40;
const LONGEST_LINE: usize = 2000;

/// How long what a tool left behind may keep its output open after the tool has ended.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// How a tool ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) success: bool,
    /// The end of its output, at most 40 lines; how it ended when it said nothing.
    pub(super) words: String,
}

/// Runs a tool in its own process group and passes its lines on. When the returned future is
/// dropped, the whole group is killed.
pub(super) async fn run(mut command: Command, progress: &dyn Progress) -> io::Result<Finished> {
    let mut group = Group::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let (sender, mut lines) = mpsc::channel(64);
    let stdout = group
        .0
        .stdout
        .take()
        .map(|pipe| read_lines(pipe, sender.clone()));
    let stderr = group
        .0
        .stderr
        .take()
        .map(|pipe| read_lines(pipe, sender.clone()));
    drop(sender);
    let mut words = VecDeque::new();
    let status = {
        let readers = async {
            tokio::join!(optional(stdout), optional(stderr));
        };
        let listen = async {
            while let Some(line) = lines.recv().await {
                progress.output(&line);
                words.push_back(line);
                if words.len() > LAST_WORDS {
                    words.pop_front();
                }
            }
        };
        let output = async { tokio::join!(readers, listen) };
        tokio::pin!(output);
        tokio::select! {
            status = group.0.wait() => {
                let _ = tokio::time::timeout(AFTERWARDS, &mut output).await;
                status?
            }
            _ = &mut output => group.0.wait().await?,
        }
    };
    Ok(Finished {
        success: status.success(),
        words: last_words(words.make_contiguous().join("\n"), status),
    })
}

/// Runs a short helper program and gives its standard output; the error is its words.
pub(super) async fn answer(mut command: Command, patience: Duration) -> io::Result<Vec<u8>> {
    let mut group = Group::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let stdout = group.0.stdout.take().map(read_all);
    let stderr = group.0.stderr.take().map(read_all);
    let all = async {
        let (stdout, stderr) = tokio::join!(optional(stdout), optional(stderr));
        group.0.wait().await.map(|status| (status, stdout, stderr))
    };
    let Ok(ended) = tokio::time::timeout(patience, all).await else {
        let text = format!("no answer within {} seconds", patience.as_secs());
        return Err(io::Error::new(io::ErrorKind::TimedOut, text));
    };
    let (status, stdout, stderr) = ended?;
    if status.success() {
        return Ok(stdout.unwrap_or_default());
    }
    let words = String::from_utf8_lossy(&stderr.unwrap_or_default())
        .trim()
        .to_owned();
    Err(io::Error::other(last_words(words, status)))
}

/// A child that leads a process group, which dies with this value.
struct Group(Child);

impl Group {
    fn spawn(command: &mut Command) -> io::Result<Group> {
        let command = command.stdin(Stdio::null()).kill_on_drop(true);
        command.process_group(0).spawn().map(Group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // None once it was waited for: its number may then be another's.
        if let Some(pid) = self.0.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn optional<F: Future>(future: Option<F>) -> Option<F::Output> {
    match future {
        Some(future) => Some(future.await),
        None => None,
    }
}

async fn read_all(mut pipe: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = pipe.read_to_end(&mut bytes).await;
    bytes
}

/// Sends each line without its end and without credentials. What is longer than a line may be is
/// cut, so that a tool that never ends its line costs no memory.
async fn read_lines(mut pipe: impl AsyncRead + Unpin, lines: mpsc::Sender<String>) {
    // On the heap: a future that holds it is moved often.
    let mut chunk = vec![0; 4096];
    let mut line = Vec::new();
    loop {
        let count = pipe.read(&mut chunk).await.unwrap_or(0);
        for byte in &chunk[..count] {
            match byte {
                b'\n' | b'\r' => send(&mut line, &lines).await,
                _ if line.len() < LONGEST_LINE => line.push(*byte),
                _ => {}
            }
        }
        if count == 0 {
            send(&mut line, &lines).await;
            return;
        }
    }
}

async fn send(line: &mut Vec<u8>, lines: &mpsc::Sender<String>) {
    let text = String::from_utf8_lossy(line);
    if !text.trim().is_empty() {
        let _ = lines.send(without_credentials(text.trim_end())).await;
    }
    line.clear();
}

fn last_words(words: String, status: ExitStatus) -> String {
    if words.is_empty() {
        format!("it said nothing ({status})")
    } else {
        words
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::python::environment::Quiet;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Progress for Heard {
        fn step(&self, _: &str) {}

        fn output(&self, line: &str) {
            self.0.lock().expect("no panic").push(line.to_owned());
        }
    }

    #[tokio::test]
    async fn the_last_forty_lines_are_kept_and_all_are_passed_on() {
        let heard = Heard::default();
        let script = "i=0; while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); done; exit 3";
        let finished = run(shell(script), &heard).await.expect("a shell");
        assert!(!finished.success);
        assert_eq!(finished.words.lines().count(), 40);
        assert!(finished.words.ends_with("line 99"));
        assert_eq!(heard.0.lock().expect("no panic").len(), 100);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_cut_and_a_password_is_hidden() {
        let script = "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo at https://u:pw@h/x >&2";
        let finished = run(shell(script), &Quiet).await.expect("a shell");
        let longest = finished.words.lines().map(str::len).max();
        assert_eq!(longest, Some(LONGEST_LINE));
        assert!(
            finished.words.contains("https://***@h/x"),
            "{}",
            finished.words
        );
    }

    #[tokio::test]
    async fn a_silent_failure_says_how_it_ended() {
        let finished = run(shell("exit 7"), &Quiet).await.expect("a shell");
        assert_eq!(finished.words, "it said nothing (exit status: 7)");
        let error = answer(shell("echo no >&2; exit 1"), AFTERWARDS).await;
        assert_eq!(error.expect_err("a failure").to_string(), "no");
    }

    #[tokio::test]
    async fn grandchildren_die_with_the_caller() {
        let directory = tempfile::tempdir().expect("a directory");
        let pid = directory.path().join("pid");
        // The shell waits for a child of its own, which would outlive it.
        let script = format!(
            "sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait",
            pid.display()
        );
        let task = tokio::spawn(async move { run(shell(&script), &Quiet).await.map(|_| ()) });
        while !pid.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        task.abort();
        assert!(task.await.expect_err("aborted").is_cancelled());
        let id = std::fs::read_to_string(&pid).expect("a number");
        let process = format!("/proc/{}/stat", id.trim());
        // Gone, or dead and not yet collected by whoever inherited it.
        while std::fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
