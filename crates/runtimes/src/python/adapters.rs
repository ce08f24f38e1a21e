//! Finding the adapters of Django Automate in an environment.
//!
//! Entry points are read from what is installed. Adapters that register themselves are known once
//! their modules are imported, which a process of its own does: `crosspoint_worker --adapters`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use super::code;
use super::environment::Search;
use super::program::AdapterClass;

/// How often the search begins anew after a module that ended it.
const MOST_CRASHES: usize = 20;

/// An adapter that was found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// The name that it goes by: that of the entry point or the registration, else its own.
    pub name: String,
    /// Where its class is.
    #[serde(flatten)]
    pub class: AdapterClass,
}

/// A line that the search prints.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    /// An adapter.
    Adapter(Finding),
    /// What cannot be used, as a sentence.
    Problem(String),
    /// A module that is imported next.
    Importing(String),
    /// Everything has been looked at.
    Done(IgnoredAny),
}

/// In which surroundings adapters are looked for: those in which they will run.
pub struct Surroundings {
    /// The folder where the worker's code is kept.
    pub code: PathBuf,
    /// All variables of the process.
    pub env: Vec<(OsString, OsString)>,
    /// What goes in front of the interpreter's own path.
    pub import_path: Vec<PathBuf>,
    /// Where the process begins. Default: at the root.
    pub directory: Option<PathBuf>,
    /// How long the search may take.
    pub patience: Duration,
}

/// The adapters of the environment of an interpreter, and sentences about those that cannot be had.
pub async fn find(
    python: &Path,
    search: &Search,
    surroundings: &Surroundings,
) -> Result<(Vec<Finding>, Vec<String>), String> {
    let Surroundings {
        env, import_path, ..
    } = surroundings;
    let worker = written(&surroundings.code).await?;
    let mut skip: Vec<String> = Vec::new();
    let mut crashes = Vec::new();
    loop {
        let asked = json!({"search": search, "import_path": import_path, "skip": skip});
        let mut command = Command::new(python);
        command.arg(&worker).arg("--adapters");
        command
            .current_dir(surroundings.directory.as_deref().unwrap_or(Path::new("/")))
            .env_clear()
            .envs(env.iter().map(|(name, value)| (name, value)));
        let printed = run(command, asked.to_string(), surroundings.patience).await;
        let printed = printed.map_err(|error| format!("looking for adapters: {error}"))?;
        let lines = printed
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let (mut found, mut problems, mut at, mut done) = (Vec::new(), Vec::new(), None, false);
        for line in lines {
            match line {
                Line::Adapter(finding) => found.push(finding),
                Line::Problem(problem) => problems.push(problem),
                Line::Importing(module) => at = Some(module),
                Line::Done(_) => done = true,
            }
        }
        match at {
            _ if done => {
                problems.splice(0..0, crashes);
                return Ok((found, problems));
            }
            Some(module) if skip.len() < MOST_CRASHES => {
                crashes.push(format!(
                    "{module}: importing it ended the process, or did not come to an end"
                ));
                skip.push(module);
            }
            _ => {
                return Err(
                    "looking for adapters: the process ended before it was through".to_owned(),
                );
            }
        }
    }
}

/// The folder from which adapters import our own `automate_connectors`, written where it is not there.
/// `code` is the folder where the worker's code is kept.
pub async fn own_package(code: &Path) -> Result<PathBuf, String> {
    written(code).await.map(|worker| code::own_package(&worker))
}

async fn written(folder: &Path) -> Result<PathBuf, String> {
    let folder = folder.to_owned();
    let written = tokio::task::spawn_blocking(move || code::write(&folder)).await;
    written
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|error| format!("writing the worker's code: {error}"))
}

/// What a process prints that is asked by its standard input. One that takes too long is ended, and
/// what it has printed counts. (Its standard error goes nowhere: what it has to say, it prints.)
async fn run(mut command: Command, asked: String, patience: Duration) -> std::io::Result<String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let mut printed = Vec::new();
    let talk = async {
        if let Some(mut stdin) = stdin {
            // One that reads nothing has ended, which shows in what it prints.
            let _ = stdin.write_all(asked.as_bytes()).await;
        }
        if let Some(mut stdout) = stdout {
            let _ = stdout.read_to_end(&mut printed).await;
        }
    };
    let _ = timeout(patience, talk).await;
    if let Some(pid) = child
        .id()
        .and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
    {
        // Whatever it started goes with it.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    child.wait().await?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}
