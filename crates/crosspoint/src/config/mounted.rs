//! Connectors that a runtime brings: every table of `[connectors]` that is not a built-in's. The
//! comments here are the configuration reference that users read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::auths::{Auths, auths};
use super::automate::{AdapterSettings, AutomateConnector};
use super::durations::Span;
use super::mcp::McpConnector;
use super::openapi::OpenApiConnector;
use super::policy::{Commands, Policy, commands};
use super::profiles::{Profiles, profiles};
use super::python::Recycle;
use super::reference::KeyText;
use super::remote::RemoteConnectors;
use super::requirement::Requirement;
use super::scalars::FilePath;
use super::sizes::Size;
use super::values::{Values, settings, variables};

/// A connector that is not built in, by any name of letters, digits, `_` and `-`. With `python`, or with
/// `automate` for an adapter of Django Automate, the
/// table brings the connector, in an environment of its own and under the table's name; it then
/// replaces the built-in connector of that name, if there is one, whose keys do not count. Without,
/// the table is about a connector that `[python]` or `[automate]` brings, and `extra_requirements`,
/// `interpreter` and `package` are not known. In the names of variables `<NAME>` is the table's name in capitals
/// with `_` for `-`; the table must stand in the file.
///
/// With `mcp` an MCP server is the connector, with `openapi` what a document describes, and with `remote`
/// the table mounts the connectors of another proxy; the keys are other ones: see below.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Entry {
    /// One that `python` brings.
    Python(PythonConnector),
    /// One that `automate` brings.
    Automate(AutomateConnector),
    /// A connector that an MCP server is: its tools are the commands.
    Mcp(Box<McpConnector>),
    /// The connectors of another proxy.
    Remote(Box<RemoteConnectors>),
    /// A connector that an OpenAPI document describes.
    OpenApi(Box<OpenApiConnector>),
    /// One that a whole environment brings. Comes last, since it has no key that must be there.
    Provided(Provided),
}

/// A connector that a whole environment brings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct Provided {
    /// How it is hosted, if it is an adapter of Django Automate.
    #[serde(flatten)]
    pub adapter: AdapterSettings,

    /// How its workers run.
    #[serde(flatten)]
    pub settings: PythonSettings,
}

/// A connector that `python` brings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PythonConnector {
    /// The Python package of the connector: a requirement such as `connector-crm==1.4`, the path
    /// of a project, of a wheel or of a single `.py` file, or a git URL. A relative path starts at
    /// the working directory.
    pub python: Requirement,

    /// Further packages of the connector's environment.
    #[serde(default)]
    pub extra_requirements: Vec<Requirement>,

    /// The Python interpreter of the connector's environment: a path, or a name that is looked up
    /// in `PATH`. When there is none, it is `python.interpreter`.
    #[serde(default)]
    pub interpreter: Option<FilePath>,

    /// How its workers run.
    #[serde(flatten)]
    pub settings: PythonSettings,
}

/// How the workers of a Python connector run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct PythonSettings {
    /// How many worker processes the connector has. When there is no such setting, it is
    /// `python.workers`.
    #[schemars(range(min = 1, max = 64))]
    pub workers: Option<u8>,

    /// How many calls a worker runs at a time. With 1 the connector need not be safe for threads.
    /// When there is no such setting, it is `python.threads`.
    #[schemars(range(min = 1, max = 1000))]
    pub threads: Option<u16>,

    /// Which commands are safe to repeat: a list of their names, or `true` for all of them. They
    /// may be called again by themselves after a failure that can pass.
    pub idempotent: Idempotent,

    /// Environment variables for the connector's workers: texts, or references to secrets.
    #[schemars(schema_with = "variables")]
    pub env: Values,

    /// Values that the connector finds in its `config`, before those of its environment: texts,
    /// numbers, booleans, or references to secrets.
    #[schemars(schema_with = "settings")]
    pub config: Values,

    /// The largest answer that is read from a worker, from `1KiB` to `1GiB`. A larger one fails
    /// with `AnswerTooLarge`.
    pub max_answer: Size,

    /// How long a worker may take to start, the imports of the connector included.
    pub start_timeout: Span,

    /// How long a worker may fail to answer a ping before it is replaced.
    pub unresponsive_after: Span,

    /// When a worker is replaced by a new one. What is not set here is as in `python.recycle`.
    pub recycle: Recycle,

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

