//! Where outgoing requests may go.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

use crate::ranges::{faces, never, not_public};

/// What is refused when no entry says anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Preset {
    /// Refuses what is never meant: link-local, cloud-metadata, multicast, broadcast, unspecified
    /// and reserved addresses, and Crosspoint's own listener. For a proxy inside a network whose
    /// systems it connects. The default.
    #[default]
    Internal,
    /// Refuses loopback, private, shared, benchmarking and documentation addresses besides. For a
    /// proxy that has business with the internet only.
    Public,
}

/// Which targets an entry of `allow` or `deny` means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    /// `*`
    Any,
    /// `api.example.com`
    Name(String),
    /// `*.example.com`: every name below it, not the name itself.
    Below(String),
    /// `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`
    Net(IpNet),
}

/// An entry of `allow` or `deny`: `*`, a host name, `*.suffix`, an IP address or a network in
/// CIDR notation, each with `:port` when it means one port only. IPv6 needs brackets before a
/// port: `[fd00::/8]:443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

/// Where requests may go. A target is judged by the address really connected to, again on each
/// redirect. An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4, Teredo) is also
/// judged as that one.
///
/// In this order, the first that has something to say decides:
///
/// 1. Crosspoint's own listener is refused; nothing lifts that.
/// 2. An `allow` entry that is an **address or network** lets through whatever it covers.
/// 3. What the preset `internal` refuses is refused: a name may be made to point at the metadata
///    service by whoever owns the name, so allowing a name does not allow that.
/// 4. An `allow` entry that is a **name**, `*.suffix` or `*` lets the target through.
/// 5. A `deny` entry refuses it.
/// 6. What the preset `public` refuses is refused, when that is the preset.
///
/// So `deny = ["*"]` with `allow = ["api.example.com"]` is an allow-list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// What holds when no entry matches.
    pub preset: Preset,
    /// What is let through.
    pub allow: Vec<Entry>,
    /// What is refused.
    pub deny: Vec<Entry>,
}

/// What is not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not an egress entry: write *, a host name, *.suffix, an IP address or a network \
     such as 10.0.0.0/8, each with or without :port"
)]
pub struct NotAnEntry(String);

/// What is not a preset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an egress preset: write internal or public")]
pub struct NotAPreset(String);

/// The rule that refused, as words that end the sentence "… is refused by".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The preset that refuses a kind of address.
    Preset { preset: Preset, what: &'static str },
    /// An entry of `deny`.
    Denied(Entry),
}

// === impl Rules ===

impl Rules {
    /// Judges a connection to `address` at `port`; `name` is the host as the URL names it, when
    /// it is a name.
    pub(crate) fn judge(
        &self,
        name: Option<&str>,
        address: IpAddr,
        port: u16,
    ) -> Result<(), Reason> {
        let faces = faces(address);
        let allowed = |entry: &Entry| entry.covers(faces[0], port);
        if self.allow.iter().any(allowed) {
            return Ok(());
        }
        faces
            .iter()
            .try_for_each(|face| self.judge_face(name, *face, port))
    }

    fn judge_face(&self, name: Option<&str>, face: IpAddr, port: u16) -> Result<(), Reason> {
        if self.allow.iter().any(|entry| entry.covers(face, port)) {
            return Ok(());
        }
        if let Some(what) = never(face) {
            return Err(Reason::Preset {
                preset: Preset::Internal,
                what,
            });
        }
        if self.allow.iter().any(|entry| entry.names(name, port)) {
            return Ok(());
        }
        let denies = |entry: &&Entry| entry.covers(face, port) || entry.names(name, port);
        if let Some(entry) = self.deny.iter().find(denies) {
            return Err(Reason::Denied(entry.clone()));
        }
        match not_public(face) {
            Some(what) if self.preset == Preset::Public => Err(Reason::Preset {
                preset: Preset::Public,
                what,
            }),
            _ => Ok(()),
        }
    }

