//! The systems that samples talk to, and the settings that lead there.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::harness::{Reply, Seen, Setup, Upstream, closed_port, json};
use crate::postgres;

/// What the samples of `postgres_v2` find in their database.
const TABLES: &str = "
    create table if not exists kit_read (note text, n int);
    create table if not exists kit_written (note text, n int);
    create table if not exists kit_changed (note text, n int);
    insert into kit_read values ('kept', 33);
    insert into kit_changed values ('before', 1);
";

/// What connectors need to reach something. Lives as long as its test.
pub struct Systems {
    upstream: Upstream,
    mail_port: u16,
    database: String,
    closed: (TcpSocket, std::net::SocketAddr),
}

// === impl Systems ===

impl Systems {
    pub async fn start() -> Systems {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mail_port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take_mail(stream));
            }
        });
        Systems {
            upstream: Upstream::start(answer).await,
            mail_port,
            database: tokio::task::spawn_blocking(database).await.unwrap(),
            closed: closed_port(),
        }
    }

    /// A program that knows every built-in connector, those that must be named as well, and whose
    /// samples find these systems.
    pub async fn setup(&self) -> Setup {
        let config = self.config(&builtin().await);
        Setup::new()
            .config(&config)
            .env("UPSTREAM", self.upstream.address.to_string())
            .env("MAIL_PORT", self.mail_port.to_string())
            .env("PG", self.database.as_str())
            .env("CLOSED_PORT", self.closed.1.port().to_string())
    }

    fn config(&self, builtin: &[String]) -> String {
        format!(
            "builtin = {builtin:?}\n\
             [connectors.slack]\nbase_url = \"{}\"\n\
             [connectors.os]\nallow = [\"cat\", \"false\"]\n",
            self.upstream.url("/slack")
        )
    }
}

/// A database of the tests' own server, with the tables of the samples.
fn database() -> String {
    static TABLES_MADE: OnceLock<()> = OnceLock::new();
    let server = postgres::server();
    TABLES_MADE.get_or_init(|| drop(server.psql(TABLES)));
    server.dsn()
}

/// The samples of a connector, if there are any.
pub fn samples(connector: &str) -> Option<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/kit");
    fs::read_to_string(folder.join(format!("{connector}.json"))).ok()
}

/// The connectors that are there unless one says otherwise, and `os`.
async fn builtin() -> Vec<String> {
    let ended = Setup::new().run(&["config", "check", "--json"]).await;
    let list = json(&ended.stdout)["config"]["builtin"].clone();
    let mut list: Vec<String> = serde_json::from_value(list).unwrap();
    list.push("os".to_owned());
    list
}

/// Slack below `/slack`, an error page at `/gone`, elsewhere an echo.
fn answer(seen: &Seen) -> Reply {
    match seen.target.split('?').next() {
        Some("/slack/api/chat.postMessage") => {
            Reply::json(r#"{"ok": true, "channel": "C1", "ts": "1700000000.000100"}"#)
        }
        Some("/gone") => Reply::status(410).body("gone"),
        _ => Reply::echo(seen),
    }
}

/// A mail server that takes whatever comes.
async fn take_mail(stream: TcpStream) -> Option<()> {
    let mut stream = BufStream::new(stream);
    say(&mut stream, "220 ready").await?;
    let mut letter = false;
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&line).to_uppercase();
        let verb = line.split([' ', '\r', '\n']).next().unwrap_or_default();
        match (letter, verb) {
            (true, ".") => letter = false,
            (true, _) => continue,
            (false, "DATA") => {
                letter = true;
                say(&mut stream, "354 go on").await?;
                continue;
            }
            (false, "EHLO") => {
                say(
                    &mut stream,
                    "250-here\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
                )
                .await?;
                continue;
            }
            (false, "AUTH") => {
                say(&mut stream, "235 welcome").await?;
                continue;
            }
            (false, "QUIT") => return say(&mut stream, "221 bye").await,
            (false, _) => {}
        }
        say(&mut stream, "250 fine").await?;
    }
}

async fn say(stream: &mut BufStream<TcpStream>, line: &str) -> Option<()> {
    stream
        .write_all(format!("{line}\r\n").as_bytes())
        .await
        .ok()?;
    stream.flush().await.ok()
}