/// Commands that are safe to repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Idempotent {
    /// All or none.
    All(bool),
    /// These, by name.
    Commands(Vec<String>),
}

// === impl Entry ===

impl Entry {
    /// How the workers of a Python connector run.
    pub fn python(&self) -> Option<&PythonSettings> {
        match self {
            Entry::Python(connector) => Some(&connector.settings),
            Entry::Automate(connector) => Some(&connector.settings),
            Entry::Provided(provided) => Some(&provided.settings),
            Entry::Mcp(_) | Entry::Remote(_) | Entry::OpenApi(_) => None,
        }
    }

    /// How it is hosted, where it may be an adapter of Django Automate.
    pub fn adapter(&self) -> Option<&AdapterSettings> {
        match self {
            Entry::Python(_) | Entry::Mcp(_) | Entry::Remote(_) | Entry::OpenApi(_) => None,
            Entry::Automate(connector) => Some(&connector.adapter),
            Entry::Provided(provided) => Some(&provided.adapter),
        }
    }

    /// How its calls are treated.
    pub fn policy(&self) -> &Policy {
        match self {
            Entry::Mcp(server) => &server.policy,
            Entry::Remote(proxy) => &proxy.policy,
            Entry::OpenApi(document) => &document.policy,
            Entry::Python(PythonConnector { settings, .. })
            | Entry::Automate(AutomateConnector { settings, .. })
            | Entry::Provided(Provided { settings, .. }) => &settings.policy,
        }
    }

    /// The policies of single commands.
    pub fn commands(&self) -> &Commands {
        match self {
            Entry::Mcp(server) => &server.commands,
            Entry::Remote(proxy) => &proxy.commands,
            Entry::OpenApi(document) => &document.commands,
            Entry::Python(PythonConnector { settings, .. })
            | Entry::Automate(AutomateConnector { settings, .. })
            | Entry::Provided(Provided { settings, .. }) => &settings.commands,
        }
    }

    /// Its profiles.
    pub fn profiles(&self) -> &Profiles {
        match self {
            Entry::Mcp(server) => &server.profiles,
            Entry::Remote(proxy) => &proxy.profiles,
            Entry::OpenApi(document) => &document.profiles,
            Entry::Python(PythonConnector { settings, .. })
            | Entry::Automate(AutomateConnector { settings, .. })
            | Entry::Provided(Provided { settings, .. }) => &settings.profiles,
        }
    }

    /// Its ways to authorise.
    pub fn auths(&self) -> &Auths {
        match self {
            Entry::Mcp(server) => &server.auths,
            Entry::Remote(proxy) => &proxy.auths,
            Entry::OpenApi(document) => &document.auths,
            Entry::Python(PythonConnector { settings, .. })
            | Entry::Automate(AutomateConnector { settings, .. })
            | Entry::Provided(Provided { settings, .. }) => &settings.auths,
        }
    }

    /// The key that the proxy behind it wants.
    pub fn api_key(&self) -> Option<&KeyText> {
        match self {
            Entry::Remote(proxy) => proxy.api_key.as_ref(),
            _ => None,
        }
    }

    /// The environment variables of its processes.
    pub fn env(&self) -> &Values {
        static NONE: Values = Values(BTreeMap::new());
        match self {
            Entry::Mcp(server) => &server.env,
            Entry::Remote(_) | Entry::OpenApi(_) => &NONE,
            Entry::Python(PythonConnector { settings, .. })
            | Entry::Automate(AutomateConnector { settings, .. })
            | Entry::Provided(Provided { settings, .. }) => &settings.env,
        }
    }
}

// === impl Idempotent ===

impl Default for Idempotent {
    fn default() -> Idempotent {
        Idempotent::Commands(Vec::new())
    }
}

// === impl PythonSettings ===

impl Default for PythonSettings {
    fn default() -> PythonSettings {
        PythonSettings {
            workers: None,
            threads: None,
            idempotent: Idempotent::default(),
            env: Values::default(),
            config: Values::default(),
            max_answer: Size::mebibytes(10),
            start_timeout: Span::seconds(60),
            unresponsive_after: Span::seconds(30),
            recycle: Recycle::default(),
            policy: Policy::default(),
            commands: Commands::new(),
            profiles: Profiles::new(),
            auths: Auths::new(),
        }
    }
}