    /// Judges a name that only a forward proxy can resolve. Only rules that need no address can
    /// let it through: an `allow` entry that names it, or, under the preset `internal`, the
    /// absence of every `deny` entry that might mean it.
    pub(crate) fn judge_unresolved(&self, name: &str, port: u16) -> Result<(), Reason> {
        if self.allow.iter().any(|entry| entry.names(Some(name), port)) {
            return Ok(());
        }
        let might_mean = |entry: &&Entry| {
            entry.is_for(port)
                && (matches!(entry.hosts, Hosts::Net(_)) || entry.names(Some(name), port))
        };
        if let Some(entry) = self.deny.iter().find(might_mean) {
            return Err(Reason::Denied(entry.clone()));
        }
        match self.preset {
            Preset::Internal => Ok(()),
            Preset::Public => Err(Reason::Preset {
                preset: Preset::Public,
                what: "a name that cannot be resolved here",
            }),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Preset { preset, .. } => write!(f, "the preset '{preset}'"),
            Reason::Denied(entry) => write!(f, "the entry '{entry}' of deny"),
        }
    }
}

// === impl Preset ===

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Preset::Internal => "internal",
            Preset::Public => "public",
        })
    }
}

impl FromStr for Preset {
    type Err = NotAPreset;

    fn from_str(text: &str) -> Result<Preset, NotAPreset> {
        match text {
            "internal" => Ok(Preset::Internal),
            "public" => Ok(Preset::Public),
            _ => Err(NotAPreset(text.to_owned())),
        }
    }
}

// === impl Entry ===

impl Entry {
    fn is_for(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }

    /// Whether it is an address or network with that address in it.
    fn covers(&self, address: IpAddr, port: u16) -> bool {
        matches!(&self.hosts, Hosts::Net(net) if net.contains(&address)) && self.is_for(port)
    }

    /// Whether it means the host by its name.
    fn names(&self, name: Option<&str>, port: u16) -> bool {
        let name = name.map(plain);
        let same = match (&self.hosts, &name) {
            (Hosts::Any, _) => true,
            (Hosts::Name(own), Some(name)) => own == name,
            (Hosts::Below(suffix), Some(name)) => name
                .strip_suffix(suffix)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            _ => false,
        };
        same && self.is_for(port)
    }

    fn parse(text: &str) -> Option<Entry> {
        if let Some(hosts) = net(text) {
            return Some(Entry { hosts, port: None });
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (inner, rest) = rest.split_once(']')?;
            let port = match rest {
                "" => None,
                _ => Some(port(rest.strip_prefix(':')?)?),
            };
            return Some(Entry {
                hosts: net(inner)?,
                port,
            });
        }
        let (hosts, port) = match text.split_once(':') {
            Some((hosts, digits)) => (hosts, Some(port(digits)?)),
            None => (text, None),
        };
        Some(Entry {
            hosts: Hosts::parse(hosts)?,
            port,
        })
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Hosts> {
        if text == "*" {
            return Some(Hosts::Any);
        }
        if let Some(hosts) = net(text) {
            return Some(hosts);
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(suffix) => (true, suffix),
            None => (false, text),
        };
        // Other wildcards would be taken for parts of a name and never match anything.
        if name.contains(['*', '/', '@']) {
            return None;
        }
        match (Host::parse(name).ok()?, below) {
            (Host::Domain(name), true) => Some(Hosts::Below(plain(&name))),
            (Host::Domain(name), false) => Some(Hosts::Name(plain(&name))),
            // Decimal, octal and hexadecimal spellings are understood as URLs understand them.
            (Host::Ipv4(address), false) => Some(Hosts::Net(IpAddr::V4(address).into())),
            _ => None,
        }
    }
}

fn net(text: &str) -> Option<Hosts> {
    let net = match text.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().into(),
        Err(_) => text.parse::<IpNet>().ok()?.trunc(),
    };
    Some(Hosts::Net(net))
}

fn port(digits: &str) -> Option<u16> {
    digits.parse().ok().filter(|port| *port != 0)
}

/// A name as rules compare it.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

impl FromStr for Entry {
    type Err = NotAnEntry;

    fn from_str(text: &str) -> Result<Entry, NotAnEntry> {
        Entry::parse(text.trim()).ok_or_else(|| NotAnEntry(text.to_owned()))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = match &self.hosts {
            Hosts::Any => "*".to_owned(),
            Hosts::Name(name) => name.clone(),
            Hosts::Below(suffix) => format!("*.{suffix}"),
            Hosts::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
            Hosts::Net(net) => net.to_string(),
        };
        match self.port {
            Some(port) if hosts.contains(':') => write!(f, "[{hosts}]:{port}"),
            Some(port) => write!(f, "{hosts}:{port}"),
            None => f.write_str(&hosts),
        }
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
