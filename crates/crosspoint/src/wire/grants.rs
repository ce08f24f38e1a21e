//! What providers have granted, as the configuration wants it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Result;
use crosspoint_broker::oauth::{Redirects, Setup};

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
    })
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
