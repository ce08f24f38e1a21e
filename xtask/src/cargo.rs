//! Asking cargo: where things are, and to build them.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The workspace as `cargo metadata` tells it.
pub(crate) struct Workspace {
    /// The top of the repository.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    /// The metadata itself, without packages from elsewhere.
    pub(crate) metadata: Value,
}

// === impl Workspace ===

impl Workspace {
    /// Asks cargo.
    pub(crate) fn read() -> Result<Workspace> {
        // Cargo runs this program in whatever folder the person is in.
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let output = Command::new(program())
            .args([
                "metadata",
                "--format-version",
                "1",
                "--no-deps",
                "--manifest-path",
            ])
            .arg(manifest)
            .stderr(Stdio::inherit())
            .output()
            .context("running cargo metadata")?;
        ensure!(output.status.success(), "cargo metadata failed");
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
        let path = |key: &str| {
            let path = metadata[key]
                .as_str()
                .with_context(|| format!("cargo names no {key}"))?;
            anyhow::Ok(PathBuf::from(path))
        };
        Ok(Workspace {
            root: path("workspace_root")?,
            target: path("target_directory")?,
            metadata,
        })
    }

    /// A cargo command at the top of the repository, free of what `cargo run` told this program
    /// about itself: a build script that sees those variables change is run again.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// Builds everything just as `cargo test --workspace` needs it, so that nothing is built
    /// twice; returns the program `name`.
    pub(crate) fn build_all(&self, name: &str) -> Result<PathBuf> {
        self.build(&["build", "--workspace", "--all-targets"], name)
    }

    /// Builds the program of the package `name`, and nothing else.
    pub(crate) fn debug(&self, name: &str) -> Result<PathBuf> {
        self.build(&["build", "--package", name], name)
    }

    /// Builds the program of the package `name` for release, with the features its users get.
    pub(crate) fn release(&self, name: &str) -> Result<PathBuf> {
        self.build(&["build", "--release", "--package", name], name)
    }

    /// Builds the example `name` of a package for release.
    pub(crate) fn release_example(&self, package: &str, name: &str) -> Result<PathBuf> {
        let arguments = [
            "build",
            "--release",
            "--package",
            package,
            "--example",
            name,
        ];
        self.build(&arguments, name)
    }

    fn build(&self, arguments: &[&str], name: &str) -> Result<PathBuf> {
        let output = self
            .cargo(arguments)
            .arg("--message-format=json-render-diagnostics")
            .stderr(Stdio::inherit())
            .output()
            .context("running cargo build")?;
        if !output.status.success() {
            bail!("cargo {} failed", arguments.join(" "));
        }
        let mut programs = programs(&String::from_utf8_lossy(&output.stdout))?;
        programs
            .remove(name)
            .with_context(|| format!("no program `{name}` was built"))
    }
}

/// Runs `command` with its output visible; anything but success is an error.
pub(crate) fn visibly(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("running {name}"))?;
    ensure!(
        status.success(),
        "{} ended with {status}",
        described(command)
    );
    Ok(())
}

fn described(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

/// The cargo that runs us, so that a chosen toolchain stays chosen.
fn program() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Finds the programs among cargo's messages, one JSON object a line. Test programs, which carry
/// the same name, are left out.
fn programs(messages: &str) -> Result<BTreeMap<String, PathBuf>> {
    let mut programs = BTreeMap::new();
    for line in messages.lines() {
        let message: Value = serde_json::from_str(line).context("reading cargo's messages")?;
        let kind = &message["target"]["kind"][0];
        let is_program =
            (kind == "bin" || kind == "example") && message["profile"]["test"] == false;
        if let (true, Some(path), Some(name)) = (
            is_program,
            message["executable"].as_str(),
            message["target"]["name"].as_str(),
        ) {
            programs.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_their_tests_and_from_libraries() {
        let messages = [
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"l"},"profile":{"test":false},"executable":null}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"p"},"profile":{"test":true},"executable":"deps/p-1"}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"p"},"profile":{"test":false},"executable":"debug/p"}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ];
        let found = programs(&messages.join("\n")).unwrap();
        assert_eq!(
            found,
            BTreeMap::from([("p".to_owned(), PathBuf::from("debug/p"))])
        );
    }

    #[test]
    fn a_command_that_fails_is_quoted() {
        let error = visibly(Command::new("sh").args(["-c", "exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("sh -c exit 3 ended with") && error.contains('3'),
            "{error}"
        );
    }
}
