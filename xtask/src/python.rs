//! The Python environment of the tests: made once, kept as long as its requirements stay the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::needs::quietly;

/// Interpreters to try. The second one is what the system's package installs, which helps where
/// another Python comes first and lacks a part.
const INTERPRETERS: &[&str] = &["python3", "/usr/bin/python3"];

/// Succeeds on an interpreter that can make an environment for us.
const ABLE: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))";

/// An interpreter that can make virtual environments with pip.
pub(crate) fn find() -> Option<&'static str> {
    INTERPRETERS
        .iter()
        .copied()
        .find(|python| quietly(python, &["-c", ABLE]))
}

/// Makes the environment `folder` with all `requirements` files, or reuses it; returns its
/// interpreter. What pip says is shown only when it fails.
pub(crate) fn environment(folder: &Path, requirements: &[PathBuf]) -> Result<PathBuf> {
    let mut wanted = String::new();
    for file in requirements {
        wanted +=
            &fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    }
    let python = folder.join("bin").join("python");
    let stamp = folder.join("made-from.txt");
    // The interpreter is asked too: its environment breaks when the system's Python moves on.
    let same = fs::read_to_string(&stamp).is_ok_and(|made| made == wanted);
    if same && quietly(&python.to_string_lossy(), &["-c", "import pip"]) {
        eprintln!("  reusing {}", folder.display());
        return Ok(python);
    }
    eprintln!("  making {}", folder.display());
    let base = find().context("finding a Python that can make environments")?;
    silently(
        Command::new(base)
            .args(["-m", "venv", "--clear"])
            .arg(folder),
    )?;
    silently(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--no-input",
            ])
            .args(requirements.iter().flat_map(|file| [Path::new("-r"), file])),
    )?;
    fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(python)
}

/// Runs a command and shows what it printed only when it fails.
pub(crate) fn silently(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("running {name}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    bail!(
        "{name} ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&said).trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_printed_is_shown_when_it_fails() {
        silently(Command::new("sh").args(["-c", "echo fine"])).unwrap();
        let script = "echo one; echo two >&2; exit 4";
        let error = silently(Command::new("sh").args(["-c", script]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("one\ntwo") && error.contains('4'), "{error}");
    }

    #[test]
    fn requirements_that_are_not_there_are_named() {
        let missing = [PathBuf::from("no-such-requirements.txt")];
        let error = environment(Path::new("nowhere"), &missing);
        assert_eq!(
            error.unwrap_err().to_string(),
            "reading no-such-requirements.txt"
        );
    }
}
