//! What may be configured for each connector. The comments here are the configuration reference
//! that users read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::auths::{Auths, auths};
use super::durations::Span;
use super::egress::{EgressEntry, Preset};
use super::mounted::Entry;
use super::policy::{Commands, Policy, commands};
use super::profiles::{Profiles, profiles};
use super::sizes::Size;

/// One table for each connector. The file has the tables of both kinds side by side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Connectors {
    /// Those of the built-in connectors.
    pub built_in: BuiltIns,
    /// All others by name. One with the name of a built-in connector replaces it.
    pub mounted: BTreeMap<String, Entry>,
}

/// One table for each built-in connector.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BuiltIns {
    /// The built-in connector `http`.
    pub http: HttpConnector,
    /// The built-in connector `smtp`.
    pub smtp: SmtpConnector,
    /// The built-in connector `slack`.
    pub slack: SlackConnector,
    /// The built-in connector `logging`.
    pub logging: LoggingConnector,
    /// The built-in connector `postgres_v2`.
    pub postgres_v2: PostgresConnector,
    /// The built-in connector `os`, which is there only when `builtin` names it.
    pub os: OsConnector,
}

/// The built-in connector `http`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConnector {
    /// What the ids without a version, such as `http/GetRequest`, mean.
    pub answers: Answers,

    /// The largest answer that is read from an upstream, from `1KiB` to `1GiB`. A larger one
    /// fails with `AnswerTooLarge`.
    pub max_answer: Size,

    /// Egress rules of this connector. When this table is present it replaces `egress`, all but
    /// `ca_files`.
    pub egress: Option<ConnectorEgress>,

    /// How the calls of this connector are treated. Its limits are shared by all its commands, and
    /// hold for each process: every replica has its own.
    pub policy: Policy,

    /// The policies of single commands, by their names.
    #[schemars(schema_with = "commands")]
    pub commands: Commands,

    /// The profiles of the connector, by names of your own.
    #[schemars(schema_with = "profiles")]
    pub profiles: Profiles,
    /// Ways to authorise by OAuth 2, by their names.
    #[schemars(schema_with = "auths")]
    pub auths: Auths,
}

/// What the ids of `http` without a version mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answers {
    /// `http/GetRequest` and `http/PostRequest` answer in version 1, with the text of the upstream
    /// and its status, as in the connector packages.
    #[default]
    Compatible,
    /// They take the parameters of SpiffArena's newer family and answer in version 2.
    Newer,
}

/// The built-in connector `smtp`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpConnector {
    /// What `smtp/SendEmail` answers.
    pub answers: SmtpAnswers,

    /// Egress rules of this connector. When this table is present it replaces `egress`, all but
    /// `ca_files`.
    pub egress: Option<ConnectorEgress>,

    /// How the calls of this connector are treated. Its limits are shared by all its commands, and
    /// hold for each process: every replica has its own.
    pub policy: Policy,

    /// The policies of single commands, by their names.
    #[schemars(schema_with = "commands")]
    pub commands: Commands,

    /// The profiles of the connector, by names of your own.
    #[schemars(schema_with = "profiles")]
    pub profiles: Profiles,
    /// Ways to authorise by OAuth 2, by their names.
    #[schemars(schema_with = "auths")]
    pub auths: Auths,
}

/// What `smtp/SendEmail` answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmtpAnswers {
    /// A failure is an error with a code, which a boundary event catches.
    #[default]
    V2,
    /// As in SpiffArena's tutorial: always status 200, and `{"error": text}` after a failure, so
    /// that a diagram inspects the result.
    V1,
}

