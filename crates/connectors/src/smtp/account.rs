//! The account of a profile, and whether its server lets us in.

use crosspoint_core::{Context, Failure, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Connector;
use super::send::{Server, login};

/// What a profile may hold. What a call gives itself goes before it.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Account {
    /// The mail server's name or address.
    smtp_host: Option<String>,
    /// Its port: usually 587 or 25, and 465 with `smtp_tls`.
    #[schemars(range(min = 1, max = 65535))]
    smtp_port: Option<i64>,
    /// Whom to log in as. There is a login only when the password is there, too.
    smtp_user: Option<String>,
    /// The password that goes with `smtp_user`.
    smtp_password: Option<Secret<String>>,
    /// Whether the connection is secured by STARTTLS before anything else is said.
    smtp_starttls: Option<bool>,
    /// Whether the connection is secured by TLS from its beginning.
    smtp_tls: Option<bool>,
    /// The sender, one address.
    #[expect(
        dead_code,
        reason = "stands in for the parameter; a check does not need it"
    )]
    email_from: Option<String>,
}

/// Connects and logs in, and takes leave.
pub(super) async fn check(smtp: &Connector, cx: &Context) -> Result<(), Failure> {
    let account: Account = cx.profile.read()?;
    let fault = |code, clause: &str| {
        let name = cx.profile.name.as_deref().unwrap_or("of the environment");
        Failure::profile(code, format!("profile {name}: {clause}"))
    };
    let (Some(host), Some(port)) = (&account.smtp_host, account.smtp_port) else {
        let clause = "fields 'smtp_host' and 'smtp_port' need a value";
        return Err(fault("profile_incomplete", clause));
    };
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    let port = port.ok_or_else(|| {
        let clause = "field 'smtp_port' must be between 1 and 65535";
        fault("profile_invalid", clause)
    })?;
    let (starttls, tls) = (account.smtp_starttls, account.smtp_tls);
    if (starttls, tls) == (Some(true), Some(true)) {
        let clause = "fields 'smtp_tls' and 'smtp_starttls' exclude each other";
        return Err(fault("profile_invalid", clause));
    }
    let server = Server {
        host,
        port,
        login: login(account.smtp_user.as_deref(), account.smtp_password.as_ref()),
        starttls: starttls == Some(true),
        tls: tls == Some(true),
    };
    let name = server.name();
    let client = server.enter(&name, &smtp.dialer, cx).await?;
    client.goodbye().await;
    Ok(())
}
