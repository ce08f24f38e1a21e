//! Values that are written as one text: addresses, paths, filters, names.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use crosspoint_core::{is_loopback_host, nearest, shorten};
use url::Url;

use super::format::{as_text, wrong};
use super::problem::Wrong;

/// The address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

/// The path of a file or a folder; a relative one starts at the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePath(pub PathBuf);

/// What to log, as `tracing_subscriber::EnvFilter` understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(pub String);

/// A value of the `Host` header, in lower case, with a port or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(pub String);

/// A value of the `Origin` header, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(pub String);

/// The origin of an engine: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineUrl(Url);

as_text!(Listen, "listen", "string");
as_text!(FilePath, "path", "string");
as_text!(LogFilter, "log-filter", "string");
as_text!(HostName, "host", "string");
as_text!(WebOrigin, "web-origin", "string");
as_text!(EngineUrl, "engine-url", "string");

// === impl Listen ===

impl Listen {
    /// Whether only programs of this machine can connect.
    pub fn is_loopback(&self) -> bool {
        self.0.ip().to_canonical().is_loopback()
    }

    /// The same address with another port.
    pub fn with_port(&self, port: u16) -> Listen {
        Listen(SocketAddr::new(self.0.ip(), port))
    }
}

impl FromStr for Listen {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Listen, Wrong> {
        if let Ok(address) = text.parse() {
            return Ok(Listen(address));
        }
        let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
        match (host, port.parse()) {
            (_, Err(_)) => Err(wrong(text, "is not an address and a port", "listen")),
            ("" | "*", Ok(port)) => Err(Wrong {
                why: format!(
                    "`{}` does not say on which network to listen",
                    shorten(text)
                ),
                help: format!(
                    "write `127.0.0.1:{port}` for this machine alone, `0.0.0.0:{port}` for every \
                     network"
                ),
            }),
            (host, Ok(port)) if host.eq_ignore_ascii_case("localhost") => Ok(Listen(
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            )),
            _ => Err(wrong(text, "names no IP address", "listen")),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl FilePath ===

impl FromStr for FilePath {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<FilePath, Wrong> {
        match text {
            _ if text.trim().is_empty() => Err(Wrong {
                why: "it is empty".to_owned(),
                help: "write a path, or take it out".to_owned(),
            }),
            _ if text.contains(char::is_control) => Err(wrong(text, "is not on one line", "path")),
            _ => Ok(FilePath(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

// === impl LogFilter ===

impl FromStr for LogFilter {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<LogFilter, Wrong> {
        let filter = tracing_subscriber::EnvFilter::builder().parse(text);
        if text.trim().is_empty() || filter.is_err() {
            return Err(wrong(text, "is not a log filter", "log-filter"));
        }
        // The parser takes a lone word for a module, so that a misspelled level passes unnoticed.
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        for word in text.split(',').map(str::trim) {
            let known = LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
            let lone = word.bytes().all(|b| b.is_ascii_alphanumeric());
            if let [level, ..] = nearest(word, LEVELS.into_iter())[..]
                && lone
                && !known
            {
                return Err(Wrong {
                    why: format!("`{}` is not a level", shorten(word)),
                    help: format!("did you mean `{level}`? A module is written `name=level`"),
                });
            }
        }
        Ok(LogFilter(text.trim().to_owned()))
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl HostName ===

impl FromStr for HostName {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<HostName, Wrong> {
        let plain = !text.is_empty() && !text.contains(['/', '@', '?', '#', '\\', '*']);
        match Url::parse(&format!("http://{text}/")) {
            Ok(_) if plain && text.trim() == text => Ok(HostName(text.to_ascii_lowercase())),
            _ => Err(wrong(text, "is not a host", "host")),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl WebOrigin ===

impl FromStr for WebOrigin {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<WebOrigin, Wrong> {
        if text == "*" {
            return Ok(WebOrigin(text.to_owned()));
        }
        let not_one = || wrong(text, "is not the origin of a web page", "web-origin");
        let url = Url::parse(text).map_err(|_| not_one())?;
        let origin = url.origin().ascii_serialization();
        // Browsers send the origin as it is spelled here; a path would never match.
        let bare = text.trim_end_matches('/').eq_ignore_ascii_case(&origin);
        let web = matches!(url.scheme(), "http" | "https");
        if web && bare {
            Ok(WebOrigin(origin))
        } else {
            Err(not_one())
        }
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl EngineUrl ===

impl EngineUrl {
    /// The origin as a URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// As browsers and URLs spell it: without a port that is the scheme's own.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether what is sent there can be read on the way: it leaves the machine, and not by TLS.
    pub fn is_in_clear(&self) -> bool {
        let loopback = self.0.host_str().is_some_and(is_loopback_host);
        self.0.scheme() == "http" && !loopback
    }
}

impl FromStr for EngineUrl {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<EngineUrl, Wrong> {
        // A password may stand before an `@`.
        let shown = if text.contains('@') { "it" } else { text };
        let not_one = || wrong(shown, "is not the address of an engine", "engine-url");
        let url = Url::parse(text).map_err(|_| not_one())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(not_one());
        }
        let surplus = match &url {
            _ if !url.username().is_empty() || url.password().is_some() => "a user",
            _ if url.query().is_some() => "a query",
            _ if url.fragment().is_some() => "a fragment",
            _ if url.path() != "/" => "a path",
            _ => return Ok(EngineUrl(url)),
        };
        Err(Wrong {
            why: format!("{surplus} does not belong there"),
            help: format!(
                "write only the origin: `{}`",
                url.origin().ascii_serialization()
            ),
        })
    }
}

impl fmt::Display for EngineUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

#[cfg(test)]
#[path = "scalars_tests.rs"]
mod tests;
