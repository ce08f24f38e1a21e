//! The egress rules as the file writes them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::connectors::ConnectorEgress;
use super::format::{as_text, wrong};
use super::problem::Wrong;
use super::types::Egress;

/// An entry of `allow` or `deny`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressEntry(pub crosspoint_net::Entry);

/// What egress rules refuse when no entry says anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Refuses link-local, cloud-metadata, multicast, unspecified and reserved addresses, and
    /// Crosspoint's own listener.
    #[default]
    Internal,
    /// Refuses private and loopback addresses as well.
    Public,
}

as_text!(EgressEntry, "egress-entry", "string");

// === impl EgressEntry ===

impl FromStr for EgressEntry {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<EgressEntry, Wrong> {
        let not_one = |_| wrong(text, "is not an egress entry", "egress-entry");
        text.parse().map(EgressEntry).map_err(not_one)
    }
}

impl fmt::Display for EgressEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Egress, ConnectorEgress ===

impl Egress {
    /// The rules for everyone who has none of their own.
    pub fn rules(&self) -> crosspoint_net::Rules {
        rules(self.preset, &self.allow, &self.deny)
    }
}

impl ConnectorEgress {
    /// The rules of one connector.
    pub fn rules(&self) -> crosspoint_net::Rules {
        rules(self.preset, &self.allow, &self.deny)
    }
}

fn rules(preset: Preset, allow: &[EgressEntry], deny: &[EgressEntry]) -> crosspoint_net::Rules {
    let entries = |list: &[EgressEntry]| list.iter().map(|entry| entry.0.clone()).collect();
    crosspoint_net::Rules {
        preset: match preset {
            Preset::Internal => crosspoint_net::Preset::Internal,
            Preset::Public => crosspoint_net::Preset::Public,
        },
        allow: entries(allow),
        deny: entries(deny),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_written_as_it_was_understood() {
        for text in [
            "*",
            "api.example.com:443",
            "*.example.com",
            "10.0.0.0/8",
            "[fd00::/8]:443",
        ] {
            assert_eq!(
                text.parse::<EgressEntry>().map(|e| e.to_string()),
                Ok(text.to_owned())
            );
        }
        let wrong = "http://x".parse::<EgressEntry>().unwrap_err().to_string();
        assert!(
            wrong.starts_with("`http://x` is not an egress entry; expected"),
            "{wrong}"
        );
    }

    #[test]
    fn the_rules_are_those_of_the_client() {
        let egress = Egress {
            preset: Preset::Public,
            allow: vec!["10.0.0.0/8".parse().unwrap()],
            ..Egress::default()
        };
        let rules = egress.rules();
        assert_eq!(rules.preset, crosspoint_net::Preset::Public);
        assert_eq!(rules.allow[0].to_string(), "10.0.0.0/8");
        assert!(rules.deny.is_empty());
    }
}
