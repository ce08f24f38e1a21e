//! What environments are made with: uv, and the variables that uv, pip and git see.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The tools and the variables that builds get. They see what finding an interpreter, an index and
/// a repository needs, and neither Crosspoint's keys nor any connector's `env`.
#[derive(Clone)]
pub struct Tools {
    uv: Option<PathBuf>,
    variables: BTreeMap<String, OsString>,
}

/// The variables by which every program finds its tools, its home, its language and the network.
/// Those that begin with `LC_` belong to them, too.
pub const COMMON: [&str; 21] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LANG",
    "LANGUAGE",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "LD_LIBRARY_PATH",
];

/// Variables that builds inherit, beside [`COMMON`] and those with one of [`PREFIXES`].
const INHERITED: [&str; 16] = [
    "TMP",
    "TEMP",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_HOME",
    "NETRC",
    "SSH_AUTH_SOCK",
    "CC",
    "CXX",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "PKG_CONFIG_PATH",
    "CARGO_HOME",
    "RUSTUP_HOME",
];

const PREFIXES: [&str; 5] = ["PIP_", "UV_", "GIT_", "LC_", "PYENV_"];

/// Variables that would send an installation somewhere else, or git into another repository.
const REFUSED: [&str; 20] = [
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_PYTHON",
    "PIP_DRY_RUN",
    "PIP_REPORT",
    "PIP_EDITABLE",
    "PIP_REQUIREMENT",
    "PIP_IGNORE_INSTALLED",
    "PIP_QUIET",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_PROJECT_ENVIRONMENT",
    "UV_TARGET",
    "UV_VENV_SEED",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
];

/// Settings of pip that uv takes under another name: pip's, the variables that say it to uv
/// already, the variable that is set otherwise.
const EQUIVALENTS: [(&str, &[&str], &str); 8] = [
    ("index-url", &INDEXES, "UV_DEFAULT_INDEX"),
    ("extra-index-url", &INDEXES, "UV_INDEX"),
    ("find-links", &["UV_FIND_LINKS"], "UV_FIND_LINKS"),
    ("cert", &["SSL_CERT_FILE"], "SSL_CERT_FILE"),
    ("trusted-host", &["UV_INSECURE_HOST"], "UV_INSECURE_HOST"),
    ("constraint", &["UV_CONSTRAINT"], "UV_CONSTRAINT"),
    ("timeout", &["UV_HTTP_TIMEOUT"], "UV_HTTP_TIMEOUT"),
    ("default-timeout", &["UV_HTTP_TIMEOUT"], "UV_HTTP_TIMEOUT"),
];

const INDEXES: [&str; 4] = [
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
];

/// What uv is told that pip knows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ForUv {
    /// Further variables.
    pub(super) variables: Vec<(&'static str, String)>,
    /// Further options of `uv pip install`.
    pub(super) options: Vec<&'static str>,
}

// === impl Tools ===

impl Tools {
    /// The tools of this process: its variables, and `uv` where the setting says, or on `PATH`.
    pub fn of_this_process(uv: Option<&Path>) -> Tools {
        let tools = Tools::with_variables(std::env::vars_os());
        let uv = uv.map(Path::to_owned).or_else(|| tools.find("uv"));
        Tools { uv, ..tools }
    }

    /// Tools without uv, that see those of `variables` that a build may see.
    pub fn with_variables(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Tools {
        let variables = variables.into_iter();
        let named = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Tools {
            uv: None,
            variables: named.filter(|(name, _)| inherited(name)).collect(),
        }
    }

    /// The same with this `uv`, or none.
    pub fn with_uv(self, uv: Option<PathBuf>) -> Tools {
        Tools { uv, ..self }
    }

    /// The `uv` that is used.
    pub fn uv(&self) -> Option<&Path> {
        self.uv.as_deref()
    }

    /// The first program of that name on `PATH`.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        self.find_all(name).into_iter().next()
    }

    /// All programs of that name on `PATH`, in its order.
    pub(super) fn find_all(&self, name: &str) -> Vec<PathBuf> {
        let Some(path) = self.variables.get("PATH") else {
            return Vec::new();
        };
        let candidates = std::env::split_paths(path).map(|directory| directory.join(name));
        candidates.filter(|program| is_program(program)).collect()
    }

    /// A command that sees the variables of a build and nothing else.
    pub(super) fn command(&self, program: &Path) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(program);
        command.env_clear().envs(&self.variables);
        // Nobody is there to answer.
        command.envs([("PIP_NO_INPUT", "1"), ("GIT_TERMINAL_PROMPT", "0")]);
        command.envs([("PIP_DISABLE_PIP_VERSION_CHECK", "1"), ("NO_COLOR", "1")]);
        if !self.has("GIT_SSH_COMMAND") && !self.has("GIT_SSH") {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        command
    }

    /// A command of uv: no interpreter is fetched, and no configuration file is read unless one is
    /// named. Its cache lies in `cache`, so that it can link what it installs.
    pub(super) fn uv_command(&self, uv: &Path, cache: &Path) -> tokio::process::Command {
        let mut command = self.command(uv);
        command.envs([("UV_PYTHON_DOWNLOADS", "never"), ("UV_NO_PROGRESS", "1")]);
        if !self.has("UV_CONFIG_FILE") {
            command.env("UV_NO_CONFIG", "1");
        }
        if !self.has("UV_CACHE_DIR") {
            command.env("UV_CACHE_DIR", cache);
        }
        command
    }

    /// Whether asking pip for its configuration files could tell where the index is.
    pub(super) fn index_is_unknown(&self) -> bool {
        !self.has("PIP_INDEX_URL") && !self.has("PIP_NO_INDEX") && !self.has_any(&INDEXES)
    }

