//! MCP servers as connectors: tables with `mcp`. The comments here are the configuration reference
//! that users read.

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
use super::scalars::FilePath;
use super::sizes::Size;
use super::values::{Values, variables};

/// An MCP server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct McpConnector {
    /// The server: a list of a program and its arguments, which is started and spoken to over its
    /// standard input and output; or the address of one that runs elsewhere. A program without `/`
    /// is looked up in `PATH`; a relative path starts at the working directory. No shell is involved.
    pub mcp: McpServer,

    /// Which tools are safe to repeat, beside those of which the server says so: a list of the names
    /// of their commands, or `true` for all of them.
    #[serde(default)]
    pub idempotent: Idempotent,

    /// Environment variables for a server that is started: texts, or references to secrets.
    #[serde(default)]
    #[schemars(schema_with = "variables")]
    pub env: Values,

    /// The folder in which a server is started. When there is none, it is the working directory.
    #[serde(default)]
    pub directory: Option<FilePath>,

    /// The largest message that is read from the server, from `1KiB` to `1GiB`. A call whose answer
    /// is larger fails with `AnswerTooLarge`.
    #[serde(default = "max_answer")]
    pub max_answer: Size,

    /// How long the server may take to start and to list its tools.
    #[serde(default = "start_timeout")]
    pub start_timeout: Span,

    /// How long a server that was started may say nothing, once it has let a deadline pass, before it
    /// is replaced.
    #[serde(default = "unresponsive_after")]
    pub unresponsive_after: Span,

    /// Egress rules for a server that runs elsewhere, in place of those of `[egress]`.
    #[serde(default)]
    pub egress: Option<ConnectorEgress>,

    /// How the calls of this connector are treated. Its limits are shared by all its commands, and
    /// hold for each process: every replica has its own.
    #[serde(default)]
    pub policy: Policy,

    /// The policies of single commands, by their names.
    #[serde(default)]
    #[schemars(schema_with = "commands")]
    pub commands: Commands,

    /// The profiles of the connector, by names of your own.
    #[serde(default)]
    #[schemars(schema_with = "profiles")]
    pub profiles: Profiles,

    /// Ways to authorise by OAuth 2, by their names.
    #[serde(default)]
    #[schemars(schema_with = "auths")]
    pub auths: Auths,
}

/// Where an MCP server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum McpServer {
    /// Elsewhere, at this address.
    Url(McpUrl),
    /// Here: a program and its arguments.
    Command(Vec<String>),
}

/// The address of an MCP server. Shown without its query, which may hold a key.
#[derive(Clone, PartialEq, Eq)]
pub struct McpUrl(Url);

as_text!(McpUrl, "mcp-url", "string");

// === impl McpConnector ===

impl McpConnector {
    /// The server with nothing else that would be written.
    pub fn of(mcp: McpServer) -> McpConnector {
        McpConnector {
            mcp,
            idempotent: Idempotent::default(),
            env: Values::default(),
            directory: None,
            max_answer: max_answer(),
            start_timeout: start_timeout(),
            unresponsive_after: unresponsive_after(),
            egress: None,
            policy: Policy::default(),
            commands: Commands::new(),
            profiles: Profiles::new(),
            auths: Auths::new(),
        }
    }
}

fn max_answer() -> Size {
    Size::mebibytes(10)
}

fn start_timeout() -> Span {
    Span::seconds(60)
}

fn unresponsive_after() -> Span {
    Span::seconds(30)
}

// === impl McpUrl ===

impl McpUrl {
    /// With its query.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl FromStr for McpUrl {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<McpUrl, Wrong> {
        let url = Url::parse(text.trim());
        let web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let Some(url) = url.ok().filter(web) else {
            let mut wrong = wrong(text, "is not the address of a server", "mcp-url");
            wrong.help.push_str(
                "; a server that is to be started is a list: `[\"program\", \"argument\"]`",
            );
            return Err(wrong);
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Wrong {
                why: "it holds a user or a password".to_owned(),
                help: "keep them in a profile: `[connectors.<name>.profiles.<profile>]`".to_owned(),
            });
        }
        if url.query() == Some("***") {
            return Err(Wrong {
                why: "`***` stands for a query that is not shown".to_owned(),
                help: "write the address as it is".to_owned(),
            });
        }
        Ok(McpUrl(url))
    }
}

impl fmt::Display for McpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.query().is_some() {
            url.set_query(None);
            return write!(f, "{url}?***");
        }
        write!(f, "{url}")
    }
}

impl fmt::Debug for McpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "McpUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_query() {
        let url: McpUrl = "https://mcp.example/x?key=canary".parse().unwrap();
        assert_eq!(url.to_string(), "https://mcp.example/x?***");
        assert_eq!(format!("{url:?}"), "McpUrl(https://mcp.example/x?***)");
        assert_eq!(url.expose().as_str(), "https://mcp.example/x?key=canary");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, why) in [
            (
                "node server.js",
                "`node server.js` is not the address of a server",
            ),
            ("ws://h", "`ws://h` is not the address of a server"),
            ("https://u:canary@h/", "it holds a user or a password"),
            ("https://h/?***", "`***` stands for a query"),
        ] {
            let wrong = text.parse::<McpUrl>().expect_err(text);
            assert!(
                wrong.why.starts_with(why) && !wrong.why.contains("canary"),
                "{wrong}"
            );
        }
    }
}
