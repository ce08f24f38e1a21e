//! What a mount is to run: an interpreter, the connectors it loads, and their surroundings.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crosspoint_core::Mask;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Settings;

/// An environment's connectors and how to run them.
#[derive(Clone)]
pub struct Program {
    /// The interpreter of the environment, Python 3.9 or newer.
    pub python: PathBuf,
    /// Directories put in front of the interpreter's own path.
    pub import_path: Vec<PathBuf>,
    /// What to load. Each gets processes of its own.
    pub connectors: Vec<Source>,
    /// All environment variables of the processes; nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// What a connector finds in `config[...]` before the environment.
    pub config: Map<String, Value>,
    /// Where the processes begin. Default: where this one did.
    pub directory: Option<PathBuf>,
    /// Where the worker's own code is kept: `<data_dir>/python`. Created when it is not there.
    pub code: PathBuf,
    /// Changes whenever the environment's content does: then its connectors are started anew.
    pub fingerprint: String,
    /// How the processes are run.
    pub settings: Settings,
    /// Secrets of `env` and `config`, kept out of whatever the processes write.
    pub mask: Mask,
}

/// One connector to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name it is served under, `[A-Za-z0-9_-]+`.
    pub name: String,
    /// Where its code is.
    pub at: At,
}

/// Where a connector's code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// A top-level package, `connector_crm`.
    Module(String),
    /// A single `.py` file.
    File(PathBuf),
    /// An adapter of Django Automate.
    Adapter(Adapter),
}

/// An adapter of Django Automate, and how it is hosted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// Where its class is.
    pub class: AdapterClass,
    /// The folder of the `automate_connectors` that it imports. Default: the installed one.
    pub package: Option<PathBuf>,
    /// Actions that are known beside those that it declares.
    pub actions: Vec<String>,
    /// Whether payloads may hold credentials.
    pub raw_credentials: bool,
    /// How often `connect()` is called as a health check. Default: never.
    pub check_every: Option<Duration>,
}

/// Where the class of an adapter is. Made by the search for adapters, from the worker's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterClass {
    /// A module that can be imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Or a single file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Its name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Or the name under which it is registered once the module is imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<String>,
}

// === impl Program ===

impl Program {
    /// Whether a process of the other program would be the same but for the connector it loads.
    pub(super) fn runs_like(&self, other: &Program) -> bool {
        self.python == other.python
            && self.import_path == other.import_path
            && self.env == other.env
            && self.config == other.config
            && self.directory == other.directory
            && self.code == other.code
            && self.fingerprint == other.fingerprint
            && self.settings == other.settings
    }
}

/// Shows no values of the environment and the configuration: they may be secrets.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("python", &self.python)
            .field("connectors", &self.connectors)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

// === impl At ===

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Module(module) => write!(f, "module {module}"),
            At::File(file) => write!(f, "file {}", file.display()),
            At::Adapter(adapter) => write!(f, "adapter {}", adapter.class),
        }
    }
}

impl fmt::Display for AdapterClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.module, &self.file) {
            (Some(module), _) => f.write_str(module)?,
            (None, Some(file)) => write!(f, "{}", file.display())?,
            (None, None) => {}
        }
        match &self.object {
            Some(object) => write!(f, ":{object}"),
            None => Ok(()),
        }
    }
}
