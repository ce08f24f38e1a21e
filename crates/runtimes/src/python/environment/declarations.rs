//! What a project, or a single file, says that it depends on. Nothing of it is run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::error::EnvironmentError;
use super::poetry;

/// Files in which a project says what it depends on.
pub(super) const FILES: [&str; 4] = [
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "requirements.txt",
];

/// What is to be installed for a project before its source can be used.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dependencies {
    /// Requirements, as pip takes them.
    pub(super) requirements: Vec<String>,
    /// Requirement files, which the tool reads itself.
    pub(super) files: Vec<PathBuf>,
    /// Nothing but a program (`setup.py`, a build backend) knows them: the project itself is
    /// installed.
    pub(super) only_by_building: bool,
}

// === impl Dependencies ===

impl Dependencies {
    /// Reads those of the project at `root`: from `[project]`, Poetry's table, `setup.cfg`,
    /// `requirements.txt`, whichever is the first that says something. None is a good answer too.
    pub(super) fn of_project(root: &Path) -> Result<Dependencies, EnvironmentError> {
        let pyproject = read_toml(&root.join("pyproject.toml"))?;
        if let Some(found) = from_pyproject(&pyproject, root)? {
            return Ok(found);
        }
        if let Some(text) = read(&root.join("setup.cfg"))?
            && let Some(found) = from_setup_cfg(&text, root)
        {
            return Ok(found);
        }
        let file = root.join("requirements.txt");
        Ok(Dependencies {
            only_by_building: !file.exists() && root.join("setup.py").exists(),
            files: Some(file)
                .filter(|file| file.exists())
                .into_iter()
                .collect(),
            ..Dependencies::default()
        })
    }

    /// Reads the block of inline metadata (PEP 723) of a single file.
    pub(super) fn of_script(file: &Path) -> Result<Dependencies, EnvironmentError> {
        let text = read(file)?.ok_or_else(|| EnvironmentError::Missing {
            what: "file",
            path: file.to_owned(),
        })?;
        let Some(block) = inline_metadata(&text) else {
            return Ok(Dependencies::default());
        };
        let table: Table = block.parse().map_err(|error| wrong(file, &error))?;
        let requirements = texts(table.get("dependencies"), file)?;
        Ok(Dependencies {
            requirements,
            ..Dependencies::default()
        })
    }
}

fn from_pyproject(table: &Table, root: &Path) -> Result<Option<Dependencies>, EnvironmentError> {
    let file = root.join("pyproject.toml");
    if let Some(project) = table.get("project").and_then(Value::as_table) {
        if project.contains_key("dependencies") {
            let requirements = texts(project.get("dependencies"), &file)?;
            return Ok(Some(only(requirements)));
        }
        if texts(project.get("dynamic"), &file)?.contains(&"dependencies".to_owned()) {
            return Ok(Some(dynamic(table, root)));
        }
    }
    let tool = |name: &str| table.get("tool")?.get(name)?.as_table();
    if let Some(poetry) = tool("poetry") {
        let entries = poetry.get("dependencies").and_then(Value::as_table);
        let entries = entries
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name != "python");
        let each = entries.map(|(name, value)| poetry::requirements(name, value, root));
        let lists: Result<Vec<_>, _> = each.collect();
        let lists = lists.map_err(|reason| wrong(&file, &reason))?;
        return Ok(Some(only(lists.concat())));
    }
    // A project without dependencies need not write an empty list.
    Ok(table.contains_key("project").then(Dependencies::default))
}

/// Setuptools may name files; any other backend has to be run.
fn dynamic(table: &Table, root: &Path) -> Dependencies {
    let tool = table.get("tool").and_then(|tool| tool.get("setuptools"));
    let value = tool.and_then(|tool| tool.get("dynamic")?.get("dependencies")?.get("file"));
    let names: Vec<&str> = match value {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    Dependencies {
        only_by_building: names.is_empty(),
        files: names.into_iter().map(|name| root.join(name)).collect(),
        ..Dependencies::default()
    }
}

/// `install_requires` of the section `[options]`: its lines, or the files that it names.
fn from_setup_cfg(text: &str, root: &Path) -> Option<Dependencies> {
    let mut section = "";
    let mut found: Option<Vec<String>> = None;
    let mut inside = false;
    for line in text.lines() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if inside && line.starts_with([' ', '\t']) {
            found.get_or_insert_default().push(content.to_owned());
            continue;
        }
        inside = false;
        if content.starts_with('[') {
            section = content;
        } else if let Some((key, value)) = content.split_once('=')
            && section == "[options]"
            && key.trim() == "install_requires"
        {
            inside = true;
            let value = Some(value.trim()).filter(|value| !value.is_empty());
            found
                .get_or_insert_default()
                .extend(value.map(str::to_owned));
        }
    }
    let lines = found?;
    let Some(files) = lines.first().and_then(|first| first.strip_prefix("file:")) else {
        return Some(only(lines));
    };
    Some(Dependencies {
        files: files
            .split(',')
            .map(|name| root.join(name.trim()))
            .collect(),
        ..Dependencies::default()
    })
}

/// The text between `# /// script` and `# ///`.
fn inline_metadata(text: &str) -> Option<String> {
    let mut lines = text
        .lines()
        .skip_while(|line| line.trim_end() != "# /// script")
        .skip(1);
    let mut block = String::new();
    loop {
        let line = lines.next()?.trim_end();
        if line == "# ///" {
            return Some(block);
        }
        let content = line.strip_prefix('#')?;
        block.push_str(content.strip_prefix(' ').unwrap_or(content));
        block.push('\n');
    }
}

fn only(requirements: Vec<String>) -> Dependencies {
    Dependencies {
        requirements,
        ..Dependencies::default()
    }
}

fn texts(value: Option<&Value>, file: &Path) -> Result<Vec<String>, EnvironmentError> {
    match value {
        None => Ok(Vec::new()),
        Some(value) => value
            .clone()
            .try_into()
            .map_err(|error| wrong(file, &error)),
    }
}

pub(super) fn read_toml(file: &Path) -> Result<Table, EnvironmentError> {
    let text = read(file)?.unwrap_or_default();
    text.parse().map_err(|error| wrong(file, &error))
}

/// The file's text, or None when there is no such file.
fn read(file: &Path) -> Result<Option<String>, EnvironmentError> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EnvironmentError::io("reading", file)(error)),
    }
}

fn wrong(file: &Path, reason: &dyn std::fmt::Display) -> EnvironmentError {
    EnvironmentError::Declaration {
        file: file.to_owned(),
        reason: reason.to_string().trim_end().to_owned(),
    }
}

#[cfg(test)]
#[path = "declarations_tests.rs"]
mod tests;
