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

/// Sends the message. It counts as sent when the server took at least one recipient.
pub(super) async fn run(
    mail: &SendEmail,
    letter: &Letter,
    dialer: &Dialer,
    cx: &Context,
) -> Result<Refused, Failure> {
    let login = login(mail);
    if let Some((_, password)) = login {
        cx.protect(password.expose());
    }
    let server = format!("{}:{}", mail.smtp_host, letter.port);
    cx.log(format!("connecting to {server}"));
    let sent = converse(mail, letter, login, &server, dialer, cx).await;
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
fn login(mail: &SendEmail) -> Option<(&str, &Secret<String>)> {
    let user = mail.smtp_user.as_deref().filter(|user| !user.is_empty());
    let password = mail.smtp_password.as_ref();
    user.zip(password.filter(|password| !password.expose().is_empty()))
}

async fn converse(
    mail: &SendEmail,
    letter: &Letter,
    login: Option<(&str, &Secret<String>)>,
    server: &str,
    dialer: &Dialer,
    cx: &Context,
) -> Result<Refused, Failure> {
    let connecting = dialer.connect(&mail.smtp_host, letter.port, cx.deadline);
    let stream = tokio::select! {
        connected = connecting => connected?,
        () = cx.cancelled.cancelled() => return Err(abandoned()),
    };
    let name = own_name(&stream);
    let mut stream: Box<dyn Stream> = Box::new(stream);
    if mail.smtp_tls == Some(true) {
        stream = secured(stream, mail, server, dialer.tls(), cx).await?;
    }
    let mut client = Client::new(stream, server, name.clone(), cx);
    client.greeting().await?;
    client.hello().await?;
    if mail.smtp_starttls == Some(true) {
        let stream = client.starttls().await?;
        let stream = secured(stream, mail, server, dialer.tls(), cx).await?;
        client = Client::new(stream, server, name, cx);
        client.hello().await?;
    }
    let sent = deliver(&mut client, letter, login, server, cx).await;
    client.goodbye().await;
    sent
}

async fn secured(
    stream: Box<dyn Stream>,
    mail: &SendEmail,
    server: &str,
    tls: Arc<ClientConfig>,
    cx: &Context,
) -> Result<Box<dyn Stream>, Failure> {
    let securing = secure(stream, &mail.smtp_host, tls);
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
    login: Option<(&str, &Secret<String>)>,
    server: &str,
    cx: &Context,
) -> Result<Refused, Failure> {
    if let Some((user, password)) = login {
        client.login(user, password).await?;
        cx.log("logged in");
    }
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
