//! The connector `gopher`: reads menus and texts of Gopher servers (RFC 1436).

use crosspoint_core::{Connector, Context, Execute, Failure, Native, Outcome, Safety};
use crosspoint_net::{Dialer, Http};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout_at;

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// The connector; `http` brings the egress rules.
pub fn connector(http: &Http) -> impl Connector {
    Native::new("gopher", "Reads Gopher servers.", http.dialer()).command::<Read>()
}

/// Reads a menu or a text. Answers with its lines, those of a menu as objects.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Read {
    /// The server's name or address.
    host: String,
    /// What to read, as a menu's entry names it. Without it the main menu.
    selector: Option<String>,
    /// The server's port. Without it 70.
    port: Option<u16>,
}

impl Execute<Dialer> for Read {
    const NAME: &'static str = "Read";
    const SAFETY: Safety = Safety::ReadOnly;

    async fn execute(self, dialer: &Dialer, cx: &Context) -> Result<Outcome, Failure> {
        let selector = self.selector.unwrap_or_default();
        if selector.contains(char::is_control) {
            return Err(Failure::arguments("parameter 'selector' must be one line"));
        }
        let (port, line) = (self.port.unwrap_or(70), selector + "\r\n");
        let mut stream = dialer.connect(&self.host, port, cx.deadline).await?;
        let mut answer = Vec::new();
        let exchange = async {
            stream.write_all(line.as_bytes()).await?;
            stream.take(LONGEST + 1).read_to_end(&mut answer).await
        };
        match timeout_at(cx.deadline, exchange).await {
            Ok(Ok(length)) if length as u64 <= LONGEST => {}
            Ok(Ok(_)) => return Err(Failure::reported("AnswerTooLarge", "it is over 1 MiB")),
            Ok(Err(error)) => return Err(Failure::transport("ConnectionError", error.to_string())),
            Err(_) => return Err(Failure::transport("TimeoutError", "the server is too slow")),
        }
        cx.log(format!("read {} bytes", answer.len()));
        let answer = String::from_utf8_lossy(&answer);
        let lines = answer.lines().take_while(|line| *line != ".");
        let entries: Value = lines.map(entry).collect();
        Ok(Outcome::json(entries.into()))
    }
}

/// A line of a menu has the type's character before the name, and tabs between the rest.
fn entry(line: &str) -> Value {
    let fields: Vec<&str> = line.split('\t').collect();
    match (fields[0].split_at_checked(1), &fields[1..]) {
        (Some((kind, name)), [selector, host, port, ..]) => {
            json!({"type": kind, "name": name, "selector": selector, "host": host, "port": port})
        }
        _ => line.into(),
    }
}
