//! Running tests with an ear on what they print: what failed is known in the end, and tests of which
//! nothing is heard any more are named and ended.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// How long nothing may be heard. Tests that go well are never silent for more than a few minutes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(8);

/// What libtest says of a test that takes long, after its name.
const SLOW: &str = " has been running for over 60 seconds";

/// What was heard of tests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    failed: Vec<String>,
    /// Said to be slow, and not to have ended.
    slow: BTreeSet<String>,
}

/// Runs `cargo test` with its output visible. The error says which tests failed, or do not end; these
/// are ended then, with everything that they started.
pub(crate) fn run(tests: &mut Command, patience: Duration) -> Result<()> {
    run_into(tests, patience, std::io::stdout())
}

fn run_into(
    tests: &mut Command,
    patience: Duration,
    shown: impl Write + Send + 'static,
) -> Result<()> {
    let mut child = tests
        .stdout(Stdio::piped())
        .spawn()
        .context("running the tests")?;
    let lines = lines(&mut child, shown)?;
    let mut heard = Heard::default();
    loop {
        match lines.recv_timeout(patience) {
            Ok(line) => heard.line(line.trim_end()),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                end_with_descendants(child.id());
                let _ = child.wait();
                bail!("nothing was heard for {patience:?}{}", heard.summary());
            }
        }
    }
    let status = child.wait().context("waiting for the tests")?;
    ensure!(
        status.success(),
        "cargo ended with {status}{}",
        heard.summary()
    );
    Ok(())
}

/// The lines of its standard output, passed on as they come.
fn lines(child: &mut Child, mut shown: impl Write + Send + 'static) -> Result<Receiver<String>> {
    let mut stdout = BufReader::new(child.stdout.take().context("stdout is piped")?);
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut line = Vec::new();
        while stdout
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            // Whoever reads may have gone; the tests have not.
            let _ = shown.write_all(&line);
            let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
            line.clear();
        }
    });
    Ok(lines)
}

// === impl Heard ===

impl Heard {
    fn line(&mut self, line: &str) {
        let Some(said) = line.strip_prefix("test ") else {
            return;
        };
        if let Some(name) = said.strip_suffix(SLOW) {
            self.slow.insert(name.to_owned());
        } else if let Some((name, verdict)) = said.rsplit_once(" ... ") {
            self.slow.remove(name);
            if verdict == "FAILED" {
                self.failed.push(name.to_owned());
            }
        }
    }

    /// Nothing, or what there is to say, to be appended.
    fn summary(&self) -> String {
        let slow: Vec<_> = self.slow.iter().cloned().collect();
        let lists = [("failed", &self.failed), ("not ended", &slow)];
        let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
        lists
            .map(|(what, names)| format!("; {what}: {}", names.join(", ")))
            .collect()
    }
}

/// Kills a process and what descends from it. What was handed to init is not found any more.
fn end_with_descendants(root: u32) {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(children(parent));
        next += 1;
    }
    let ids = found.iter().map(u32::to_string);
    // Some may have ended meanwhile.
    let _ = Command::new("kill").arg("-KILL").args(ids).status();
}

/// The processes that a process started, as `/proc` has them.
fn children(parent: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = processes
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| parent_of(*id) == Some(parent)).collect()
}

fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it is in brackets and may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// What is printed here is not shown: whoever listens to these tests would take it for theirs.
    fn watched(script: &str, patience: Duration) -> Result<()> {
        run_into(&mut shell(script), patience, std::io::sink())
    }

    fn error(script: &str, patience: Duration) -> String {
        watched(script, patience).unwrap_err().to_string()
    }

    #[test]
    fn what_failed_is_said_by_name() {
        let script = "echo 'test a::one ... ok'; echo 'test a::two ... FAILED'; exit 101";
        let error = error(script, PATIENCE);
        assert!(error.ends_with("; failed: a::two"), "{error}");
        assert!(error.contains("101"), "{error}");
    }

    #[test]
    fn tests_that_go_well_are_no_error() {
        watched("echo 'test a::one ... ok'", PATIENCE).unwrap();
    }

    #[test]
    fn what_does_not_end_is_named_and_ended_with_what_it_started() {
        let folder = std::env::temp_dir().join(format!("crosspoint-xtask-{}", std::process::id()));
        let file = folder.display();
        let script = format!(
            "for name in one two; do echo \"test a::$name has been running for over 60 seconds\"; done
             echo 'test a::one ... ok'; sleep 1000 & echo $! > {file}; wait"
        );
        let error = error(&script, Duration::from_secs(2));
        assert!(error.ends_with("not ended: a::two"), "{error}");
        let id: u32 = fs::read_to_string(&folder).unwrap().trim().parse().unwrap();
        fs::remove_file(&folder).unwrap();
        // A signal takes its time.
        let gone = || match fs::read_to_string(format!("/proc/{id}/stat")) {
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        let looks = std::iter::repeat_with(gone).take(200);
        let ended = looks
            .inspect(|gone| thread::sleep(Duration::from_millis(if *gone { 0 } else { 50 })))
            .any(|gone| gone);
        assert!(ended, "the sleeping process goes on");
    }
}
