//! `slack`: posts messages to Slack, with the parameters and the error code of SpiffArena's Slack
//! connector. What it answers and when is in `docs/connectors/slack.md`.

mod answer;
mod commands;
mod config;

use crosspoint_core::Native;
use crosspoint_net::Http;

pub use config::Config;

/// What the command needs.
struct Connector {
    client: Http,
    /// Where `chat.postMessage` is.
    post_message: String,
}

/// The connector.
pub fn connector(config: &Config, client: Http) -> impl crosspoint_core::Connector {
    let base = config.base_url.trim_end_matches('/');
    let connector = Connector {
        client,
        post_message: format!("{base}/api/chat.postMessage"),
    };
    Native::new("slack", "Posts messages to Slack.", connector).command::<commands::PostMessage>()
}

#[cfg(test)]
mod tests;
