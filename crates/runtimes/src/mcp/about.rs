//! What a server says about itself, and its words in messages.

use rmcp::RoleClient;
use rmcp::service::Peer;

use crate::process::one_line;

/// How much of what a server says about an error is passed on, in characters.
const QUOTED: usize = 300;

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct About {
    /// Its name and version.
    pub(super) name: String,
    /// What it is for.
    pub(super) instructions: Option<String>,
    /// The revision of the protocol that is spoken.
    pub(super) version: String,
}

// === impl About ===

impl About {
    pub(super) fn of(peer: &Peer<RoleClient>) -> About {
        let info = peer.peer_info();
        let server = info.as_ref().and_then(|info| info.server_info.as_ref());
        let name = server.map(|server| {
            let name = server.title.as_ref().unwrap_or(&server.name);
            format!("{name} {}", server.version)
        });
        About {
            name: quoted(name.as_deref().unwrap_or("a server without a name")),
            instructions: info.as_ref().and_then(|info| info.instructions.clone()),
            version: info.map_or_else(String::new, |info| info.protocol_version.to_string()),
        }
    }
}

/// A short text of a server, on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED).collect();
    if text.chars().nth(QUOTED).is_some() {
        short.push('…');
    }
    one_line(short.trim())
}
