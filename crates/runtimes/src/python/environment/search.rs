//! Where adapters of Django Automate are to be looked for in an environment.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use toml::{Table, Value};

use super::declarations;
use super::error::EnvironmentError;

/// The names of the groups of entry points that adapters are declared in.
const GROUPS: [&str; 2] = ["automate.connectors", "django_automate.connectors"];

/// Where adapters are looked for. Only what was asked for is: never what it depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Search {
    /// Everything that is installed.
    pub all: bool,
    /// Distributions, by their names.
    pub distributions: Vec<String>,
    /// Folders of projects that are installed because nothing else knows what they need.
    pub projects: Vec<PathBuf>,
    /// Entry points that a project declares which is used from source: name and value.
    pub declared: Vec<(String, String)>,
    /// Import roots of projects without any, whose modules may register adapters.
    pub roots: Vec<PathBuf>,
    /// Modules that register adapters when they are imported.
    pub modules: Vec<String>,
    /// Single files.
    pub files: Vec<PathBuf>,
}

// === impl Search ===

impl Search {
    /// Adds the project at `root`, and gives its import root: `src/` where there is one with Python
    /// code in it, the parent where the folder is a package itself, else the folder.
    pub(super) fn add_project(&mut self, root: &Path) -> Result<PathBuf, EnvironmentError> {
        let src = root.join("src");
        let import_root = match (
            has_code(&src),
            root.join("__init__.py").exists(),
            root.parent(),
        ) {
            (true, ..) => src,
            (false, true, Some(parent)) => parent.to_owned(),
            _ => root.to_owned(),
        };
        let declared = entry_points(&declarations::read_toml(&root.join("pyproject.toml"))?);
        match declared.is_empty() {
            // A package's own folder: what lies beside it was not asked for.
            true if import_root != root && !import_root.starts_with(root) => {
                self.roots.push(root.to_owned());
            }
            true => self.roots.push(import_root.clone()),
            false => self.declared.extend(declared),
        }
        Ok(import_root)
    }
}

/// Those of `[project.entry-points."automate.connectors"]` and of Poetry's plugins.
fn entry_points(table: &Table) -> Vec<(String, String)> {
    let of_project = table
        .get("project")
        .and_then(|project| project.get("entry-points"));
    let poetry = table.get("tool").and_then(|tool| tool.get("poetry"));
    let of_poetry = poetry.and_then(|poetry| poetry.get("plugins"));
    let tables = [of_project, of_poetry].into_iter().flatten();
    let groups = tables.flat_map(|table| GROUPS.iter().filter_map(|group| table.get(group)));
    let entries = groups.filter_map(Value::as_table).flatten();
    let mut found = Vec::new();
    for (name, value) in entries {
        let entry = value.as_str().map(|value| (name.clone(), value.to_owned()));
        found.extend(entry.filter(|entry| !found.contains(entry)));
    }
    found
}

/// Whether a module or a package lies in a folder.
fn has_code(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.any(|path| {
        path.extension().is_some_and(|ending| ending == "py") || path.join("__init__.py").exists()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn entry_points_of_both_groups_and_of_poetry_count_once() {
        let text = r#"
            [project]
            name = "x"
            [project.entry-points."automate.connectors"]
            one = "a.b:One"
            [project.entry-points."django_automate.connectors"]
            one = "a.b:One"
            two = "a.b:Two"
            [project.entry-points."other"]
            three = "a.b:Three"
            [tool.poetry.plugins."automate.connectors"]
            four = "a.b:Four"
        "#;
        let root = project(&[("pyproject.toml", text), ("src/a/__init__.py", "")]);
        let mut search = Search::default();
        let import_root = search.add_project(root.path()).unwrap();
        assert_eq!(import_root, root.path().join("src"));
        let names: Vec<_> = search
            .declared
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["one", "two", "four"]);
        assert!(search.roots.is_empty());
    }

    #[test]
    fn without_any_the_modules_of_the_project_are_looked_at() {
        let root = project(&[("adapters.py", ""), ("src/readme.txt", "")]);
        let mut search = Search::default();
        assert_eq!(search.add_project(root.path()).unwrap(), root.path());
        assert_eq!(search.roots, [root.path()]);
        let package = project(&[("mine/__init__.py", "")]);
        let mut search = Search::default();
        let mine = package.path().join("mine");
        assert_eq!(search.add_project(&mine).unwrap(), package.path());
        assert_eq!(search.roots, [mine]);
    }
}
