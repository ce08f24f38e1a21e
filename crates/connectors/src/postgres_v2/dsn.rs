//! Connection strings as PostgreSQL's own client library reads them: `host=… dbname=…` and
//! `postgres://…`. No message repeats a part of one, since a misplaced quote makes a part of the
//! password look like anything else.

use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslMode};

use super::dsn_text::{self, Pairs};

/// Where to connect, as whom, and how.
pub(super) struct Dsn {
    /// The servers, which are tried in order.
    pub hosts: Vec<Host>,
    /// User, password, database and what else the handshake needs.
    pub config: Config,
    /// Whether the certificate is verified.
    pub verify: bool,
    /// For connecting to one server, when the string limits it.
    pub connect_timeout: Option<Duration>,
    /// What a server must allow to be the right one.
    pub access: Access,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// Its name, which a certificate must bear.
    pub name: String,
    /// Its address when the string says it beside the name.
    pub address: Option<IpAddr>,
    pub port: u16,
}

/// Which of several servers is wanted (`target_session_attrs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Any,
    ReadWrite,
    ReadOnly,
}

/// Why a connection string cannot be used. The code is the one that Python users see.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DsnError {
    pub code: &'static str,
    pub message: String,
}

/// Options that change nothing here, or what is so anyway.
const WITHOUT_EFFECT: [&str; 13] = [
    "client_encoding",
    "fallback_application_name",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "min_protocol_version",
    "max_protocol_version",
    "sslcompression",
    "sslsni",
    "tcp_user_timeout",
];

/// Options that name files or other sources on the machine of the client.
const LOCAL: [&str; 14] = [
    "gssdelegation",
    "gsslib",
    "krbsrvname",
    "passfile",
    "requirepeer",
    "service",
    "servicefile",
    "sslcert",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslpassword",
    "sslrootcert",
];

// === impl DsnError ===

impl DsnError {
    /// It does not have the form of a connection string.
    pub(super) fn malformed(what: impl Into<String>) -> DsnError {
        DsnError::new("ProgrammingError", what)
    }

    /// An option has a value that it cannot have.
    pub(super) fn value(what: impl Into<String>) -> DsnError {
        DsnError::new("OperationalError", what)
    }

    fn new(code: &'static str, what: impl Into<String>) -> DsnError {
        let message = format!("the connection string cannot be used: {}", what.into());
        DsnError { code, message }
    }
}

// === impl Dsn ===

impl Dsn {
    /// Reads a connection string.
    pub(super) fn parse(text: &str) -> Result<Dsn, DsnError> {
        let mut given = dsn_text::parse(text)?;
        let mut config = Config::new();
        let verify = tls(&mut given, &mut config)?;
        identity(&mut given, &mut config)?;
        let hosts = hosts(&mut given)?;
        let connect_timeout = match given.take("connect_timeout") {
            Some(seconds) => {
                let seconds: i64 = seconds
                    .trim()
                    .parse()
                    .map_err(|_| DsnError::value("connect_timeout is not a number of seconds"))?;
                u64::try_from(seconds)
                    .ok()
                    .filter(|s| *s > 0)
                    .map(Duration::from_secs)
            }
            None => None,
        };
        let access = match given.take("target_session_attrs").as_deref() {
            None | Some("any") => Access::Any,
            Some("read-write" | "primary") => Access::ReadWrite,
            Some("read-only" | "standby") => Access::ReadOnly,
            Some(_) => {
                return Err(DsnError::value(
                    "target_session_attrs must be any, read-write, read-only, primary or standby",
                ));
            }
        };
        leftovers(&given)?;
        Ok(Dsn {
            hosts,
            config,
            verify,
            connect_timeout,
            access,
        })
    }
}

