//! `crosspoint new`: writes the beginning of a connector.

mod mcp;
mod openapi;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use crosspoint_core::is_connector_name;

pub use self::mcp::mcp;
pub use self::openapi::openapi;
use crate::cli::NewPythonArgs;

/// A file: where it goes, and its text.
type File = (&'static str, &'static str);

/// The files of a Python connector: where each goes, and its text. `{{name}}` is the connector's
/// name, `{{package}}` the same as Python writes it, `{{path}}` the project's folder.
const PYTHON: &[File] = &[
    ("pyproject.toml", include_str!("new/python/pyproject.toml")),
    ("README.md", include_str!("new/python/README.md")),
    ("src/connector_{{package}}/__init__.py", ""),
    ("src/connector_{{package}}/commands/__init__.py", ""),
    (
        "src/connector_{{package}}/commands/greet.py",
        include_str!("new/python/greet.py"),
    ),
    (
        "tests/test_greet.py",
        include_str!("new/python/test_greet.py"),
    ),
];

/// Writes a Python connector that runs and has a test.
pub fn python(args: NewPythonArgs) -> Result<ExitCode> {
    let name = args.name.strip_prefix("connector-").unwrap_or(&args.name);
    check_name(name)?;
    let package = name.replace('-', "_");
    let folder = args
        .path
        .unwrap_or_else(|| PathBuf::from(format!("connector-{name}")));
    let path = shown(&folder);
    let fill = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{package}}", &package)
            .replace("{{path}}", &path)
    };
    write_all(&folder, PYTHON, fill)?;
    println!("Wrote {path}. Next:\n");
    println!("  (cd {path} && PYTHONPATH=src python3 -m unittest discover -s tests)\n");
    println!("and, to serve it, two lines in crosspoint.toml:\n");
    println!("  [connectors.{name}]\n  python = \"{path}\"\n");
    println!("then: crosspoint call {name}/Greet name=Ada");
    Ok(ExitCode::SUCCESS)
}

fn check_name(name: &str) -> Result<()> {
    ensure!(
        is_connector_name(name) && name.starts_with(|c: char| c.is_ascii_alphabetic()),
        "'{name}' cannot name a connector: begin with a letter, then letters, digits, '_' and '-'"
    );
    Ok(())
}

/// Writes files into a folder that is not there yet. `fill` puts names into their paths and texts.
fn write_all<'f>(
    folder: &Path,
    files: impl IntoIterator<Item = &'f File>,
    fill: impl Fn(&str) -> String,
) -> Result<()> {
    ensure!(
        !folder.exists(),
        "{} is there already: name another place with --path",
        folder.display()
    );
    for (file, text) in files {
        write(&folder.join(fill(file)), &fill(text))?;
    }
    Ok(())
}

/// As it is written in the configuration: a path that cannot be taken for a requirement.
fn shown(folder: &Path) -> String {
    let text = folder.display().to_string();
    match folder.is_absolute() || text.starts_with('.') {
        true => text,
        false => format!("./{text}"),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let shown = || format!("writing {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(shown)?;
    }
    fs::write(path, text).with_context(shown)
}
