//! Other proxies of SpiffArena's protocol: tables with `remote`. The comments here are the
//! configuration reference that users read.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::auths::{Auths, auths};
use super::connectors::ConnectorEgress;
use super::durations::Span;
use super::format::{as_text, wrong};
use super::mounted::Idempotent;
use super::policy::{Commands, Policy, commands};
use super::problem::Wrong;
use super::profiles::{Profiles, profiles};
use super::reference::KeyText;
use super::sizes::Size;

/// Another connector proxy, whose connectors are called here and run there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RemoteConnectors {
    /// The address of another connector proxy, of which `/v1/commands` is read and `/v1/do` called.
    /// Its connector `http` is called `<name>_http` here.
    pub remote: ProxyUrl,

    /// The key that the proxy wants. The key itself, or a reference to it: `env:NAME`, `file:PATH`,
    /// `exec:COMMAND ARGUMENTS`, `secret:NAME` or `vault:PATH#FIELD`. It goes to the origin of `remote`
    /// and nowhere else.
    #[serde(default)]
    pub api_key: Option<KeyText>,

    /// Which connectors of the proxy are mounted, by their names there; all when none are named. Where
    /// it is one, it is called as the table.
    #[serde(default)]
    pub connectors: Vec<String>,

    /// What stands before the names of its connectors, with a `_` between. When there is no such
    /// setting, it is the name of the table; empty: they keep their own names.
    #[serde(default)]
    pub prefix: Option<String>,

    /// How often the proxy is asked what it has.
    #[serde(default = "refresh")]
    pub refresh: Span,

    /// How long the proxy may take to tell what it has.
    #[serde(default = "discovery_timeout")]
    pub discovery_timeout: Span,

    /// The largest answer that is read from the proxy, from `1KiB` to `1GiB`. A larger one fails with
    /// `AnswerTooLarge`.
    #[serde(default = "max_answer")]
    pub max_answer: Size,

    /// Which commands are safe to repeat, beside those of which the proxy says so: a list of their ids
    /// there, such as `http/GetRequest`, or `true` for all of them.
    #[serde(default)]
    pub idempotent: Idempotent,

    /// Egress rules for the proxy, in place of those of `[egress]`.
    #[serde(default)]
    pub egress: Option<ConnectorEgress>,

    /// How the calls of the proxy's connectors are treated: `timeout` is how long it may take to answer
    /// one. Its limits are shared by all of them, and hold for each process: every replica has its own.
    #[serde(default)]
    pub policy: Policy,

    /// The policies of single commands, by their names without the connector's.
    #[serde(default)]
    #[schemars(schema_with = "commands")]
    pub commands: Commands,

    /// The profiles of the proxy's connectors, by names of your own: fields stand in for parameters of
    /// their names.
    #[serde(default)]
    #[schemars(schema_with = "profiles")]
    pub profiles: Profiles,

    /// Ways to authorise by OAuth 2, by their names.
    #[serde(default)]
    #[schemars(schema_with = "auths")]
    pub auths: Auths,
}

/// The address of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyUrl(Url);

as_text!(ProxyUrl, "proxy-url", "string");

fn refresh() -> Span {
    Span::seconds(60)
}

fn discovery_timeout() -> Span {
    Span::seconds(15)
}

fn max_answer() -> Size {
    Size::mebibytes(10)
}

// === impl ProxyUrl ===

impl ProxyUrl {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ProxyUrl {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<ProxyUrl, Wrong> {
        let url = Url::parse(text.trim());
        let web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let Some(url) = url.ok().filter(web) else {
            return Err(wrong(text, "is not the address of a proxy", "proxy-url"));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Wrong {
                why: "it holds a user or a password".to_owned(),
                help: "a proxy of this protocol wants a key: `api_key`".to_owned(),
            });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Wrong {
                why: "it has a query or a fragment".to_owned(),
                help: "write what stands before `/v1/commands`".to_owned(),
            });
        }
        Ok(ProxyUrl(url))
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_of_a_proxy_is_refused() {
        for (text, why) in [
            ("h:7004", "`h:7004` is not the address of a proxy"),
            ("ftp://h", "`ftp://h` is not the address of a proxy"),
            ("https://u:canary@h/", "it holds a user or a password"),
            ("https://h/?key=canary", "it has a query"),
        ] {
            let wrong = text.parse::<ProxyUrl>().expect_err(text);
            assert!(
                wrong.why.starts_with(why) && !wrong.why.contains("canary"),
                "{wrong}"
            );
        }
        let url: ProxyUrl = "http://h:7004/base/".parse().unwrap();
        assert_eq!(url.to_string(), "http://h:7004/base");
    }
}
