//! Python connectors in general: `[python]`. The comments here are the configuration reference
//! that users read.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::durations::Span;
use super::requirement::Requirement;
use super::scalars::FilePath;
use super::sizes::Memory;
use super::values::{Values, variables};

/// Python connectors: a whole environment of them, and how their workers run. With neither `venv`
/// nor `install`, the environment that the variable `VIRTUAL_ENV` names is mounted, if it is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Python {
    /// A virtual environment, used as it is: every `connector_*` package in it is a connector. A
    /// relative path starts at the working directory. Not together with `install`.
    pub venv: Option<FilePath>,

    /// Packages to build an environment of, in which every `connector_*` package that is named
    /// here is a connector: requirements, paths, wheels or git URLs. Relative paths start at the
    /// working directory. Not together with `venv`. A requirement with a comma in it can be
    /// written in the file only.
    pub install: Vec<Requirement>,

    /// Further packages of the environment that `install` describes, which are not connectors.
    pub extra_requirements: Vec<Requirement>,

    /// The Python interpreter for environments that Crosspoint builds, those of
    /// `[connectors.<name>]` too: a path, or a name that is looked up in `PATH`. When there is
    /// none, `python3` is.
    pub interpreter: Option<FilePath>,

    /// The program `uv`, which builds environments quickly: a path, or a name that is looked up in
    /// `PATH`. `none` builds with `venv` and pip. When there is no such setting, `uv` is used if it
    /// is in `PATH`, else `venv` and pip.
    pub uv: Option<FilePath>,

    /// How many worker processes each Python connector has, unless its own table says otherwise.
    #[schemars(range(min = 1, max = 64))]
    pub workers: u8,

    /// How many calls a worker runs at a time, unless the connector's own table says otherwise.
    /// With 1 a connector need not be safe for threads.
    #[schemars(range(min = 1, max = 1000))]
    pub threads: u16,

    /// Environment variables for the workers of the connectors that `venv`, `install` or
    /// `VIRTUAL_ENV` bring: texts, or references to secrets.
    #[schemars(schema_with = "variables")]
    pub env: Values,

    /// When the workers of Python connectors are replaced by new ones, unless the connector's own
    /// table says otherwise.
    pub recycle: Recycle,
}

/// When a worker is replaced by a new one. Its calls under way end first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Recycle {
    /// After how many calls.
    #[schemars(range(min = 1))]
    pub calls: Option<u32>,

    /// After how long.
    pub age: Option<Span>,

    /// When the worker holds that much resident memory, from `1MiB` to `1TiB`.
    pub memory: Option<Memory>,
}

/// Which program builds environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder<'a> {
    /// `uv` if it is in `PATH`, else `venv` and pip.
    Best,
    /// This `uv`.
    Uv(&'a Path),
    /// `venv` and pip.
    Pip,
}

// === impl Python ===

impl Python {
    /// Whether an environment to mount is configured. The variable `VIRTUAL_ENV` does not count.
    pub fn has_environment(&self) -> bool {
        self.venv.is_some() || !self.install.is_empty()
    }

    /// What `uv` says.
    pub fn builder(&self) -> Builder<'_> {
        match &self.uv {
            None => Builder::Best,
            Some(uv) if uv.0.as_os_str() == "none" => Builder::Pip,
            Some(uv) => Builder::Uv(&uv.0),
        }
    }
}

impl Default for Python {
    fn default() -> Python {
        Python {
            venv: None,
            install: Vec::new(),
            extra_requirements: Vec::new(),
            interpreter: None,
            uv: None,
            workers: 1,
            threads: 32,
            env: Values::default(),
            recycle: Recycle::default(),
        }
    }
}

// === impl Recycle ===

impl Recycle {
    /// These rules, and where one is not set that of `other`.
    pub fn or(&self, other: &Recycle) -> Recycle {
        Recycle {
            calls: self.calls.or(other.calls),
            age: self.age.or(other.age),
            memory: self.memory.or(other.memory),
        }
    }
}
