//! The part of SMTP (RFC 5321) that sending a message needs.

use std::fmt;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crosspoint_core::{Context, Effect, Failure, Secret};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Duration, Instant, timeout_at};

use super::failures::{abandoned, broken, denied, late, refused};
use super::stream::Stream;

/// How long the lines of an answer may be, and how many there may be of them.
const MAX_LINE: u64 = 4096;
const MAX_LINES: usize = 128;

/// How much of an answer is quoted, in characters.
const QUOTED: usize = 500;

/// How long the server has for its good-bye.
const GOODBYE: Duration = Duration::from_secs(1);

/// What the server answered.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// Three digits; 0 when it does not speak SMTP.
    pub code: u16,
    /// The text of each line.
    pub lines: Vec<String>,
}

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

// === impl Reply ===

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.lines.join(" ");
        let text = text
            .chars()
            .take(QUOTED)
            .map(|c| if c.is_control() { ' ' } else { c });
        match self.code {
            0 => write!(
                f,
                "it does not speak SMTP but said: {}",
                text.collect::<String>()
            ),
            code => write!(f, "{code} {}", text.collect::<String>()),
        }
    }
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

async fn read(stream: &mut BufReader<Box<dyn Stream>>) -> io::Result<Reply> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        (&mut *stream)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .await?;
        if line.last() != Some(&b'\n') && line.len() < MAX_LINE as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        let code = line
            .get(..3)
            .filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
        let Some(code) = code.and_then(|code| code.parse().ok()) else {
            lines.push(line.to_owned());
            return Ok(Reply { code: 0, lines });
        };
        lines.push(line.get(4..).unwrap_or_default().to_owned());
        if line.as_bytes().get(3) != Some(&b'-') || lines.len() == MAX_LINES {
            return Ok(Reply { code, lines });
        }
    }
}

/// The message with all line ends alike, one at its end, and a dot more before each line that
/// begins with one, as only the last line must be a dot.
fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    let (mut at_start, mut after_cr) = (true, false);
    for &byte in text {
        match byte {
            // The second half of a line end that is written already.
            b'\n' if after_cr => {}
            b'\r' | b'\n' => out.extend_from_slice(b"\r\n"),
            b'.' if at_start => out.extend_from_slice(b".."),
            byte => out.push(byte),
        }
        at_start = matches!(byte, b'\r' | b'\n');
        after_cr = byte == b'\r';
    }
    if !at_start {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_message_is_a_single_dot() {
        for (text, sent) in [
            ("a\r\n.\r\nb", "a\r\n..\r\nb\r\n"),
            ("a\n.\nb\n", "a\r\n..\r\nb\r\n"),
            ("a\r.\r\n", "a\r\n..\r\n"),
            ("a\r\r\n\n.b", "a\r\n\r\n\r\n..b\r\n"),
            (".", "..\r\n"),
            ("", ""),
            ("a.b", "a.b\r\n"),
        ] {
            assert_eq!(String::from_utf8(stuffed(text.as_bytes())).unwrap(), sent);
        }
    }

    async fn reply_to(text: &'static str) -> io::Result<Reply> {
        let (mut near, far) = tokio::io::duplex(1 << 20);
        near.write_all(text.as_bytes()).await.unwrap();
        drop(near);
        read(&mut BufReader::new(Box::new(far))).await
    }

    #[tokio::test]
    async fn answers_of_several_lines_are_read() {
        let reply = reply_to("250-one\r\n250-SIZE 5\n250\r\n").await.unwrap();
        assert_eq!((reply.code, reply.lines.len()), (250, 3));
        assert_eq!(reply.lines[1], "SIZE 5");
    }

    #[tokio::test]
    async fn what_is_not_smtp_is_told_from_a_connection_that_ends() {
        let reply = reply_to("HTTP/1.1 400 Bad\r\n").await.unwrap();
        assert_eq!(reply.code, 0);
        assert!(reply.to_string().contains("HTTP/1.1 400 Bad"));
        for text in ["", "25", "250-one\r\n"] {
            let error = reply_to(text).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{text}");
        }
    }
}
