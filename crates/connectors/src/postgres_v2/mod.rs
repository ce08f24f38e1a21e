//! `postgres_v2`: reads and writes tables of PostgreSQL, with the commands of SpiffArena's connector
//! package. Parameters, answers and differences are in `docs/connectors/postgres_v2.md`.

mod account;
mod bind;
mod budget;
mod commands;
mod config;
mod dsn;
mod dsn_text;
mod fault;
mod free;
mod identifier;
mod job;
mod pool;
mod rows;
mod run;
mod scan;
mod schema;
mod session;
mod sqlstate;
mod statements;
mod step;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use crosspoint_core::Native;
use crosspoint_net::Http;

pub use config::Config;

/// What the commands share.
struct Connector {
    pool: pool::Pool,
    row_limit: usize,
    max_answer: usize,
    statement_timeout: Option<Duration>,
}

/// The connector. Of `client` it uses the egress rules and the certificate authorities.
pub fn connector(config: &Config, client: Http) -> impl crosspoint_core::Connector {
    let dialer = client.dialer();
    let tls = Arc::new(tls::Tls::new(&dialer.tls()));
    let network = session::Network { dialer, tls };
    let connector = Connector {
        pool: pool::Pool::new(network, config.max_connections, config.idle_time),
        row_limit: config.row_limit,
        max_answer: config.max_answer,
        statement_timeout: config.statement_timeout,
    };
    let native = Native::new(
        "postgres_v2",
        "Reads and writes tables of PostgreSQL.",
        connector,
    );
    let native = native
        .profile::<account::Account>()
        .check(|postgres, cx| Box::pin(account::check(postgres, cx)));
    commands::add(native)
}

#[cfg(test)]
#[allow(
    dead_code,
    reason = "the tests of the ledger share it, and they stop and start their server"
)]
mod testing;
#[cfg(test)]
mod tests;