/// Sets the modes of encryption. Whether the certificate must be verified comes back.
fn tls(given: &mut Pairs, config: &mut Config) -> Result<bool, DsnError> {
    if given
        .take("sslnegotiation")
        .is_some_and(|how| how != "postgres")
    {
        return Err(DsnError::value("sslnegotiation must be postgres"));
    }
    let (mode, verify) = match given.take("sslmode").as_deref() {
        Some("disable") => (SslMode::Disable, false),
        None | Some("allow" | "prefer") => (SslMode::Prefer, false),
        Some("require") => (SslMode::Require, false),
        Some("verify-ca" | "verify-full") => (SslMode::Require, true),
        Some(_) => {
            return Err(DsnError::value(
                "sslmode must be disable, allow, prefer, require, verify-ca or verify-full",
            ));
        }
    };
    let binding = match given.take("channel_binding").as_deref() {
        Some("disable") => ChannelBinding::Disable,
        None | Some("prefer") => ChannelBinding::Prefer,
        Some("require") => ChannelBinding::Require,
        Some(_) => {
            return Err(DsnError::value(
                "channel_binding must be disable, prefer or require",
            ));
        }
    };
    config.ssl_mode(mode).channel_binding(binding);
    Ok(verify)
}

fn identity(given: &mut Pairs, config: &mut Config) -> Result<(), DsnError> {
    let user = given.take("user").filter(|user| !user.is_empty());
    config.user(user.ok_or_else(|| DsnError::value("it names no user"))?);
    if let Some(password) = given.take("password").filter(|text| !text.is_empty()) {
        config.password(password);
    }
    if let Some(database) = given.take("dbname").filter(|text| !text.is_empty()) {
        config.dbname(database);
    }
    if let Some(options) = given.take("options") {
        config.options(options);
    }
    let name = given
        .take("application_name")
        .filter(|text| !text.is_empty());
    config.application_name(name.unwrap_or_else(|| "crosspoint".to_owned()));
    Ok(())
}

fn hosts(given: &mut Pairs) -> Result<Vec<Host>, DsnError> {
    let list = |text: Option<String>| -> Vec<String> {
        let text = text.filter(|text| !text.is_empty());
        text.map_or_else(Vec::new, |text| {
            text.split(',').map(|part| part.trim().to_owned()).collect()
        })
    };
    let names = list(given.take("host"));
    let addresses = list(given.take("hostaddr"));
    let ports = list(given.take("port"));
    let count = names.len().max(addresses.len());
    if count == 0 {
        return Err(DsnError::value("it names no host"));
    }
    if !names.is_empty() && !addresses.is_empty() && names.len() != addresses.len() {
        return Err(DsnError::value("host and hostaddr differ in number"));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(DsnError::value("there are not as many ports as hosts"));
    }
    let mut hosts = Vec::with_capacity(count);
    for i in 0..count {
        let address = match addresses.get(i).filter(|text| !text.is_empty()) {
            Some(text) => Some(
                text.parse()
                    .map_err(|_| DsnError::value("hostaddr is not an IP address"))?,
            ),
            None => None,
        };
        let name = names.get(i).filter(|name| !name.is_empty()).cloned();
        let name = name
            .or_else(|| address.map(|address: IpAddr| address.to_string()))
            .ok_or_else(|| DsnError::value("a host has no name"))?;
        if name.starts_with(['/', '@']) {
            return Err(DsnError::value(
                "Unix domain sockets are not supported; name a host",
            ));
        }
        // What an unescaped "@" in a password leaves here must not get into a message.
        if name.contains(|c: char| c.is_whitespace() || "@/?#".contains(c)) {
            return Err(DsnError::value(
                "a host has a character that no name has; in a URL, the password's special \
                 characters must be written as %40 and the like",
            ));
        }
        let port = port(ports.get(i).or(ports.first()))?;
        hosts.push(Host {
            name,
            address,
            port,
        });
    }
    Ok(hosts)
}

fn port(text: Option<&String>) -> Result<u16, DsnError> {
    match text.map(String::as_str) {
        None | Some("") => Ok(5432),
        Some(text) => {
            let port = text.parse().ok().filter(|port| *port > 0);
            port.ok_or_else(|| DsnError::value("port is not a number from 1 to 65535"))
        }
    }
}

fn leftovers(given: &Pairs) -> Result<(), DsnError> {
    for (number, name) in given.rest() {
        if let Some(known) = LOCAL.iter().find(|known| **known == name) {
            return Err(DsnError::value(format!(
                "the option {known} is not supported, since nothing is read from this machine; \
                 certificate authorities are named in the configuration (ca_files)"
            )));
        }
        if !WITHOUT_EFFECT.contains(&name) {
            return Err(DsnError::malformed(format!(
                "its option number {number} is unknown"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "dsn_tests.rs"]
mod tests;
