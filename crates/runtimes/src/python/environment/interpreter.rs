//! Finding the interpreter that environments are made for, and asking it what it is.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::Mutex;

use super::command::answer;
use super::error::EnvironmentError;
use super::tools::Tools;

/// How long an interpreter may take to say what it is, and an environment to say what it holds.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How long an answer holds: for all connectors of a start or a reload, and no longer, since what
/// a name stands for may change.
const FRESH: Duration = Duration::from_secs(10);

const OLDEST: [u32; 2] = [3, 9];

/// Interpreters that were just found. Starting one costs tens of milliseconds, and most connectors
/// ask for the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Interpreters(Arc<Mutex<Answers>>);

/// By what was asked for.
type Answers = HashMap<Option<String>, (Instant, Interpreter)>;

/// A Python that runs and is new enough.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Interpreter {
    /// The interpreter itself, also when a virtual environment's or a shim was found.
    pub(super) executable: PathBuf,
    version: [u32; 3],
    /// How it was built, and for which processor.
    pub(super) build: String,
    /// pip's version.
    pub(super) pip: Option<String>,
    pub(super) venv: bool,
    pub(super) ensurepip: bool,
}

// === impl Interpreters ===

impl Interpreters {
    /// [`Interpreter::find`], at most once at a time and every few seconds.
    pub(super) async fn find(
        &self,
        asked: Option<&str>,
        tools: &Tools,
    ) -> Result<Interpreter, EnvironmentError> {
        let mut found = self.0.lock().await;
        let key = asked.map(str::to_owned);
        if let Some((since, interpreter)) = found.get(&key)
            && since.elapsed() < FRESH
            && interpreter.executable.exists()
        {
            return Ok(interpreter.clone());
        }
        let interpreter = Interpreter::find(asked, tools).await?;
        found.insert(key, (Instant::now(), interpreter.clone()));
        Ok(interpreter)
    }
}

// === impl Interpreter ===

impl Interpreter {
    /// Finds the one asked for: a path, a program on `PATH`, or a version such as `3.12`. Without
    /// one, the first `python3` or `python` on `PATH` that will do.
    pub(super) async fn find(
        asked: Option<&str>,
        tools: &Tools,
    ) -> Result<Interpreter, EnvironmentError> {
        let wanted = asked.filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
        let names = match (asked, wanted) {
            (Some(path), None) if path.contains('/') => {
                return Interpreter::at(Path::new(path), tools).await;
            }
            (_, Some(version)) => vec![format!("python{version}"), "python3".to_owned()],
            (Some(name), None) => vec![name.to_owned()],
            (None, None) => vec!["python3".to_owned(), "python".to_owned()],
        };
        let mut first_problem = None;
        for program in names.iter().flat_map(|name| tools.find_all(name)) {
            match Interpreter::at(&program, tools).await {
                Ok(found) if wanted.is_none_or(|version| found.is(version)) => return Ok(found),
                Ok(_) => {}
                Err(error) => first_problem = first_problem.or(Some(error)),
            }
        }
        if let (Some(version), Some(uv)) = (wanted, tools.uv())
            && let Some(found) = known_to_uv(version, uv, tools).await
        {
            return Ok(found);
        }
        Err(
            first_problem.unwrap_or_else(|| EnvironmentError::InterpreterMissing {
                asked: asked.unwrap_or("python3").to_owned(),
                looked: format!("{} on PATH", names.join(" and ")),
            }),
        )
    }

    /// The interpreter at this path.
    pub(super) async fn at(path: &Path, tools: &Tools) -> Result<Interpreter, EnvironmentError> {
        if !path.exists() {
            return Err(EnvironmentError::Missing {
                what: "Python interpreter",
                path: path.to_owned(),
            });
        }
        let mut command = tools.command(path);
        command.current_dir("/");
        command.args(["-I", "-c", include_str!("probe.py")]);
        let answer = answer(command, PATIENCE).await;
        let bytes = answer.map_err(|error| does_not_run(path, &error))?;
        let found: Interpreter =
            serde_json::from_slice(&bytes).map_err(|_| EnvironmentError::InterpreterBroken {
                python: path.to_owned(),
                words: format!("it answered \"{}\"", excerpt(&bytes)),
            })?;
        if found.version[..2] < OLDEST[..] {
            return Err(EnvironmentError::InterpreterTooOld {
                python: path.to_owned(),
                version: found.version(),
            });
        }
        Ok(found)
    }

    /// Its version, as `3.11.7`.
    pub(super) fn version(&self) -> String {
        self.version.map(|part| part.to_string()).join(".")
    }

    /// Whether its pip can install into another environment (`--python`, since 22.3).
    pub(super) fn pip_reaches_out(&self) -> bool {
        let mut parts = self.pip.iter().flat_map(|version| version.split('.'));
        let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        (number(), number()) >= (22u32, 3u32)
    }

