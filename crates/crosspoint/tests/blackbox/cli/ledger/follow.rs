//! `crosspoint ledger list --follow`.

use std::process::Stdio;

use crosspoint_broker::ledger::State;
use crosspoint_core::Outcome;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::{Desk, Entry};
use crate::harness::{Database, json, soon};

/// A process that follows the ledger.
struct Follower {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

// === impl Follower ===

impl Follower {
    fn start(desk: &Desk, options: &[&str]) -> Follower {
        let mut child = Command::new(env!("CARGO_BIN_EXE_crosspoint"))
            .args(["ledger", "list", "--follow"])
            .args(options)
            .current_dir(desk.setup.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Follower { child, lines }
    }

    /// The next line; empty when there will be none.
    async fn line(&mut self) -> String {
        let line = soon("a line", self.lines.next_line()).await;
        line.unwrap().unwrap_or_default()
    }

    /// The first line of standard error.
    async fn complaint(&mut self) -> (String, BufReader<ChildStderr>) {
        let mut stderr = BufReader::new(self.child.stderr.take().unwrap());
        let mut line = String::new();
        let read = soon("a complaint", stderr.read_line(&mut line)).await;
        read.unwrap();
        (line, stderr)
    }

    /// Id and state of the call in the next line.
    async fn call(&mut self) -> (String, String) {
        let row = json(&self.line().await);
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("id"), text("state"))
    }

    /// Ctrl-C, and the exit code.
    async fn interrupt(mut self) -> Option<i32> {
        let kill = format!("kill -INT {}", self.child.id().unwrap());
        let status = Command::new("sh").args(["-c", &kill]).status().await;
        assert!(status.unwrap().success());
        assert_eq!(self.line().await, "");
        let ended = soon("its end", self.child.wait()).await;
        ended.unwrap().code()
    }
}

#[tokio::test]
async fn calls_show_as_they_come_and_change_until_ctrl_c() {
    let desk = Desk::new().await;
    let mut known = Vec::new();
    for _ in 0..3 {
        known.push(desk.record(Entry::new("http://h/", State::Running)).await);
    }
    let mut follower = Follower::start(&desk, &["--json", "--limit", "2"]);
    let running = || "running".to_owned();
    // The newest of those that are there, oldest first.
    assert_eq!(follower.call().await, (known[1].clone(), running()));
    assert_eq!(follower.call().await, (known[2].clone(), running()));

    let new = desk.record(Entry::new("http://h/", State::Running)).await;
    assert_eq!(follower.call().await, (new.clone(), running()));
    // One that was there before and was not shown changes, too.
    for id in [&new, &known[0]] {
        desk.end(id, State::Succeeded, &Ok(Outcome::text("x")), None)
            .await;
        assert_eq!(follower.call().await, (id.clone(), "succeeded".to_owned()));
    }
    assert_eq!(follower.interrupt().await, Some(0));
}

#[tokio::test]
async fn only_what_is_asked_for_shows_as_a_table() {
    let desk = Desk::new().await;
    let mut follower = Follower::start(&desk, &["--state", "failed"]);
    assert!(follower.line().await.starts_with("ID "));
    desk.record(Entry::new("http://h/", State::Succeeded)).await;
    let failed = desk.record(Entry::new("http://h/", State::Failed)).await;
    let line = follower.line().await;
    assert!(
        line.starts_with(&failed) && line.contains("ReadTimeout"),
        "{line}"
    );
    assert_eq!(follower.interrupt().await, Some(0));
}

#[tokio::test]
async fn a_ledger_that_is_away_for_a_moment_is_told_once_and_followed_again() {
    let desk = Desk::new().await;
    let database = Database::file(&desk.setup.path().join(".crosspoint/crosspoint.db"));
    let mut follower = Follower::start(&desk, &[]);
    assert!(follower.line().await.starts_with("ID "));
    let away = "ALTER TABLE crosspoint_calls RENAME TO away";
    database.sql(away).await;
    let (complaint, mut stderr) = follower.complaint().await;
    assert!(complaint.contains("Ctrl-C"), "{complaint}");
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    database
        .sql("ALTER TABLE away RENAME TO crosspoint_calls")
        .await;
    let new = desk.record(Entry::new("http://h/", State::Running)).await;
    assert!(follower.line().await.starts_with(&new));
    assert_eq!(follower.interrupt().await, Some(0));
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "");
}
