//! Why there is no environment.

use std::io;
use std::path::{Path, PathBuf};

/// Why an environment could not be made, found or read. Messages say what to do; none names the
/// connector, which the caller knows, and none holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// No Python at all, or not the one asked for.
    #[error(
        "there is no Python interpreter {asked}; looked for {looked}. Install Python 3.9 or newer, or name one with \"interpreter\""
    )]
    InterpreterMissing {
        /// What was asked for, such as `python3` or `3.12`.
        asked: String,
        /// Names and places that were tried.
        looked: String,
    },
    /// It is there and does not run.
    #[error("the Python interpreter {python} does not work: {words}", python = .python.display())]
    InterpreterBroken {
        /// The program that was started.
        python: PathBuf,
        /// What it said.
        words: String,
    },
    /// Older than 3.9.
    #[error(
        "the Python interpreter {python} is version {version}; connectors need 3.9 or newer. Name another one with \"interpreter\"",
        python = .python.display()
    )]
    InterpreterTooOld {
        /// The program.
        python: PathBuf,
        /// Its version.
        version: String,
    },
    /// Nothing that could make an environment.
    #[error(
        "no tool can make an environment for {python}: uv is not on PATH, and this Python has {lacks}. Install uv, or Python's venv and pip modules (python3-venv and python3-pip on Debian)",
        python = .python.display()
    )]
    NoTool {
        /// The interpreter.
        python: PathBuf,
        /// What it lacks: `no venv module`, or `neither pip nor ensurepip`.
        lacks: &'static str,
    },
    /// The tool could not install what was asked for.
    #[error("{tool} could not install {asked}. Its last words:\n{words}")]
    Unresolvable {
        /// What was to be installed.
        asked: String,
        /// `uv` or `pip`, with its version.
        tool: String,
        /// The end of its output, at most 40 lines.
        words: String,
    },
    /// The disk or the quota is used up.
    #[error(
        "no space is left to make the environment for {asked} below {directory}. Free some (`crosspoint env prune` removes environments that are not in use) or move data_dir",
        directory = .directory.display()
    )]
    DiskFull {
        /// What was to be installed.
        asked: String,
        /// Where environments are kept.
        directory: PathBuf,
    },
    /// A path that does not exist.
    #[error("there is no {what} at {path}", path = .path.display())]
    Missing {
        /// `directory`, `wheel`, `virtual environment` and so on.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// A file that says what a project depends on cannot be understood.
    #[error("{file}: {reason}", file = .file.display())]
    Declaration {
        /// The file.
        file: PathBuf,
        /// What is wrong in it, and where.
        reason: String,
    },
    /// What was asked for holds no connector.
    #[error(
        "{asked} offers no connector: no package whose name begins with connector_ was found in {looked}. {there}"
    )]
    NoConnector {
        /// The source.
        asked: String,
        /// Places and distributions that were looked into.
        looked: String,
        /// What is there instead, as a sentence.
        there: String,
    },
    /// A ready environment was combined with something to install.
    #[error(
        "{venv} is a ready virtual environment, into which Crosspoint installs nothing. Remove the other sources and extra_requirements, or list all of them in \"install\"",
        venv = .venv.display()
    )]
    ReadyEnvironment {
        /// The environment.
        venv: PathBuf,
    },
    /// Something with files or processes.
    #[error("{doing} {path}: {source}", path = .path.display())]
    Io {
        /// What was being done, such as `reading`.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

// === impl EnvironmentError ===

impl EnvironmentError {
    /// Whether it says something against a source, so that the others may be had without it.
    pub(super) fn is_about_a_source(&self) -> bool {
        matches!(
            self,
            EnvironmentError::Unresolvable { .. }
                | EnvironmentError::Missing { .. }
                | EnvironmentError::Declaration { .. }
                | EnvironmentError::NoConnector { .. }
        )
    }

    /// Wraps an I/O error; meant for `map_err`.
    pub(super) fn io(
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> EnvironmentError {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                EnvironmentError::DiskFull {
                    asked: format!("a connector ({doing} {})", path.display()),
                    directory: path,
                }
            }
            _ => EnvironmentError::Io {
                doing,
                path,
                source,
            },
        }
    }
}