    fn is(&self, version: &str) -> bool {
        let own = self.version();
        own == version
            || own
                .strip_prefix(version)
                .is_some_and(|rest| rest.starts_with('.'))
    }
}

async fn known_to_uv(version: &str, uv: &Path, tools: &Tools) -> Option<Interpreter> {
    let mut command = tools.uv_command(uv, &std::env::temp_dir());
    command
        .current_dir("/")
        .args(["python", "find", "--no-project", "--no-cache", version]);
    let bytes = answer(command, PATIENCE).await.ok()?;
    let path = String::from_utf8(bytes).ok()?;
    let found = Interpreter::at(Path::new(path.trim()), tools).await.ok()?;
    found.is(version).then_some(found)
}

fn does_not_run(path: &Path, error: &io::Error) -> EnvironmentError {
    let words = error.to_string();
    // Python 2 does not know the option.
    if words.contains("Unknown option: -I") {
        return EnvironmentError::InterpreterTooOld {
            python: path.to_owned(),
            version: "2".to_owned(),
        };
    }
    EnvironmentError::InterpreterBroken {
        python: path.to_owned(),
        words,
    }
}

fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::environment::testing::program;

    fn tools(path: &Path) -> Tools {
        Tools::with_variables([("PATH".into(), path.into())])
    }

    fn says(version: [u32; 3]) -> String {
        let answer = serde_json::json!({
            "executable": "/x/python", "version": version, "build": "b", "pip": null,
            "venv": true, "ensurepip": false,
        });
        format!("echo '{answer}'")
    }

    #[tokio::test]
    async fn a_version_is_found_also_when_the_program_has_a_plain_name() {
        let directory = tempfile::tempdir().expect("a directory");
        program(directory.path(), "python3", &says([3, 12, 1]));
        let found = Interpreter::find(Some("3.12"), &tools(directory.path())).await;
        assert_eq!(found.expect("3.12").version(), "3.12.1");
        let error = Interpreter::find(Some("3.1"), &tools(directory.path())).await;
        let text = error.expect_err("3.12 is not 3.1").to_string();
        assert!(
            text.contains("no Python interpreter 3.1; looked for python3.1 and python3"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_broken_one_is_passed_over_and_named_when_there_is_no_other() {
        let directory = tempfile::tempdir().expect("a directory");
        program(directory.path(), "python3", "echo it hurts >&2; exit 1");
        let error = Interpreter::find(None, &tools(directory.path())).await;
        let text = error.expect_err("broken").to_string();
        assert!(text.contains("python3 does not work: it hurts"), "{text}");
        program(directory.path(), "python", &says([3, 9, 0]));
        let found = Interpreter::find(None, &tools(directory.path())).await;
        assert_eq!(found.expect("python").version(), "3.9.0");
    }

    #[tokio::test]
    async fn old_ones_and_things_that_are_no_python_are_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        program(directory.path(), "old", &says([3, 8, 18]));
        program(
            directory.path(),
            "two",
            "echo 'Unknown option: -I' >&2; exit 2",
        );
        program(directory.path(), "other", "echo hello");
        for (name, part) in [
            ("old", "is version 3.8.18; connectors need 3.9"),
            ("two", "is version 2; connectors need 3.9"),
            ("other", "it answered \"hello"),
            ("nothing", "no Python interpreter nothing"),
            ("/no/where", "no Python interpreter at /no/where"),
        ] {
            let error = Interpreter::find(Some(name), &tools(directory.path())).await;
            let text = error.expect_err(name).to_string();
            assert!(text.contains(part), "{text}");
        }
    }

    #[tokio::test]
    async fn connectors_that_ask_for_the_same_share_the_answer() {
        let directory = tempfile::tempdir().expect("a directory");
        let asked = directory.path().join("asked");
        let answer = says([3, 12, 1]).replace("/x/python", &asked.to_string_lossy());
        let script = format!("echo >> {}; {answer}", asked.display());
        program(directory.path(), "python3", &script);
        let (interpreters, tools) = (Interpreters::default(), tools(directory.path()));
        let clone = interpreters.clone();
        let (one, two) = tokio::join!(interpreters.find(None, &tools), clone.find(None, &tools));
        assert_eq!(one.expect("one").version(), two.expect("two").version());
        let times = std::fs::read_to_string(&asked).expect("a file").len();
        assert_eq!(times, 1);
    }

    #[test]
    fn only_a_new_pip_reaches_into_another_environment() {
        for (pip, reaches) in [
            (Some("22.3"), true),
            (Some("23.2.1"), true),
            (Some("22.2.2"), false),
            (None, false),
        ] {
            let interpreter = Interpreter {
                executable: PathBuf::new(),
                version: [3, 9, 0],
                build: String::new(),
                pip: pip.map(str::to_owned),
                venv: true,
                ensurepip: true,
            };
            assert_eq!(interpreter.pip_reaches_out(), reaches, "{pip:?}");
        }
    }
}
