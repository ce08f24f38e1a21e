//! Mail servers: a real one, and one that says what a test wants.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Names the interpreter that has the mail server's library.
const PYTHON: &str = "CROSSPOINT_TEST_PYTHON";

/// A mail server in Python, `server.py`. It ends with the test.
pub struct Server {
    pub port: u16,
    events: UnboundedReceiver<String>,
    _process: Child,
}

/// A server that answers a line by the first rule whose text the line begins with, and anything
/// else with 250. The rule `""` is for the greeting.
pub struct Script {
    pub port: u16,
}

// === impl Server ===

impl Server {
    pub async fn start(orders: Value) -> Server {
        let Ok(python) = std::env::var(PYTHON) else {
            panic!("{PYTHON} is not set: run the tests by `cargo xtask test`, which sets it");
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/smtp/testing/server.py");
        let mut process = Command::new(python)
            .args([script, &orders.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // Read all the time, or the server would wait until somebody does.
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (told, events) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = told.send(line);
            }
        });
        let mut server = Server {
            port: 0,
            events,
            _process: process,
        };
        let port = server.event("listening").await["port"].as_u64().unwrap();
        server.port = port.try_into().unwrap();
        server
    }

    /// The next thing that happens, which must be of that name.
    pub async fn event(&mut self, name: &str) -> Value {
        let line = self.events.recv().await;
        let line = line.unwrap_or_else(|| panic!("the mail server ended before '{name}'"));
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["event"], name, "{event}");
        event
    }

    pub async fn mail(&mut self) -> Value {
        self.event("mail").await
    }
}

// === impl Script ===

impl Script {
    /// An empty answer closes the connection.
    pub async fn start(rules: &'static [(&'static str, &'static str)]) -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                let mut line = String::new();
                loop {
                    let rule = rules.iter().find(|(begin, _)| match *begin {
                        "" => line.is_empty(),
                        begin => line.starts_with(begin),
                    });
                    let reply = match rule {
                        Some((_, reply)) => reply,
                        None if line.is_empty() => "220 ready\r\n",
                        None => "250 fine\r\n",
                    };
                    if reply.is_empty() || write.write_all(reply.as_bytes()).await.is_err() {
                        break;
                    }
                    match lines.next_line().await {
                        Ok(Some(next)) => line = next,
                        _ => break,
                    }
                }
            }
        });
        Script { port }
    }
}
