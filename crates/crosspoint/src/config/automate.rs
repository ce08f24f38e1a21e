//! Adapters of Django Automate: `[automate]`, and what the table of a connector says of one. The
//! comments here are the configuration reference that users read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::durations::{Delay, Span};
use super::mounted::PythonSettings;
use super::requirement::Requirement;
use super::scalars::FilePath;
use super::values::{Values, variables};

/// The beginning of the names of adapters that our own `automate_connectors` brings.
const BUILT_IN: &str = "automate_connectors.adapters.";

/// Adapters of Django Automate: a whole environment of them, and how they are hosted. Their workers
/// run as `[python]` says: its `interpreter`, `uv`, `workers`, `threads` and `recycle` count here, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Automate {
    /// A virtual environment, used as it is: every adapter in it is a connector under its own name. A
    /// relative path starts at the working directory. Not together with `install`.
    pub venv: Option<FilePath>,

    /// Packages to build an environment of, whose adapters are connectors under their own names:
    /// requirements, paths, wheels or git URLs. Relative paths start at the working directory. Not
    /// together with `venv`.
    pub install: Vec<Requirement>,

    /// Further packages of the environment that `install` describes, whose adapters are not mounted.
    pub extra_requirements: Vec<Requirement>,

    /// Modules that register adapters when they are imported. When none are named, and a package has
    /// no entry points, those of its modules are imported that mention `automate_connectors`.
    pub modules: Vec<String>,

    /// Which `automate_connectors` adapters import.
    pub package: Package,

    /// Environment variables for the workers of the adapters that `venv` or `install` bring: texts,
    /// or references to secrets.
    #[schemars(schema_with = "variables")]
    pub env: Values,

    /// Whether payloads may hold credentials, as members `token`, `api_key`, `password`, `secret` or
    /// `authorization`. Otherwise such calls are refused: a profile is the place for them.
    pub raw_credentials: bool,

    /// How often an adapter's `connect()` is called as a health check, with each of its profiles that
    /// does not say so itself, or without one where there is none; `0s` is never.
    pub check_every: Delay,
}

/// Which package `automate_connectors` is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Package {
    /// That of Crosspoint, which the guide's adapters run on. It needs no Django.
    #[default]
    BuiltIn,
    /// The one that is installed in the environment.
    Installed,
}

/// A connector that an adapter of Django Automate is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AutomateConnector {
    /// The package of the adapter: a requirement, the path of a project, of a wheel or of a single
    /// `.py` file, or a git URL; or `automate_connectors.adapters.slack` or
    /// `automate_connectors.adapters.logging`, which Crosspoint brings. A relative path starts at
    /// the working directory.
    pub automate: Requirement,

    /// Which `automate_connectors` it imports. When there is no such setting, it is
    /// `automate.package`.
    #[serde(default)]
    pub package: Option<Package>,

    /// Further packages of the adapter's environment.
    #[serde(default)]
    pub extra_requirements: Vec<Requirement>,

    /// The Python interpreter of the adapter's environment: a path, or a name that is looked up in
    /// `PATH`. When there is none, it is `python.interpreter`.
    #[serde(default)]
    pub interpreter: Option<FilePath>,

    /// How it is hosted.
    #[serde(flatten)]
    pub adapter: AdapterSettings,

    /// How its workers run.
    #[serde(flatten)]
    pub settings: PythonSettings,
}

/// How an adapter of Django Automate is hosted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct AdapterSettings {
    /// For an adapter of Django Automate: names of actions that become commands of their own beside
    /// those that it declares, or that its source gives away.
    pub actions: Vec<String>,

    /// For an adapter of Django Automate: whether payloads may hold credentials. When there is no such
    /// setting, it is `automate.raw_credentials`.
    pub raw_credentials: Option<bool>,

    /// For an adapter of Django Automate: how often its `connect()` is called as a health check; `0s` is
    /// never. When there is no such setting, it is `automate.check_every`.
    pub check_every: Option<Delay>,
}

// === impl Automate ===

impl Automate {
    /// Whether an environment to mount is configured.
    pub fn has_environment(&self) -> bool {
        self.venv.is_some() || !self.install.is_empty()
    }
}

impl Default for Automate {
    fn default() -> Automate {
        Automate {
            venv: None,
            install: Vec::new(),
            extra_requirements: Vec::new(),
            modules: Vec::new(),
            package: Package::BuiltIn,
            env: Values::default(),
            raw_credentials: false,
            check_every: Delay(Span::seconds(60).0),
        }
    }
}

// === impl AutomateConnector ===

impl AutomateConnector {
    /// The module of ours that it is, if it is one.
    pub fn built_in(&self) -> Option<&str> {
        let text = self.automate.expose();
        text.starts_with(BUILT_IN).then_some(text)
    }
}
