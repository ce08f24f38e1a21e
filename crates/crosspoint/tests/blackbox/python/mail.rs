//! A mail server that takes everything and tells what it took.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::support::{test_python, zoo};
use crate::harness::{json, soon};

/// A real mail server. It ends with the test.
pub(crate) struct Mail {
    /// Killed when dropped.
    _process: Child,
    events: Lines<BufReader<ChildStdout>>,
    pub(crate) port: u64,
}

// === impl Mail ===

impl Mail {
    pub(crate) async fn start() -> Mail {
        let mut process = Command::new(test_python())
            .arg(zoo("mail_server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let events = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut mail = Mail {
            _process: process,
            events,
            port: 0,
        };
        mail.port = mail.event().await["port"].as_u64().unwrap();
        mail
    }

    /// What it says next.
    pub(crate) async fn event(&mut self) -> Value {
        let line = soon("a line of the mail server", self.events.next_line()).await;
        json(&line.unwrap().expect("the mail server has ended"))
    }
}
