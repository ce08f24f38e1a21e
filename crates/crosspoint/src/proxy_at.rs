//! A proxy elsewhere, as the command line names it.

use anyhow::{Context, Result, bail};
use crosspoint_core::{Secret, shorten};
use crosspoint_net::{Http, Proxies};
use url::Url;

use crate::config::Loaded;

/// Where a key is looked for when no variable is named.
const KEY: &str = "CONNECTOR_PROXY_API_KEY";

/// The address of a proxy.
pub fn address(text: &str) -> Result<Url> {
    let url: Url = text.parse().context("reading the proxy's address")?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        bail!("a proxy has an http or https address");
    }
    Ok(url)
}

/// Its key: in the variable of this name, else in the usual one, if that is set.
pub fn key(variable: Option<&str>) -> Result<Option<Secret<String>>> {
    let value = |name: &str| std::env::var(name).ok().filter(|key| !key.is_empty());
    let key = match variable {
        Some(name) => {
            let missing = || format!("the variable {} is not set", shorten(name));
            Some(value(name).with_context(missing)?)
        }
        None => value(KEY),
    };
    Ok(key.map(Secret::new))
}

/// What asks it.
pub fn client(loaded: &Loaded) -> Result<Http> {
    let settings = crosspoint_net::Settings {
        authorities: loaded.authorities.clone(),
        proxies: Proxies::from_env()?,
        ..crosspoint_net::Settings::default()
    };
    Http::new(settings).context("setting up outbound HTTP")
}
