//! OpenAPI documents as connectors: tables with `openapi`. The comments here are the configuration
//! reference that users read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crosspoint_core::MASKED;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::auths::{Auths, auths};
use super::connectors::ConnectorEgress;
use super::format::as_text;
use super::mounted::Idempotent;
use super::policy::{Commands, Policy, commands};
use super::problem::Wrong;
use super::profiles::{Profiles, profiles};
use super::sizes::Size;

/// A connector that an OpenAPI document describes: its operations are the commands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OpenApiConnector {
    /// An OpenAPI document, version 3.0 or 3.1, in JSON or YAML: a path, or an address that is read at
    /// the start by the connector's egress rules. A relative path starts at the working directory.
    pub openapi: DocumentAt,

    /// Where the system is, in place of the servers that the document names.
    #[serde(default)]
    pub server: Option<String>,

    /// Values of the variables in the document's server, by their names.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,

    /// Which operations are commands: names, patterns with `*`, or a method and a path such as
    /// `GET /users/*`. All when none are named.
    #[serde(default)]
    pub include: Vec<String>,

    /// Which operations are none, as in `include`.
    #[serde(default)]
    pub exclude: Vec<String>,

    /// Other names for commands: each with the name that it is to have.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,

    /// The largest document that is read, from `1KiB` to `1GiB`.
    #[serde(default = "max_document")]
    pub max_document: Size,

    /// The largest answer that is read from the system, from `1KiB` to `1GiB`. A larger one fails with
    /// `AnswerTooLarge`.
    #[serde(default = "max_answer")]
    pub max_answer: Size,

    /// Which commands are safe to repeat, beside those whose method says so: a list of their names, or
    /// `true` for all of them.
    #[serde(default)]
    pub idempotent: Idempotent,

    /// Egress rules of this connector and of its document, in place of those of `[egress]`.
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

/// Where a document is. An address is shown without its query, which may hold a key.
#[derive(Clone, PartialEq, Eq)]
pub enum DocumentAt {
    /// A file.
    File(PathBuf),
    /// Elsewhere.
    Web(Url),
}

as_text!(DocumentAt, "document", "string");

fn max_document() -> Size {
    Size::mebibytes(16)
}

fn max_answer() -> Size {
    Size::mebibytes(10)
}

// === impl OpenApiConnector ===

impl OpenApiConnector {
    /// The document with nothing else that would be written.
    pub fn of(openapi: DocumentAt) -> OpenApiConnector {
        OpenApiConnector {
            openapi,
            server: None,
            variables: BTreeMap::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            rename: BTreeMap::new(),
            max_document: max_document(),
            max_answer: max_answer(),
            idempotent: Idempotent::default(),
            egress: None,
            policy: Policy::default(),
            commands: Commands::new(),
            profiles: Profiles::new(),
            auths: Auths::new(),
        }
    }
}

// === impl DocumentAt ===

impl FromStr for DocumentAt {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<DocumentAt, Wrong> {
        let text = text.trim();
        let refused = |why: &str, help: &str| {
            Err(Wrong {
                why: why.to_owned(),
                help: help.to_owned(),
            })
        };
        if text.is_empty() {
            return refused("it is empty", "write a path or an address");
        }
        if !text.contains("://") {
            return Ok(DocumentAt::File(text.into()));
        }
        let web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let Some(url) = Url::parse(text).ok().filter(web) else {
            return refused(
                "it is no address of http or https",
                "write a path, or an address such as `https://api.example/openapi.json`",
            );
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refused(
                "it holds a user or a password",
                "a document is read without an account: save it, and write its path",
            );
        }
        if url.query() == Some(MASKED) {
            return refused(
                "`***` stands for a query that is not shown",
                "write the address as it is",
            );
        }
        Ok(DocumentAt::Web(url))
    }
}

impl fmt::Display for DocumentAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DocumentAt::File(path) => write!(f, "{}", path.display()),
            DocumentAt::Web(url) => {
                let mut shown = url.clone();
                shown.set_query(url.query().map(|_| MASKED));
                write!(f, "{shown}")
            }
        }
    }
}

impl fmt::Debug for DocumentAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DocumentAt({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_path_or_an_address_whose_query_is_not_shown() {
        let at = |text: &str| text.parse::<DocumentAt>();
        assert_eq!(at("a b.yaml").unwrap(), DocumentAt::File("a b.yaml".into()));
        let web = at("https://h/x.json?key=canary").unwrap();
        assert_eq!(web.to_string(), "https://h/x.json?***");
        assert_eq!(format!("{web:?}"), "DocumentAt(https://h/x.json?***)");
        for text in ["", "ftp://h/x", "https://u:canary@h/x", "https://h/?***"] {
            let wrong = at(text).expect_err(text);
            assert!(!wrong.to_string().contains("canary"), "{wrong}");
        }
    }
}
