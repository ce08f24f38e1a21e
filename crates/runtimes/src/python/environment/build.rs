//! Making an environment: with uv, with venv and the interpreter's pip, or with venv and its own.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::command::{Finished, answer, run};
use super::error::EnvironmentError;
use super::interpreter::PATIENCE;
use super::plan::Plan;
use super::progress::Progress;
use super::tools::Tools;

/// An environment to be made.
pub(super) struct Build<'a> {
    pub(super) plan: &'a Plan,
    pub(super) tools: &'a Tools,
    /// Where uv keeps what it fetched.
    pub(super) cache: PathBuf,
    /// Where it is made; nothing is there yet.
    pub(super) directory: PathBuf,
    /// Where it will be used.
    pub(super) destination: PathBuf,
    /// Whether indexes and repositories are asked again for what the cache knows.
    pub(super) refresh: bool,
    pub(super) progress: &'a dyn Progress,
}

/// A tool that did not manage.
struct Gave {
    tool: String,
    words: String,
    /// Whether it is worth trying another one.
    another_may: bool,
}

/// Parts of uv's words when it could not reach or read its index, which pip may have other
/// settings for. What an index does not have, pip would not find in it either.
const OUT_OF_REACH: [&str; 7] = [
    "Failed to fetch",
    "Request failed",
    "error sending request",
    "tcp connect",
    "invalid peer certificate",
    "dns error",
    "Unauthorized",
];

const DISK_FULL: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

// === impl Build ===

