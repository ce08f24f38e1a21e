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

/// The secrets of the configuration.
pub fn mask(loaded: &Loaded) -> Mask {
    Mask::new(config::all_secrets(loaded))
}

/// The broker with every connector that is configured. `listener` is our own address, where no
/// connector may send a request.
pub fn broker(loaded: &Loaded, listener: Option<SocketAddr>) -> Result<Broker> {
    let config = &loaded.config;
    let http = &config.connectors.http;
    let settings = connectors::Settings {
        http: connectors::http::Config {
            answers: match http.answers {
                config::types::Answers::Compatible => connectors::http::Answers::Compatible,
                config::types::Answers::Newer => connectors::http::Answers::Newer,
            },
            max_answer: http.max_answer.0 as usize,
        },
    };
    let mut built_in = Vec::new();
    for name in &config.builtin {
        let client = client(loaded, rules(loaded), listener)?;
        built_in.extend(connectors::built_in(name, &settings, client));
    }
    let policy = Policy {
        timeout: http.policy.timeout.map(|timeout| timeout.0),
        deadline: http.policy.deadline.map(|deadline| deadline.0),
    };
    let settings =
        Settings { mask: mask(loaded), policies: HashMap::from([("http".to_owned(), policy)]) };
    let mount = Arc::new(Static::new(built_in));
    let mounts = vec![Registration { naming: Naming::BuiltIn, mount }];
    Ok(Broker::new(settings, mounts)?)
}

/// The egress rules of `http`: its own table, else the common one.
fn rules(loaded: &Loaded) -> Rules {
    match &loaded.config.connectors.http.egress {
        Some(own) => own.rules(),
        None => loaded.config.egress.rules(),
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
            hosts: config.access.hosts.iter().map(ToString::to_string).collect(),
        },
        cors_origins: config.access.cors_origins.iter().map(|o| o.0.clone()).collect(),
        max_body: config.max_body.0 as usize,
        spiff_deadline: config.spiff.deadline.0,
    }
}
