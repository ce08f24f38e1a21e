//! Puts the parts together as the configuration says.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use crosspoint_broker::{Broker, Naming, Policy, Registration, Settings, Static};
use crosspoint_connectors as connectors;
use crosspoint_core::Mask;
use crosspoint_ingress::{Access, ApiKey};
use crosspoint_net::{Http, Proxies, Rules};

use crate::config::{self, Environment, Loaded, Problems};

/// Reads the configuration. `listen` is the option of that name, which wins over everything else.
pub fn load(file: Option<&Path>, listen: Option<String>) -> Result<Loaded, Problems> {
    let mut env = Environment::of_process();
    if let Some(listen) = listen {
        env.set("CROSSPOINT_LISTEN", listen);
    }
    config::load(file, &env, connectors::BUILT_IN)
}

/// The secrets of the configuration and of the forward proxies.
pub fn mask(loaded: &Loaded) -> Mask {
    // Proxies that cannot be used end the start later, by their name.
    let proxies = Proxies::from_env().unwrap_or_default().secrets();
    let keys = config::all_secrets(loaded).map(str::to_owned);
    Mask::new(keys.chain(proxies))
}

/// The broker with every connector that is configured. `listener` is our own address, where no
/// connector may send a request.
pub fn broker(loaded: &Loaded, listener: Option<SocketAddr>) -> Result<Broker> {
    let config = &loaded.config;
    let settings = settings(&config.connectors);
    // Most connectors have no rules of their own, and share one client with its connections.
    let common = client(loaded, config.egress.rules(), listener)?;
    let mut built_in = Vec::new();
    let mut policies = HashMap::new();
    for name in &config.builtin {
        let (egress, policy) = config.connectors.common(name);
        let client = match egress {
            Some(own) => client(loaded, own.rules(), listener)?,
            None => common.clone(),
        };
        built_in.extend(connectors::built_in(name, &settings, client));
        let (timeout, deadline) = (policy.timeout.map(|t| t.0), policy.deadline.map(|d| d.0));
        policies.insert(name.clone(), Policy { timeout, deadline });
    }
    let settings = Settings {
        mask: mask(loaded),
        policies,
    };
    let mount = Arc::new(Static::new(built_in));
    let mounts = vec![Registration {
        naming: Naming::BuiltIn,
        mount,
    }];
    Ok(Broker::new(settings, mounts)?)
}

/// The settings of the built-in connectors.
fn settings(config: &config::connectors::Connectors) -> connectors::Settings {
    use config::connectors::{Answers, SmtpAnswers};
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

fn client(loaded: &Loaded, egress: Rules, listener: Option<SocketAddr>) -> Result<Http> {
    Http::new(crosspoint_net::Settings {
        egress,
        ca_files: loaded.config.egress.ca_files.clone(),
        proxies: Proxies::from_env()?,
        listener,
        ..crosspoint_net::Settings::default()
    })
    .context("setting up outbound HTTP")
}

/// How the HTTP side behaves.
pub fn ingress(loaded: &Loaded) -> crosspoint_ingress::Settings {
    let config = &loaded.config;
    let keys = loaded.api_keys.iter().map(|key| ApiKey {
        name: key.name.as_str().into(),
        value: key.value.clone(),
    });
    crosspoint_ingress::Settings {
        access: Access {
            keys: keys.collect(),
            anonymous: config.access.anonymous,
            hosts: config
                .access
                .hosts
                .iter()
                .map(ToString::to_string)
                .collect(),
        },
        cors_origins: config
            .access
            .cors_origins
            .iter()
            .map(|o| o.0.clone())
            .collect(),
        max_body: config.max_body.0 as usize,
        spiff_deadline: config.spiff.deadline.0,
    }
}
