//! Asking an environment what it holds.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::command::answer;
use super::error::EnvironmentError;
use super::interpreter::PATIENCE;
use super::requirement::{comparable, normalize};
use super::tools::Tools;

/// What an environment holds.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Survey {
    /// The interpreter's version, as `3.11.7`.
    pub(super) version: String,
    /// Where its packages are.
    pub(super) site: Vec<PathBuf>,
    /// Sorted by name.
    pub(super) distributions: Vec<Distribution>,
    /// Connector packages that can be imported, sorted by name.
    pub(super) packages: Vec<Package>,
}

/// An installed distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Distribution {
    pub(super) name: String,
    pub(super) version: String,
    /// Where it came from, unless an index had it (PEP 610).
    pub(super) url: Option<String>,
    /// The commit, when it came from git.
    pub(super) commit: Option<String>,
    /// Its connector packages.
    pub(super) packages: Vec<String>,
}

/// A connector package that can be imported.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// A distribution whose connectors are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// By its normalized name.
    Name(String),
    /// By the address or the file that it came from; its name is not known before.
    Address(String),
}

// === impl Survey ===

impl Survey {
    /// Asks the environment's interpreter.
    pub(super) async fn of(python: &Path, tools: &Tools) -> Result<Survey, EnvironmentError> {
        let broken = |words: String| EnvironmentError::InterpreterBroken {
            python: python.to_owned(),
            words,
        };
        let mut command = tools.command(python);
        command.current_dir("/");
        command.args(["-I", "-c", include_str!("survey.py")]);
        let bytes = answer(command, PATIENCE).await;
        let bytes = bytes.map_err(|error| broken(error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| broken(format!("its answer: {error}")))
    }
}

// === impl Wanted ===

impl Wanted {
    /// The one among those installed.
    pub(super) fn find<'a>(&self, installed: &'a [Distribution]) -> Option<&'a Distribution> {
        installed.iter().find(|distribution| match self {
            Wanted::Name(name) => normalize(&distribution.name) == *name,
            Wanted::Address(address) => {
                let came_from = distribution.url.as_deref().map(comparable);
                came_from.is_some_and(|url| url == comparable(address))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_found_by_name_or_by_address() {
        let distribution = |name: &str, url: Option<&str>| Distribution {
            name: name.to_owned(),
            version: "1".to_owned(),
            url: url.map(str::to_owned),
            commit: None,
            packages: Vec::new(),
        };
        let installed = [
            distribution("Connector_A", None),
            distribution("b", Some("https://h/b.git")),
        ];
        let name = |wanted: Wanted| Some(wanted.find(&installed)?.name.clone());
        assert_eq!(
            name(Wanted::Name("connector-a".to_owned())),
            Some("Connector_A".to_owned())
        );
        let address = Wanted::Address("git+https://t@h/b.git@v1".to_owned());
        assert_eq!(name(address), Some("b".to_owned()));
        assert_eq!(name(Wanted::Name("c".to_owned())), None);
    }
}
