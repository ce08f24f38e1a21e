//! The connector `gopher`: reads menus and texts of Gopher servers (RFC 1436).

use crosspoint_core::{
    Connector, Context, Execute, Failure, Json, Native, Outcome, Refusal, Safety,
};
use crosspoint_net::{DialError, Dialer, Http};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout_at;

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// The connector; `http` brings the egress rules.
pub fn connector(http: &Http) -> impl Connector {
    Native::new("gopher", "Reads Gopher servers.", http.dialer()).command::<Read>()
}

/// Reads a menu, which becomes a list of entries, or a text.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Read {
    /// The server's name or address.
    host: String,
    /// What to read, as a menu's entry names it. Without it the main menu.
    selector: Option<String>,
    /// Whether it is a text, which entries of type 0 are.
    text: Option<bool>,
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
        let port = self.port.unwrap_or(70);
        let connected = dialer.connect(&self.host, port, cx.deadline).await;
        let mut stream = connected.map_err(unconnected)?;
        let mut answer = Vec::new();
        let exchange = async {
            stream
                .write_all(format!("{selector}\r\n").as_bytes())
                .await?;
            stream.take(LONGEST + 1).read_to_end(&mut answer).await
        };
        match timeout_at(cx.deadline, exchange).await {
            Ok(Ok(_)) if answer.len() as u64 <= LONGEST => {}
            Ok(Ok(_)) => return Err(Failure::reported("AnswerTooLarge", "it is over 1 MiB")),
            Ok(Err(error)) => return Err(Failure::transport("ConnectionError", error.to_string())),
            Err(_) => return Err(Failure::transport("ReadTimeout", "the server is too slow")),
        }
        cx.log(format!("read {} bytes", answer.len()));
        let answer = String::from_utf8_lossy(&answer);
        let lines = answer.lines().take_while(|line| *line != ".");
        if self.text == Some(true) {
            return Ok(Outcome::text(lines.collect::<Vec<_>>().join("\n")));
        }
        let menu: Option<Vec<Value>> = lines.map(entry).collect();
        let menu = menu
            .and_then(|entries| Json::of(&entries).ok())
            .map(Outcome::json);
        menu.ok_or_else(|| Failure::reported("NotAMenu", "the answer is not a menu"))
    }
}

fn unconnected(error: DialError) -> Failure {
    match error {
        DialError::Egress(refused) => Failure::refused(Refusal::Egress, refused),
        error => Failure::transport("ConnectionError", error.to_string()),
    }
}

/// A line of a menu: the type's character and the name, then tabs between the rest.
fn entry(line: &str) -> Option<Value> {
    let mut fields = line.split('\t');
    let (kind, name) = fields.next()?.split_at_checked(1)?;
    let (selector, host, port) = (fields.next()?, fields.next()?, fields.next()?);
    let port: u16 = port.trim().parse().ok()?;
    Some(json!({"type": kind, "name": name, "selector": selector, "host": host, "port": port}))
}
