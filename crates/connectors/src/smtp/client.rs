//! The part of SMTP (RFC 5321) that sending a message needs.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crosspoint_core::{Context, Effect, Failure, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Duration, Instant, timeout_at};

use super::failures::{abandoned, broken, denied, late, refused};
use super::stream::Stream;
use super::wire::{Reply, read, stuffed};

/// How long the server has for its good-bye.
const GOODBYE: Duration = Duration::from_secs(1);

/// A conversation with a server.
pub(super) struct Client<'a> {
    stream: BufReader<Box<dyn Stream>>,
    /// Host and port.
    server: &'a str,
    /// By what name we introduce ourselves.
    name: String,
    /// What the server can do, in upper case.
    features: Vec<String>,
    /// What a connection that breaks now would mean.
    effect: Effect,
    cx: &'a Context,
}

// === impl Client ===

impl<'a> Client<'a> {
    pub fn new(
        stream: Box<dyn Stream>,
        server: &'a str,
        name: String,
        cx: &'a Context,
    ) -> Client<'a> {
        Client {
            stream: BufReader::new(stream),
            server,
            name,
            features: Vec::new(),
            effect: Effect::None,
            cx,
        }
    }

    /// Reads the server's first words.
    pub async fn greeting(&mut self) -> Result<(), Failure> {
        let reply = self.reply().await?;
        self.expect(reply, &[220], "SMTPConnectError", "the connection")
            .map(drop)
    }

    /// Introduces us, and learns what the server can do.
    pub async fn hello(&mut self) -> Result<(), Failure> {
        let reply = self.command(&format!("EHLO {}", self.name)).await?;
        if reply.code == 250 {
            let features = reply.lines.iter().skip(1);
            self.features = features.map(|line| line.to_ascii_uppercase()).collect();
            return Ok(());
        }
        self.features.clear();
        let reply = self.command(&format!("HELO {}", self.name)).await?;
        self.expect(reply, &[250], "SMTPHeloError", "the introduction")
            .map(drop)
    }

    /// Asks for a secure connection, and gives the plain one back to be secured. What the server
    /// said before that counts for nothing: it may come from somebody in between.
    pub async fn starttls(mut self) -> Result<Box<dyn Stream>, Failure> {
        if self.feature("STARTTLS").is_none() {
            let message = format!("{} does not offer STARTTLS", self.server);
            return Err(denied("SMTPNotSupportedError", message));
        }
        let reply = self.command("STARTTLS").await?;
        self.expect(reply, &[220], "SMTPResponseException", "STARTTLS")?;
        if !self.stream.buffer().is_empty() {
            let message = format!("{} said more than it may before STARTTLS", self.server);
            return Err(denied("SSLError", message));
        }
        Ok(self.stream.into_inner())
    }

    /// Logs in by whichever of the two usual ways the server offers; by the second one if it
    /// refuses the first.
    pub async fn login(&mut self, user: &str, password: &Secret<String>) -> Result<(), Failure> {
        let Some(offered) = self.feature("AUTH").map(str::to_owned) else {
            let message = format!("{} does not offer a login", self.server);
            return Err(denied("SMTPNotSupportedError", message));
        };
        let mut last = None;
        for mechanism in ["PLAIN", "LOGIN"] {
            if !offered.split([' ', '=']).any(|name| name == mechanism) {
                continue;
            }
            let reply = match mechanism {
                "PLAIN" => self.login_plain(user, password).await?,
                _ => self.login_login(user, password).await?,
            };
            // 503: it knows us already.
            if matches!(reply.code, 235 | 503) {
                return Ok(());
            }
            last = Some(reply);
        }
        Err(match last {
            Some(reply) => refused("SMTPAuthenticationError", self.server, "the login", &reply),
            None => denied(
                "SMTPException",
                format!("{} offers no login by PLAIN or LOGIN", self.server),
            ),
        })
    }

    async fn login_plain(&mut self, user: &str, secret: &Secret<String>) -> Result<Reply, Failure> {
        let both = STANDARD.encode(format!("\0{user}\0{}", secret.expose()));
        self.command(&format!("AUTH PLAIN {both}")).await
    }

    async fn login_login(&mut self, user: &str, secret: &Secret<String>) -> Result<Reply, Failure> {
        let mut reply = self.command("AUTH LOGIN").await?;
        for part in [user, secret.expose()] {
            if reply.code != 334 {
                break;
            }
            reply = self.command(&STANDARD.encode(part)).await?;
        }
        Ok(reply)
    }

    /// Names the sender of a message of `size` bytes.
    pub async fn sender(
        &mut self,
        from: &str,
        size: usize,
        international: bool,
    ) -> Result<(), Failure> {
        let mut line = format!("MAIL FROM:<{from}>");
        if self.feature("SIZE").is_some() {
            line.push_str(&format!(" SIZE={size}"));
        }
        if international {
            if self.feature("SMTPUTF8").is_none() {
                let message = format!(
                    "{} does not take addresses with other characters than ASCII (SMTPUTF8)",
                    self.server
                );
                return Err(denied("SMTPNotSupportedError", message));
            }
            line.push_str(" SMTPUTF8 BODY=8BITMIME");
        }
        let reply = self.command(&line).await?;
        self.expect(reply, &[250], "SMTPSenderRefused", "the sender")
            .map(drop)
    }

    /// Names a recipient. The answer tells whether the server takes it.
    pub async fn recipient(&mut self, to: &str) -> Result<Reply, Failure> {
        self.command(&format!("RCPT TO:<{to}>")).await
    }

    /// Sends the message.
    pub async fn message(&mut self, text: &[u8]) -> Result<(), Failure> {
        let code = "SMTPDataError";
        let reply = self.command("DATA").await?;
        self.expect(reply, &[354], code, "the message")?;
        self.write(&stuffed(text)).await?;
        // The line that makes the server deliver.
        self.effect = Effect::Maybe;
        let reply = self.command(".").await?;
        self.expect(reply, &[250], code, "the message").map(drop)
    }

    /// Takes leave. What comes of it does not matter any more.
    pub async fn goodbye(mut self) {
        let until = self.cx.deadline.min(Instant::now() + GOODBYE);
        let leaving = async {
            self.stream.write_all(b"QUIT\r\n").await?;
            self.stream.flush().await?;
            self.stream.read_u8().await
        };
        let _ = timeout_at(until, leaving).await;
    }

    fn expect(
        &self,
        reply: Reply,
        codes: &[u16],
        code: &'static str,
        what: &str,
    ) -> Result<Reply, Failure> {
        match codes.contains(&reply.code) {
            true => Ok(reply),
            false => Err(refused(code, self.server, what, &reply)),
        }
    }

    /// What the server says about a feature, if it has it.
    fn feature(&self, name: &str) -> Option<&str> {
        self.features.iter().find_map(|line| {
            let rest = line.strip_prefix(name)?;
            (rest.is_empty() || rest.starts_with([' ', '='])).then_some(rest)
        })
    }

    async fn command(&mut self, line: &str) -> Result<Reply, Failure> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let stream = &mut self.stream;
        let writing = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        wait(writing, self.server, self.effect, self.cx).await
    }

    async fn reply(&mut self) -> Result<Reply, Failure> {
        wait(read(&mut self.stream), self.server, self.effect, self.cx).await
    }
}

/// Waits as long as there is time, and as long as somebody else waits; but once the message is out
/// its fate is worth knowing.
async fn wait<T>(
    work: impl Future<Output = io::Result<T>>,
    server: &str,
    effect: Effect,
    cx: &Context,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        done = timeout_at(cx.deadline, work) => match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(broken(&error, server, effect)),
            Err(_) => Err(late(server, effect)),
        },
        () = cx.cancelled.cancelled(), if effect == Effect::None => Err(abandoned()),
    }
}
