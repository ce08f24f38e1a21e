//! The rules at work: judging the targets of requests, and saying why one is refused.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use url::{Host, Url};

use crate::ranges::faces;
use crate::resolve::Lookup;
use crate::rules::{Preset, Reason, Rules};

/// What judges targets.
pub(crate) struct Guard {
    pub rules: Rules,
    pub listener: Option<SocketAddr>,
    pub lookup: Arc<dyn Lookup>,
}

/// A target that no request may go to; the text says which, why, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

// === impl Guard ===

impl Guard {
    /// Judges a host that is written as an address, before anything is connected. Names pass:
    /// their addresses are judged when they are resolved.
    pub fn judge_literal(&self, url: &Url) -> Result<(), Refused> {
        let port = port_of(url);
        match url.host() {
            Some(Host::Ipv4(address)) => self.judge(None, IpAddr::V4(address), port),
            Some(Host::Ipv6(address)) => self.judge(None, IpAddr::V6(address), port),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    /// Judges a target that a forward proxy will connect to. The proxy resolves the name for
    /// itself and picks an address, so all of them must be let through. A name that is unknown
    /// here is judged by what can be said without an address.
    pub async fn judge_proxied(&self, url: &Url) -> Result<(), Refused> {
        self.judge_literal(url)?;
        let (Some(Host::Domain(name)), port) = (url.host(), port_of(url)) else {
            return Ok(());
        };
        match self.lookup(name).await {
            Ok(addresses) if !addresses.is_empty() => addresses
                .into_iter()
                .try_for_each(|address| self.judge(Some(name), address, port)),
            _ => self.rules.judge_unresolved(name, port).map_err(|reason| {
                Refused(format!(
                    "{name} cannot be resolved here, so that only the proxy would know where the \
                     request goes; {reason} of the egress rules refuses that. If it is meant, \
                     add \"{name}\" to allow in [egress]"
                ))
            }),
        }
    }

    /// The addresses of a name, unjudged.
    pub async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.lookup.lookup(name).await
    }

    /// The addresses of a name that may be connected to; refused when none is left. Without a
    /// name the address was written out.
    pub fn filter(
        &self,
        name: Option<&str>,
        mut addresses: Vec<IpAddr>,
        port: u16,
    ) -> Result<Vec<IpAddr>, Refused> {
        let mut refused = None;
        addresses.retain(|address| match self.judge(name, *address, port) {
            Ok(()) => true,
            Err(reason) => {
                refused.get_or_insert(reason);
                false
            }
        });
        match refused {
            Some(reason) if addresses.is_empty() => Err(reason),
            _ => Ok(addresses),
        }
    }

    fn judge(&self, name: Option<&str>, address: IpAddr, port: u16) -> Result<(), Refused> {
        let target = || match name {
            Some(name) => format!("{name} ({address}) port {port}"),
            None => format!("{address} port {port}"),
        };
        if self
            .listener
            .is_some_and(|listener| is_own(listener, address, port))
        {
            return Err(Refused(format!(
                "{} is Crosspoint's own listener, which commands may not call; no egress rule can \
                 allow it",
                target()
            )));
        }
        self.rules.judge(name, address, port).map_err(|reason| {
            let what = match reason {
                Reason::Preset { what, .. } => format!("{} is {what}, which", target()),
                Reason::Denied(_) => format!("{} is a target that", target()),
            };
            let entry = match (&reason, name) {
                // Only an address lifts the preset `internal`.
                (
                    Reason::Preset {
                        preset: Preset::Internal,
                        ..
                    },
                    _,
                )
                | (_, None) => address.to_canonical().to_string(),
                (_, Some(name)) => name.to_owned(),
            };
            Refused(format!(
                "{what} {reason} of the egress rules refuses. If it is meant, add \"{entry}\" to \
                 allow in [egress]"
            ))
        })
    }
}

/// The port that a URL of HTTP is about; it always has one.
pub(crate) fn port_of(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

/// Whether a connection to the address would reach our own listener.
fn is_own(listener: SocketAddr, address: IpAddr, port: u16) -> bool {
    let own = listener.ip().to_canonical();
    // A connection to an unspecified address arrives at the loopback address.
    let reaches = |face: &IpAddr| {
        *face == own || face.is_unspecified() || (own.is_unspecified() && is_local(*face))
    };
    port == listener.port() && faces(address).iter().any(reaches)
}

/// Whether the address belongs to this machine: only then can a socket be bound to it.
fn is_local(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}
