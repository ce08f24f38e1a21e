//! The way of a message to its server.

use std::net::IpAddr;
use std::sync::Arc;

use crosspoint_core::{Context, Effect, Failure, Secret};
use crosspoint_net::Dialer;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use super::client::Client;
use super::commands::SendEmail;
use super::failures::{abandoned, denied, late, unsecured};
use super::letter::Letter;
use super::stream::{Stream, secure};
use super::wire::Reply;

/// The recipients that the server did not take, with what it said.
pub(super) type Refused = Vec<(String, Reply)>;

/// Where the server is, and how to get in.
pub(super) struct Server<'a> {
    pub host: &'a str,
    pub port: u16,
    /// User and password, when both are there.
    pub login: Option<(&'a str, &'a Secret<String>)>,
    pub starttls: bool,
    pub tls: bool,
}

/// Sends the message. It counts as sent when the server took at least one recipient.
pub(super) async fn run(
    mail: &SendEmail,
    letter: &Letter,
    dialer: &Dialer,
    cx: &Context,
) -> Result<Refused, Failure> {
    let server = Server {
        host: &mail.smtp_host,
        port: letter.port,
        login: login(mail.smtp_user.as_deref(), mail.smtp_password.as_ref()),
        starttls: mail.smtp_starttls == Some(true),
        tls: mail.smtp_tls == Some(true),
    };
    let sent = converse(&server, letter, dialer, cx).await;
    match &sent {
        Ok(refused) => {
            let count = letter.to.len() - refused.len();
            cx.log(format!("sent to {count} of {} recipients", letter.to.len()));
        }
        Err(failure) => cx.log(format!("not sent: {failure}")),
    }
    sent
}

/// User and password, when both are there.
pub(super) fn login<'a>(
    user: Option<&'a str>,
    password: Option<&'a Secret<String>>,
) -> Option<(&'a str, &'a Secret<String>)> {
    let user = user.filter(|user| !user.is_empty());
    user.zip(password.filter(|password| !password.expose().is_empty()))
}

async fn converse(
    server: &Server<'_>,
    letter: &Letter,
    dialer: &Dialer,
    cx: &Context,
) -> Result<Refused, Failure> {
    let name = server.name();
    let mut client = server.enter(&name, dialer, cx).await?;
    let sent = deliver(&mut client, letter, &name).await;
    client.goodbye().await;
    sent
}

// === impl Server ===

impl Server<'_> {
    /// Host and port.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A conversation in which the server knows who we are.
    pub(super) async fn enter<'a>(
        &self,
        server: &'a str,
        dialer: &Dialer,
        cx: &'a Context,
    ) -> Result<Client<'a>, Failure> {
        if let Some((_, password)) = self.login {
            cx.protect(password.expose());
        }
        cx.log(format!("connecting to {server}"));
        let connecting = dialer.connect(self.host, self.port, cx.deadline);
        let stream = tokio::select! {
            connected = connecting => connected?,
            () = cx.cancelled.cancelled() => return Err(abandoned()),
        };
        let name = own_name(&stream);
        let mut stream: Box<dyn Stream> = Box::new(stream);
        if self.tls {
            stream = secured(stream, self.host, server, dialer.tls(), cx).await?;
        }
        let mut client = Client::new(stream, server, name.clone(), cx);
        client.greeting().await?;
        client.hello().await?;
        if self.starttls {
            let stream = client.starttls().await?;
            let stream = secured(stream, self.host, server, dialer.tls(), cx).await?;
            client = Client::new(stream, server, name, cx);
            client.hello().await?;
        }
        if let Some((user, password)) = self.login {
            if let Err(failure) = client.login(user, password).await {
                client.goodbye().await;
                return Err(failure);
            }
            cx.log("logged in");
        }
        Ok(client)
    }
}

async fn secured(
    stream: Box<dyn Stream>,
    host: &str,
    server: &str,
    tls: Arc<ClientConfig>,
    cx: &Context,
) -> Result<Box<dyn Stream>, Failure> {
    let securing = secure(stream, host, tls);
    let stream = tokio::select! {
        done = timeout_at(cx.deadline, securing) => match done {
            Ok(secured) => secured.map_err(|error| unsecured(error, server))?,
            Err(_) => return Err(late(server, Effect::None)),
        },
        () = cx.cancelled.cancelled() => return Err(abandoned()),
    };
    cx.log("the connection is secure");
    Ok(stream)
}

async fn deliver(
    client: &mut Client<'_>,
    letter: &Letter,
    server: &str,
) -> Result<Refused, Failure> {
    let size = letter.text.len();
    client
        .sender(letter.from.as_ref(), size, letter.international)
        .await?;
    let mut refused = Refused::new();
    for to in &letter.to {
        let reply = client.recipient(to.as_ref()).await?;
        // 421: it will take nothing more, and hang up.
        let closing = reply.code == 421;
        if !matches!(reply.code, 250 | 251) {
            refused.push((to.to_string(), reply));
        }
        if closing {
            return Err(all_refused(&refused, server));
        }
    }
    if refused.len() == letter.to.len() {
        return Err(all_refused(&refused, server));
    }
    client.message(&letter.text).await?;
    Ok(refused)
}

/// How many of the refused recipients a message names.
const NAMED: usize = 10;

fn all_refused(refused: &Refused, server: &str) -> Failure {
    let named = refused.iter().take(NAMED);
    let named: Vec<_> = named.map(|(to, reply)| format!("{to} ({reply})")).collect();
    let more = match refused.len() > NAMED {
        true => format!(", and {} more", refused.len() - NAMED),
        false => String::new(),
    };
    let message = format!(
        "{server} refused the recipients: {}{more}",
        named.join(", ")
    );
    denied("SMTPRecipientsRefused", message)
}

/// By which name we introduce ourselves: our address, which is right for a machine that has no
/// name in the world (RFC 5321, section 4.1.3).
fn own_name(stream: &TcpStream) -> String {
    match stream
        .local_addr()
        .map(|address| address.ip().to_canonical())
    {
        Ok(IpAddr::V4(address)) => format!("[{address}]"),
        Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        Err(_) => "[127.0.0.1]".to_owned(),
    }
}
