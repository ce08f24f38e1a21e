//! Where a connector's code comes from.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use url::Url;

use super::requirement::{check, normalize, scheme, split_name, without_credentials};

/// One place that connectors come from. Made by [`Source::parse`] from what a configuration says;
/// whether it exists is found out when an environment is made for it.
///
/// `Display` shows no credentials.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A requirement that the tool finds in its index, or at the address behind its `@`.
    Requirement {
        /// The distribution's name, normalized as indexes compare it.
        name: String,
        /// The whole text, with extras, version and markers.
        text: String,
    },
    /// A project, used from source.
    Directory(PathBuf),
    /// A built distribution.
    Wheel(PathBuf),
    /// A source distribution, which the tool builds.
    Archive(PathBuf),
    /// A single module that is a connector by itself.
    File(PathBuf),
    /// An address: `git+https://…` and its like, or one of a wheel or an archive.
    Url(String),
    /// A virtual environment that somebody else made and keeps.
    Venv(PathBuf),
}

/// The text names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a place a Python connector can come from: {reason}. There are: {FORMS}")]
pub struct NotASource {
    /// What was given, without credentials.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

const FORMS: &str = "a requirement (connector-crm==1.4), a directory (./crm), a wheel (crm-1.0-py3-none-any.whl), \
a source archive (crm-1.0.tar.gz), a single file (crm.py), a git address (git+https://host/crm.git@v1) \
and an address of a wheel or an archive";

const ARCHIVES: [&str; 5] = [".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz"];

const GIT: [&str; 5] = ["git+https", "git+ssh", "git+http", "git+file", "git+git"];

// === impl Source ===

impl Source {
    /// Reads one of the forms; a relative path is one below `base`, `~` the home directory.
    ///
    /// A text is a path when it begins with `.`, `/` or `~`, contains a slash, or ends in `.py`,
    /// `.whl` or as an archive does; so a directory beside the configuration is written `./crm`.
    pub fn parse(text: &str, base: &Path) -> Result<Source, NotASource> {
        let text = text.trim();
        let wrong = |reason: &str| NotASource {
            text: without_credentials(text),
            reason: reason.to_owned(),
        };
        if text.is_empty() {
            return Err(wrong("it is empty"));
        }
        if text.starts_with('-') {
            return Err(wrong("it is an option"));
        }
        if text.starts_with("git@") {
            return Err(wrong("write git+ssh://git@host/path"));
        }
        if text.starts_with(['.', '/', '~']) {
            return Ok(from_path(text, base));
        }
        if let Some(scheme) = scheme(text) {
            return from_address(scheme, text, base).map_err(|reason| wrong(&reason));
        }
        match split_name(text) {
            Some((name, rest)) if !is_path(text, rest) => match check(rest) {
                Ok(()) => Ok(Source::Requirement {
                    name: normalize(name),
                    text: text.to_owned(),
                }),
                Err(reason) => Err(wrong(&reason)),
            },
            Some(_) => Ok(from_path(text, base)),
            None if is_path(text, text) => Ok(from_path(text, base)),
            None => Err(wrong("it begins with no name")),
        }
    }

    /// A ready virtual environment (`venv = "…"`, `VIRTUAL_ENV`): all its connectors, nothing is
    /// installed into it.
    pub fn venv(path: &str, base: &Path) -> Source {
        Source::Venv(resolve(path, base))
    }
}

impl FromStr for Source {
    type Err = NotASource;

    /// [`Source::parse`] with paths below the current directory.
    fn from_str(text: &str) -> Result<Source, NotASource> {
        Source::parse(text, &std::env::current_dir().unwrap_or_default())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Requirement { text, .. } | Source::Url(text) => {
                f.write_str(&without_credentials(text))
            }
            Source::Directory(path)
            | Source::Wheel(path)
            | Source::Archive(path)
            | Source::File(path)
            | Source::Venv(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Source::Requirement { .. } => "Requirement",
            Source::Directory(_) => "Directory",
            Source::Wheel(_) => "Wheel",
            Source::Archive(_) => "Archive",
            Source::File(_) => "File",
            Source::Url(_) => "Url",
            Source::Venv(_) => "Venv",
        };
        write!(f, "{kind}({self})")
    }
}

/// The path below `base`, with `~` resolved and `.` removed.
pub(super) fn resolve(path: &str, base: &Path) -> PathBuf {
    let home = std::env::home_dir();
    let path = match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(&rest[1..]),
        _ => PathBuf::from(path),
    };
    base.join(path)
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect()
}

fn is_path(text: &str, rest: &str) -> bool {
    let before_marker = text.split(';').next().unwrap_or(text).trim_end();
    let suffix = [".py", ".whl"].iter().chain(&ARCHIVES);
    !rest.contains('@')
        && (before_marker.contains('/') || suffix.into_iter().any(|s| text.ends_with(s)))
}

fn from_path(text: &str, base: &Path) -> Source {
    let path = resolve(text, base);
    if path.is_dir() {
        Source::Directory(path)
    } else if text.ends_with(".py") {
        Source::File(path)
    } else if text.ends_with(".whl") {
        Source::Wheel(path)
    } else if ARCHIVES.iter().any(|suffix| text.ends_with(suffix)) {
        Source::Archive(path)
    } else {
        Source::Directory(path)
    }
}

fn from_address(scheme: &str, text: &str, base: &Path) -> Result<Source, String> {
    if GIT.contains(&scheme) {
        return Ok(Source::Url(text.to_owned()));
    }
    let address = Url::parse(text).map_err(|error| error.to_string())?;
    match scheme {
        "file" => {
            let path = address.to_file_path();
            let path = path.map_err(|()| "it names no file of this machine".to_owned())?;
            Ok(from_path(&path.to_string_lossy(), base))
        }
        "http" | "https" => {
            let file = [".whl"].iter().chain(&ARCHIVES);
            if file
                .into_iter()
                .any(|suffix| address.path().ends_with(suffix))
            {
                Ok(Source::Url(text.to_owned()))
            } else {
                Err(
                    "it is the address neither of a wheel nor of an archive; a repository is written git+https://…"
                        .to_owned(),
                )
            }
        }
        other => Err(format!("addresses that begin with {other}: are not known")),
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
