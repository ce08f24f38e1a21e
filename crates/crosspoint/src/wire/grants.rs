//! What providers have granted, as the configuration wants it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use crosspoint_broker::oauth::{Redirects, Setup};
use crosspoint_net::Http;

use super::built_in;
use crate::config::Loaded;

/// What is configured of them.
pub fn setup(loaded: &Loaded, listener: Option<SocketAddr>) -> Result<Setup> {
    let (config, spiff) = (&loaded.config, &loaded.config.spiff);
    let engine = spiff.engine_url.iter();
    let engine = engine.filter_map(|engine| engine.url().host_str().map(str::to_owned));
    let listed = spiff.redirect_hosts.iter().map(ToString::to_string);
    let hosts: Vec<_> = match spiff.redirect_hosts.is_empty() {
        true => engine.collect(),
        false => listed.collect(),
    };
    let public_url = match &config.public_url {
        Some(url) => url.to_string(),
        None => format!("http://{}", reachable(listener.unwrap_or(config.listen.0))),
    };
    Ok(Setup {
        auths: loaded.auths.clone(),
        public_url,
        redirects: Redirects { hosts },
        http: built_in::common(loaded, listener)?,
        own_http: own_http(loaded, listener)?,
    })
}

/// A connector's rules about where requests may go count for its tokens, too.
fn own_http(loaded: &Loaded, listener: Option<SocketAddr>) -> Result<HashMap<Arc<str>, Http>> {
    let mut own = HashMap::new();
    for auth in &loaded.auths {
        let connector = &auth.id.connector;
        if let (Some(egress), _) = loaded.config.connectors.common(connector) {
            let client = built_in::client(loaded, egress.rules(), listener)?;
            own.insert(connector.clone(), client);
        }
    }
    Ok(own)
}

/// Where a browser on this machine reaches an address that is listened on.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