impl Build<'_> {
    /// Makes it; gives the tool's name and version. On failure, and when the future is dropped,
    /// something half made may be left in the directory, and no process.
    pub(super) async fn run(&self) -> Result<String, EnvironmentError> {
        if let Some(uv) = self.tools.uv() {
            match self.with_uv(uv).await? {
                Ok(tool) => return Ok(tool),
                Err(gave) if gave.another_may && self.lacks().is_none() => {
                    let reason = gave.words.lines().last().unwrap_or_default().trim();
                    let version = &gave.tool;
                    self.step(&format!(
                        "{version} gave up ({reason}); trying venv and pip"
                    ));
                    self.clear()?;
                }
                Err(gave) => return Err(self.failure(gave)),
            }
        }
        match self.lacks() {
            Some(lacks) => Err(EnvironmentError::NoTool {
                python: self.plan.interpreter.executable.clone(),
                lacks,
            }),
            None => self.with_pip().await?.map_err(|gave| self.failure(gave)),
        }
    }

    /// Makes another one in the same place.
    pub(super) async fn again(&self, plan: &Plan) -> Result<String, EnvironmentError> {
        self.clear()?;
        let another = Build {
            plan,
            cache: self.cache.clone(),
            directory: self.directory.clone(),
            destination: self.destination.clone(),
            ..*self
        };
        another.run().await
    }

    async fn with_uv(&self, uv: &Path) -> Result<Result<String, Gave>, EnvironmentError> {
        let mut command = self.tools.uv_command(uv, &self.cache);
        command.arg("--version");
        let version = answer(placed(command, Path::new("/")), PATIENCE).await;
        let version = version.map_err(EnvironmentError::io("starting", uv))?;
        let version = String::from_utf8_lossy(&version);
        let tool = version
            .split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ");

        self.step(&self.making(&tool));
        let mut command = self.tools.uv_command(uv, &self.cache);
        command.args(["venv", "--relocatable", "--no-project", "--python"]);
        command
            .arg(&self.plan.interpreter.executable)
            .arg(&self.directory);
        let made = self.start(uv, command).await?;
        if !made.success {
            return Ok(Err(gave(&tool, made, |_| true)));
        }
        if !self.plan.is_bare() {
            self.step(&self.installing(&tool));
            let told = self.tools.for_uv(&self.pip_config().await);
            let mut command = self.tools.uv_command(uv, &self.cache);
            command
                .envs(told.variables)
                .args(["pip", "install", "--python"]);
            command.arg(self.python()).args(told.options);
            command.args(self.refresh.then_some("--refresh"));
            let installed = self.start(uv, self.requirements(command)).await?;
            if !installed.success {
                return Ok(Err(gave(&tool, installed, |words| {
                    OUT_OF_REACH.iter().any(|part| words.contains(part))
                })));
            }
        }
        Ok(Ok(tool))
    }

    async fn with_pip(&self) -> Result<Result<String, Gave>, EnvironmentError> {
        let interpreter = &self.plan.interpreter;
        let reaches_out = interpreter.pip_reaches_out();
        let own = !reaches_out && !self.plan.is_bare();
        let tool = match &interpreter.pip {
            Some(version) if reaches_out => format!("pip {version}"),
            _ => "venv".to_owned(),
        };
        self.step(&self.making(&tool));
        let mut command = self.tools.command(&interpreter.executable);
        command.args(["-I", "-m", "venv"]);
        command
            .args((!own).then_some("--without-pip"))
            .arg(&self.directory);
        let made = self.start(&interpreter.executable, command).await?;
        if !made.success {
            return Ok(Err(gave(&tool, made, |_| false)));
        }
        if !self.plan.is_bare() {
            self.step(&self.installing(&tool));
            let program = if own {
                self.python()
            } else {
                interpreter.executable.clone()
            };
            let mut command = self.tools.command(&program);
            command.args(["-I", "-m", "pip"]);
            if !own {
                command.arg("--python").arg(self.python());
            }
            command.args([
                "install",
                "--progress-bar",
                "off",
                "--no-warn-script-location",
            ]);
            let installed = self.start(&program, self.requirements(command)).await?;
            if !installed.success {
                return Ok(Err(gave(&tool, installed, |_| false)));
            }
        }
        self.point_scripts_at_destination()?;
        Ok(Ok(tool))
    }

    /// What the interpreter lacks for making an environment without uv.
    fn lacks(&self) -> Option<&'static str> {
        let interpreter = &self.plan.interpreter;
        let installs = interpreter.pip_reaches_out() || interpreter.ensurepip;
        match (interpreter.venv, installs || self.plan.is_bare()) {
            (false, _) => Some("no venv module"),
            (true, false) => Some("neither pip nor ensurepip"),
            (true, true) => None,
        }
    }

    fn requirements(&self, mut command: Command) -> Command {
        for file in &self.plan.files {
            command.arg("-r").arg(file);
        }
        command.arg("--").args(&self.plan.requirements);
        command
    }

    async fn start(&self, program: &Path, command: Command) -> Result<Finished, EnvironmentError> {
        // pip resolves what a requirement file names from where it runs, uv from the file.
        let beside = self.plan.files.first().and_then(|file| file.parent());
        let place = beside.or(self.directory.parent()).unwrap_or(Path::new("/"));
        let finished = run(placed(command, place), self.progress).await;
        finished.map_err(EnvironmentError::io("starting", program))
    }

    /// The settings in pip's files, when nothing else says where the index is.
    async fn pip_config(&self) -> String {
        let interpreter = &self.plan.interpreter;
        if interpreter.pip.is_none() || !self.tools.index_is_unknown() {
            return String::new();
        }
        let mut command = self.tools.command(&interpreter.executable);
        command.args(["-I", "-m", "pip", "config", "list"]);
        let listed = answer(placed(command, Path::new("/")), PATIENCE).await;
        let listed = listed.unwrap_or_default();
        String::from_utf8_lossy(&listed).into_owned()
    }

    /// Scripts hold the path of their interpreter. uv's find it beside themselves.
    fn point_scripts_at_destination(&self) -> Result<(), EnvironmentError> {
        let scripts = self.directory.join("bin");
        let (from, to) = (
            self.directory.to_string_lossy(),
            self.destination.to_string_lossy(),
        );
        let entries = fs::read_dir(&scripts).map_err(EnvironmentError::io("reading", &scripts))?;
        for script in entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        {
            let path = script.path();
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            if text.contains(&*from) {
                let text = text.replace(&*from, &to);
                fs::write(&path, text).map_err(EnvironmentError::io("writing", &path))?;
            }
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), EnvironmentError> {
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(EnvironmentError::io("removing", &self.directory)(error))
            }
            _ => Ok(()),
        }
    }

    fn failure(&self, gave: Gave) -> EnvironmentError {
        let asked = self.plan.asked.clone();
        match is_disk_full(&gave.words) {
            true => EnvironmentError::DiskFull {
                asked,
                directory: self.destination.clone(),
            },
            false => EnvironmentError::Unresolvable {
                asked,
                tool: gave.tool,
                words: gave.words,
            },
        }
    }

    fn python(&self) -> PathBuf {
        self.directory.join("bin/python")
    }

    fn making(&self, tool: &str) -> String {
        let version = self.plan.interpreter.version();
        format!("making a Python {version} environment with {tool}")
    }

    fn installing(&self, tool: &str) -> String {
        format!(
            "installing {} with {tool}",
            self.plan.installed().join(", ")
        )
    }

    fn step(&self, text: &str) {
        self.progress.step(text);
    }
}

fn gave(tool: &str, finished: Finished, another_may: impl Fn(&str) -> bool) -> Gave {
    Gave {
        tool: tool.to_owned(),
        another_may: !is_disk_full(&finished.words) && another_may(&finished.words),
        words: finished.words,
    }
}

fn is_disk_full(words: &str) -> bool {
    DISK_FULL.iter().any(|part| words.contains(part))
}

fn placed(mut command: Command, place: &Path) -> Command {
    command.current_dir(place);
    command
}