    /// What pip's variables, and the answer of `pip config list`, mean for uv. A variable of uv's
    /// own wins, and one that names an index keeps all of pip's indexes away.
    pub(super) fn for_uv(&self, pip_config: &str) -> ForUv {
        let settings = self.pip_settings(pip_config);
        let mut told = ForUv::default();
        for (name, own, variable) in EQUIVALENTS {
            if let Some(value) = settings.get(name)
                && !self.has_any(own)
                && let Some(value) = translate(name, value)
            {
                told.variables.push((variable, value));
            }
        }
        let on = |name: &str| settings.get(name).is_some_and(|value| is_true(value));
        if on("no-index") && !self.has_any(&INDEXES) {
            told.options.push("--no-index");
        }
        if on("pre") && !self.has("UV_PRERELEASE") {
            told.variables.push(("UV_PRERELEASE", "allow".to_owned()));
        }
        told
    }

    fn pip_settings(&self, pip_config: &str) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        for section in ["global.", "install."] {
            let lines = pip_config
                .lines()
                .filter_map(|line| line.strip_prefix(section));
            for (name, value) in lines.filter_map(|line| line.split_once('=')) {
                settings.insert(name.to_owned(), unquote(value));
            }
        }
        for (name, value) in &self.variables {
            if let (Some(name), Some(value)) = (name.strip_prefix("PIP_"), value.to_str()) {
                let name = name.to_ascii_lowercase().replace('_', "-");
                settings.insert(name, value.to_owned());
            }
        }
        settings
    }

    fn has(&self, name: &str) -> bool {
        self.variables
            .get(name)
            .is_some_and(|value| !value.is_empty())
    }

    fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }
}

/// Names alone: values may be credentials.
impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tools")
            .field("uv", &self.uv)
            .field("variables", &self.variables.keys())
            .finish()
    }
}

fn inherited(name: &str) -> bool {
    let listed = COMMON.contains(&name) || INHERITED.contains(&name);
    let known = listed || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    known && !REFUSED.contains(&name)
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// uv separates links by commas and refuses a directory that is not there; pip does neither.
fn translate(name: &str, value: &str) -> Option<String> {
    let parts = value.split_whitespace();
    let joined = match name {
        "find-links" => {
            let there = |link: &&str| link.contains("://") || Path::new(link).is_dir();
            parts.filter(there).collect::<Vec<_>>().join(",")
        }
        "cert" => value.to_owned(),
        _ => parts.collect::<Vec<_>>().join(" "),
    };
    (!joined.is_empty()).then_some(joined)
}

fn is_true(value: &str) -> bool {
    ["1", "true", "yes", "on", "y", "t"].contains(&value.to_ascii_lowercase().as_str())
}

/// A value as `pip config list` prints it: a Python text in quotes.
fn unquote(value: &str) -> String {
    let value = value.trim();
    let inner = value.get(1..value.len().saturating_sub(1)).unwrap_or(value);
    inner
        .replace("\\n", "\n")
        .replace("\\'", "'")
        .replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(variables: &[(&str, &str)]) -> Tools {
        let variables = variables.iter();
        Tools::with_variables(variables.map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn a_build_sees_no_key_of_ours_and_nothing_that_sends_it_elsewhere() {
        let tools = tools(&[
            ("PATH", "/bin"),
            ("CROSSPOINT_LISTEN", "x"),
            ("CONNECTOR_PROXY_API_KEY", "k"),
            ("PYTHONPATH", "/x"),
            ("VIRTUAL_ENV", "/v"),
            ("PIP_TARGET", "/t"),
            ("GIT_DIR", "/g"),
            ("PIP_INDEX_URL", "u"),
        ]);
        let names: Vec<&str> = tools.variables.keys().map(String::as_str).collect();
        assert_eq!(names, ["PATH", "PIP_INDEX_URL"]);
        assert!(!format!("{tools:?}").contains("/bin"));
    }

    #[test]
    fn uv_is_told_the_indexes_that_pip_has() {
        let links = tempfile::tempdir().expect("a directory");
        let here = links.path().to_str().expect("a text");
        let told = tools(&[
            ("PIP_EXTRA_INDEX_URL", "a b"),
            ("PIP_FIND_LINKS", &format!("/nowhere {here}")),
            ("PIP_CERT", "/c"),
            ("PIP_NO_INDEX", "true"),
        ])
        .for_uv("global.index-url='u'\n:env:.index-url='v'\ninstall.timeout='9'\n");
        assert_eq!(told.options, ["--no-index"]);
        assert_eq!(
            told.variables,
            [
                ("UV_DEFAULT_INDEX", "u".to_owned()),
                ("UV_INDEX", "a b".to_owned()),
                ("UV_FIND_LINKS", here.to_owned()),
                ("SSL_CERT_FILE", "/c".to_owned()),
                ("UV_HTTP_TIMEOUT", "9".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_said_to_uv_itself_wins() {
        let told = tools(&[
            ("PIP_INDEX_URL", "a"),
            ("PIP_EXTRA_INDEX_URL", "b"),
            ("PIP_NO_INDEX", "1"),
            ("UV_INDEX_URL", "c"),
            ("PIP_CERT", "/c"),
            ("SSL_CERT_FILE", "/d"),
        ])
        .for_uv("global.find-links='/nowhere'");
        assert_eq!(told, ForUv::default());
    }

    #[test]
    fn pips_quotes_are_read() {
        assert_eq!(unquote("'a\\nb'"), "a\nb");
        assert_eq!(unquote("\"it's\""), "it's");
        assert_eq!(unquote("'"), "'");
    }
}
