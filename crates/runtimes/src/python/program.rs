//! What a mount is to run: an interpreter, the connectors it loads, and their surroundings.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crosspoint_core::Mask;
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
        }
    }
}
