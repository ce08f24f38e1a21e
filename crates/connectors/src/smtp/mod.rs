//! `smtp`: sends e-mail through any mail server, with the parameters and error codes of
//! SpiffArena's SMTP connector. What it answers and when is in `docs/connectors/smtp.md`.

mod account;
mod addresses;
mod answer;
mod attachments;
mod client;
mod commands;
mod config;
mod failures;
mod letter;
mod send;
mod stream;
mod wire;

use crosspoint_core::Native;
use crosspoint_net::{Dialer, Http};

pub use config::{Answers, Config};

/// What the command needs.
struct Connector {
    dialer: Dialer,
    answers: Answers,
}

/// The connector. Of `client` it takes the egress rules and the trusted authorities.
pub fn connector(config: &Config, client: Http) -> impl crosspoint_core::Connector {
    let connector = Connector {
        dialer: client.dialer(),
        answers: config.answers,
    };
    Native::new("smtp", "Sends e-mail through a mail server.", connector)
        .profile::<account::Account>()
        .check(|smtp, cx| Box::pin(account::check(smtp, cx)))
        .command::<commands::SendEmail>()
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
