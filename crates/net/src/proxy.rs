//! Forward proxies: which requests go through which.

use std::env;
use std::fmt;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::target::origin;

/// The forward proxies that requests go through, and the targets for which they do not.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    no: String,
}

/// A forward proxy that cannot be used. The text does not repeat it: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} is not the URL of a forward proxy: write http://host:port or https://host:port, with \
     user:password@ before the host if it needs them; SOCKS proxies are not supported"
)]
pub struct ProxyError {
    name: String,
}

// === impl Proxies ===

impl Proxies {
    /// No proxies: every request goes straight to its target.
    pub fn none() -> Proxies {
        Proxies::default()
    }

    /// The proxies of the environment, as curl and Python's requests read it: `HTTP_PROXY` for
    /// `http` targets, `HTTPS_PROXY` for `https` targets, `ALL_PROXY` for what is left, and
    /// `NO_PROXY`, each in upper or lower case. An empty variable counts as absent.
    ///
    /// A variable that is set to something else is an error: taking no notice of it would send
    /// requests past the proxy.
    pub fn from_env() -> Result<Proxies, ProxyError> {
        Proxies::read(|name| env::var(name).ok())
    }

    /// Proxies by their URLs: for `http` targets, for `https` targets, and a list of targets
    /// without proxy in the form of `NO_PROXY`: host names (with all below them), addresses and
    /// networks, separated by commas, or `*`.
    pub fn new(http: Option<&str>, https: Option<&str>, no: &str) -> Result<Proxies, ProxyError> {
        let parse = |url: Option<&str>, name| url.map(|url| parse(url, name)).transpose();
        Ok(Proxies {
            http: parse(http, "the proxy for http")?,
            https: parse(https, "the proxy for https")?,
            no: no.to_owned(),
        })
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Proxies, ProxyError> {
        let find = |name: &'static str| {
            let either = [name.to_owned(), name.to_ascii_lowercase()];
            let mut values = either.iter().filter_map(|name| variable(name));
            values.find(|value| !value.trim().is_empty())
        };
        let proxy = |name| find(name).map(|value| parse(&value, name)).transpose();
        let all = proxy("ALL_PROXY")?;
        Ok(Proxies {
            http: proxy("HTTP_PROXY")?.or_else(|| all.clone()),
            https: proxy("HTTPS_PROXY")?.or(all),
            no: find("NO_PROXY").unwrap_or_default(),
        })
    }

    /// The passwords in the URLs, as they are written and as they are sent. For a mask.
    pub fn secrets(&self) -> Vec<String> {
        let urls = [&self.http, &self.https].into_iter().flatten();
        let passwords = urls.filter_map(Url::password);
        passwords
            .flat_map(|written| {
                let sent = percent_decode_str(written).decode_utf8_lossy();
                [written.to_owned(), sent.into_owned()]
            })
            .collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// Decides for each request whether it goes through a proxy.
    pub(crate) fn matcher(&self) -> Matcher {
        let text = |url: &Option<Url>| url.as_ref().map(Url::to_string).unwrap_or_default();
        Matcher::builder()
            .http(text(&self.http))
            .https(text(&self.https))
            .no(&*self.no)
            .build()
    }

    /// Makes the client send everything through the proxies. Which requests it gets has been
    /// decided by [`Proxies::matcher`]; user and password are taken from the URLs.
    pub(crate) fn install(
        &self,
        mut builder: reqwest::ClientBuilder,
    ) -> reqwest::Result<reqwest::ClientBuilder> {
        if let Some(url) = &self.http {
            builder = builder.proxy(reqwest::Proxy::http(url.clone())?);
        }
        if let Some(url) = &self.https {
            builder = builder.proxy(reqwest::Proxy::https(url.clone())?);
        }
        Ok(builder)
    }
}

fn parse(text: &str, name: &str) -> Result<Url, ProxyError> {
    let text = text.trim();
    let url = match text.contains("://") {
        true => Url::parse(text),
        false => Url::parse(&format!("http://{text}")),
    };
    match url {
        Ok(url) if matches!(url.scheme(), "http" | "https") && is_understood(&url) => Ok(url),
        _ => Err(ProxyError {
            name: name.to_owned(),
        }),
    }
}

/// Whether the library that chooses proxies can read it, too: it passes over what it cannot.
fn is_understood(url: &Url) -> bool {
    let anywhere = Uri::from_static("http://example.com/");
    Matcher::builder()
        .all(url.to_string())
        .build()
        .intercept(&anywhere)
        .is_some()
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.http.as_ref().map(origin))
            .field("https", &self.https.as_ref().map(origin))
            .field("no", &self.no)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name);
        Proxies::read(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    fn goes_through(proxies: &Proxies, url: &str) -> Option<String> {
        proxies
            .matcher()
            .intercept(&url.parse().unwrap())
            .map(|found| found.uri().to_string())
    }

    #[test]
    fn the_environment_is_read_in_both_cases() {
        let proxies = read(&[
            ("http_proxy", "proxy:3128"),
            ("HTTPS_PROXY", ""),
            ("ALL_PROXY", "https://all:1"),
            ("no_proxy", "internal.example,10.0.0.0/8"),
        ])
        .unwrap();
        assert_eq!(
            goes_through(&proxies, "http://a.example/").unwrap(),
            "http://proxy:3128/"
        );
        assert_eq!(
            goes_through(&proxies, "https://a.example/").unwrap(),
            "https://all:1/"
        );
        assert_eq!(goes_through(&proxies, "http://x.internal.example/"), None);
        assert_eq!(goes_through(&proxies, "http://10.2.3.4/"), None);
        assert!(read(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
        let error = read(&[("ALL_PROXY", "socks5://user:hunter2@proxy:1080")]).unwrap_err();
        assert!(error.to_string().starts_with("ALL_PROXY is not"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let proxies = Proxies::new(Some("http://user:hunter2@proxy:1"), None, "").unwrap();
        assert!(!format!("{proxies:?}").contains("hunter2"));
    }
}