/// The built-in connector `slack`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SlackConnector {
    /// Where Slack is, without `/api`, such as `https://slack-gov.com` for GovSlack.
    pub base_url: String,

    /// Egress rules of this connector. When this table is present it replaces `egress`, all but
    /// `ca_files`.
    pub egress: Option<ConnectorEgress>,

    /// How the calls of this connector are treated. Its limits are shared by all its commands, and
    /// hold for each process: every replica has its own.
    pub policy: Policy,

    /// The policies of single commands, by their names.
    #[schemars(schema_with = "commands")]
    pub commands: Commands,

    /// The profiles of the connector, by names of your own.
    #[schemars(schema_with = "profiles")]
    pub profiles: Profiles,
    /// Ways to authorise by OAuth 2, by their names.
    #[schemars(schema_with = "auths")]
    pub auths: Auths,
}

/// The built-in connector `logging`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoggingConnector {
    /// How the calls of this connector are treated. Its limits are shared by all its commands, and
    /// hold for each process: every replica has its own.
    pub policy: Policy,

    /// The policies of single commands, by their names.
    #[schemars(schema_with = "commands")]
    pub commands: Commands,

    /// Ways to authorise by OAuth 2, by their names.
    #[schemars(schema_with = "auths")]
    pub auths: Auths,
}

/// The built-in connector `postgres_v2`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PostgresConnector {
    /// How many connections may be open at once for one connection string. Further calls wait.
    #[schemars(range(min = 1, max = 1000))]
    pub max_connections: u16,

    /// How long an idle connection is kept.
    pub idle_time: Span,

    /// The most rows that a call may answer with. More are the failure `TooManyRows`.
    #[schemars(range(min = 1))]
    pub row_limit: u32,

    /// The most that is read from a database for one call, from `1KiB` to `1GiB`. More fails with
    /// `AnswerTooLarge`.
    pub max_answer: Size,

    /// How long one statement may run. The deadline of the call limits it in any case.
    pub statement_timeout: Option<Span>,

    /// Egress rules of this connector. When this table is present it replaces `egress`, all but
    /// `ca_files`.
    pub egress: Option<ConnectorEgress>,

    /// How the calls of this connector are treated. Its limits are shared by all its commands, and
    /// hold for each process: every replica has its own.
    pub policy: Policy,

    /// The policies of single commands, by their names.
    #[schemars(schema_with = "commands")]
    pub commands: Commands,

    /// The profiles of the connector, by names of your own.
    #[schemars(schema_with = "profiles")]
    pub profiles: Profiles,
    /// Ways to authorise by OAuth 2, by their names.
    #[schemars(schema_with = "auths")]
    pub auths: Auths,
}

/// The built-in connector `os`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OsConnector {
    /// The programs that may be run: names, looked up in `PATH`, or absolute paths. A call has to
    /// write the program as it stands here.
    pub allow: Vec<String>,

    /// The most that is read of what a program writes, for each of its two outputs. One that
    /// writes more is ended and fails with `OutputTooLarge`.
    pub max_output: Size,

    /// How the calls of this connector are treated. Its limits are shared by all its commands, and
    /// hold for each process: every replica has its own.
    pub policy: Policy,

    /// The policies of single commands, by their names.
    #[schemars(schema_with = "commands")]
    pub commands: Commands,

    /// Ways to authorise by OAuth 2, by their names.
    #[schemars(schema_with = "auths")]
    pub auths: Auths,
}

/// Egress rules that replace those of `egress` for one connector.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectorEgress {
    /// As `egress.preset`.
    pub preset: Preset,
    /// As `egress.allow`.
    pub allow: Vec<EgressEntry>,
    /// As `egress.deny`.
    pub deny: Vec<EgressEntry>,
}

// === impl Connectors ===

