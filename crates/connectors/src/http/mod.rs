//! `http`: asks any HTTP address, with the commands of SpiffArena's HTTP connector packages in all
//! their generations. The table of ids, parameters and answers is in `docs/connectors/http.md`.

mod account;
mod answer;
mod commands;
mod config;
mod request;
mod shapes;

use crosspoint_core::Native;
use crosspoint_net::Http;

pub use config::{Answers, Config};

/// What the commands share.
struct Connector {
    client: Http,
    max_answer: usize,
}

/// The connector.
pub fn connector(config: &Config, client: Http) -> impl crosspoint_core::Connector {
    let connector = Connector {
        client,
        max_answer: config.max_answer,
    };
    let native = Native::new("http", "Sends HTTP requests to any address.", connector);
    let native = native
        .profile_apart::<account::Account>()
        .origin("origin")
        .check(|http, cx| Box::pin(account::check(http, cx)));
    commands::add(native, config.answers)
}
