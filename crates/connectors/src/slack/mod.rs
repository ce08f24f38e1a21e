//! `slack`: posts messages to Slack, with the parameters and the error code of SpiffArena's Slack
//! connector. What it answers and when is in `docs/connectors/slack.md`.

mod account;
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
    /// Where `auth.test` is.
    auth_test: String,
}

/// The connector.
pub fn connector(config: &Config, client: Http) -> impl crosspoint_core::Connector {
    let base = config.base_url.trim_end_matches('/');
    let connector = Connector {
        client,
        post_message: format!("{base}/api/chat.postMessage"),
        auth_test: format!("{base}/api/auth.test"),
    };
    Native::new("slack", "Posts messages to Slack.", connector)
        .profile::<account::Account>()
        .check(|slack, cx| Box::pin(account::check(slack, cx)))
        .command::<commands::PostMessage>()
}

#[cfg(test)]
mod tests;