impl Connectors {
    /// What every connector has: its own egress rules, if any, and its policy.
    pub fn common(&self, name: &str) -> (Option<&ConnectorEgress>, Policy) {
        if let Some(entry) = self.mounted.get(name) {
            let egress = match entry {
                Entry::Mcp(server) => server.egress.as_ref(),
                Entry::Remote(proxy) => proxy.egress.as_ref(),
                Entry::OpenApi(document) => document.egress.as_ref(),
                Entry::Python(_) | Entry::Automate(_) | Entry::Provided(_) => None,
            };
            return (egress, entry.policy().clone());
        }
        let all = &self.built_in;
        let (egress, policy) = match name {
            "http" => (&all.http.egress, &all.http.policy),
            "smtp" => (&all.smtp.egress, &all.smtp.policy),
            "slack" => (&all.slack.egress, &all.slack.policy),
            "logging" => (&None, &all.logging.policy),
            "postgres_v2" => (&all.postgres_v2.egress, &all.postgres_v2.policy),
            "os" => (&None, &all.os.policy),
            _ => return (None, Policy::default()),
        };
        (egress.as_ref(), policy.clone())
    }

    /// The names of those that have a table and are brought by something else.
    pub fn provided(&self) -> impl Iterator<Item = &String> {
        let provided = |entry: &Entry| matches!(entry, Entry::Provided(_));
        self.mounted
            .iter()
            .filter(move |(_, entry)| provided(entry))
            .map(|(name, _)| name)
    }

    /// The profiles of a built-in connector.
    pub fn profiles(&self, name: &str) -> &Profiles {
        static NONE: Profiles = Profiles::new();
        let all = &self.built_in;
        match name {
            "http" => &all.http.profiles,
            "smtp" => &all.smtp.profiles,
            "slack" => &all.slack.profiles,
            "postgres_v2" => &all.postgres_v2.profiles,
            _ => &NONE,
        }
    }

    /// The auths of a connector.
    pub fn auths(&self, name: &str) -> &Auths {
        static NONE: Auths = Auths::new();
        if let Some(entry) = self.mounted.get(name) {
            return entry.auths();
        }
        let all = &self.built_in;
        match name {
            "http" => &all.http.auths,
            "smtp" => &all.smtp.auths,
            "slack" => &all.slack.auths,
            "logging" => &all.logging.auths,
            "postgres_v2" => &all.postgres_v2.auths,
            "os" => &all.os.auths,
            _ => &NONE,
        }
    }

    /// The policies of single commands of a connector.
    pub fn commands(&self, name: &str) -> Commands {
        if let Some(entry) = self.mounted.get(name) {
            return entry.commands().clone();
        }
        let all = &self.built_in;
        match name {
            "http" => all.http.commands.clone(),
            "smtp" => all.smtp.commands.clone(),
            "slack" => all.slack.commands.clone(),
            "logging" => all.logging.commands.clone(),
            "postgres_v2" => all.postgres_v2.commands.clone(),
            "os" => all.os.commands.clone(),
            _ => Commands::new(),
        }
    }
}

// === impl HttpConnector, SlackConnector, PostgresConnector, OsConnector ===

impl Default for HttpConnector {
    fn default() -> HttpConnector {
        HttpConnector {
            answers: Answers::default(),
            max_answer: Size::mebibytes(10),
            egress: None,
            policy: Policy::default(),
            commands: Commands::new(),
            profiles: Profiles::new(),
            auths: Auths::new(),
        }
    }
}

impl Default for SlackConnector {
    fn default() -> SlackConnector {
        SlackConnector {
            base_url: "https://slack.com".to_owned(),
            egress: None,
            policy: Policy::default(),
            commands: Commands::new(),
            profiles: Profiles::new(),
            auths: Auths::new(),
        }
    }
}

impl Default for PostgresConnector {
    fn default() -> PostgresConnector {
        PostgresConnector {
            max_connections: 8,
            idle_time: Span::seconds(60),
            row_limit: 10_000,
            max_answer: Size::mebibytes(10),
            statement_timeout: None,
            egress: None,
            policy: Policy::default(),
            commands: Commands::new(),
            profiles: Profiles::new(),
            auths: Auths::new(),
        }
    }
}

impl Default for OsConnector {
    fn default() -> OsConnector {
        OsConnector {
            allow: Vec::new(),
            max_output: Size::mebibytes(1),
            policy: Policy::default(),
            commands: Commands::new(),
            auths: Auths::new(),
        }
    }
}
