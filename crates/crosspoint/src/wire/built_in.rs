//! The built-in connectors, as the configuration wants them.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use crosspoint_broker::{Naming, Registration, Static};
use crosspoint_connectors as connectors;
use crosspoint_net::{Http, Proxies, Rules};

use crate::config::Loaded;
use crate::config::connectors::{Answers, BuiltIns, SmtpAnswers};

/// The built-in connectors that `builtin` names. `listener` is our own address, where no connector
/// may send a request.
pub fn registration(loaded: &Loaded, listener: Option<SocketAddr>) -> Result<Registration> {
    let config = &loaded.config;
    let settings = settings(&config.connectors.built_in);
    // Most connectors have no rules of their own, and share one client with its connections.
    let common = common(loaded, listener)?;
    let mut built_in = Vec::new();
    for name in &config.builtin {
        let client = match config.connectors.common(name).0 {
            Some(own) => client(loaded, own.rules(), listener)?,
            None => common.clone(),
        };
        built_in.extend(connectors::built_in(name, &settings, client));
    }
    Ok(Registration {
        naming: Naming::BuiltIn,
        mount: Arc::new(Static::new(built_in)),
    })
}

/// The settings of the built-in connectors.
fn settings(config: &BuiltIns) -> connectors::Settings {
    let (http, postgres, os) = (&config.http, &config.postgres_v2, &config.os);
    connectors::Settings {
        http: connectors::http::Config {
            answers: match http.answers {
                Answers::Compatible => connectors::http::Answers::Compatible,
                Answers::Newer => connectors::http::Answers::Newer,
            },
            max_answer: http.max_answer.0 as usize,
        },
        smtp: connectors::smtp::Config {
            answers: match config.smtp.answers {
                SmtpAnswers::V2 => connectors::smtp::Answers::V2,
                SmtpAnswers::V1 => connectors::smtp::Answers::V1,
            },
        },
        slack: connectors::slack::Config {
            base_url: config.slack.base_url.clone(),
        },
        logging: connectors::logging::Config {},
        postgres_v2: connectors::postgres_v2::Config {
            max_connections: postgres.max_connections.into(),
            idle_time: postgres.idle_time.0,
            row_limit: postgres.row_limit as usize,
            max_answer: postgres.max_answer.0 as usize,
            statement_timeout: postgres.statement_timeout.map(|timeout| timeout.0),
        },
        os: connectors::os::Config {
            allow: os.allow.clone(),
            max_output: os.max_output.0 as usize,
        },
    }
}

/// A client for what is asked for the sake of all connectors.
pub fn common(loaded: &Loaded, listener: Option<SocketAddr>) -> Result<Http> {
    client(loaded, loaded.config.egress.rules(), listener)
}

pub(super) fn client(loaded: &Loaded, egress: Rules, listener: Option<SocketAddr>) -> Result<Http> {
    Http::new(crosspoint_net::Settings {
        egress,
        authorities: loaded.authorities.clone(),
        proxies: Proxies::from_env()?,
        listener,
        ..crosspoint_net::Settings::default()
    })
    .context("setting up outbound HTTP")
}
