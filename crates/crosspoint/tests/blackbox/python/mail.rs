//! A mail server that takes everything and tells what it took.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::support::{test_python, zoo};
use crate::harness::json;

/// A real mail server. It ends with the test.
pub(crate) struct Mail {
    process: Child,
    events: Option<Lines<BufReader<ChildStdout>>>,
    pub(crate) port: u64,
}

// === impl Mail ===

impl Mail {
    pub(crate) async fn start() -> Mail {
        let mut process = Command::new(test_python())
            .arg(zoo("mail_server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let events = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut mail = Mail {
            process,
            events: Some(events),
            port: 0,
        };
        mail.port = mail.event().await["port"].as_u64().unwrap();
        mail
    }

    /// What it says next.
    pub(crate) async fn event(&mut self) -> Value {
        let mut events = self.events.take().unwrap();
        let (line, events) = spawn_blocking(move || (events.next(), events))
            .await
            .unwrap();
        self.events = Some(events);
        json(&line.expect("the mail server has ended").unwrap())
    }
}

impl Drop for Mail {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
