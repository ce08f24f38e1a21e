//! Finding the connectors of a directory that is used from source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::EnvironmentError;

/// A connector that an environment offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its display name: the package's without `connector_`, a single file's without `.py`.
    pub name: String,
    /// What a worker loads.
    pub code: Code,
}

/// What a worker loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// A top-level package, such as `connector_crm`.
    Module(String),
    /// A single file.
    File(PathBuf),
}

/// The beginning of every connector package's name.
pub(super) const PREFIX: &str = "connector_";

/// A directory's connectors.
#[derive(Debug)]
pub(super) struct Project {
    /// What goes in front of `sys.path`: `src/`, the directory itself, or its parent when the
    /// directory is the package.
    pub(super) import_root: PathBuf,
    /// Names of packages, sorted.
    pub(super) modules: Vec<String>,
}

// === impl Found ===

impl Found {
    /// A package; None when its name is not one of a connector.
    pub(super) fn module(module: &str) -> Option<Found> {
        let name = display_name(module)?;
        Some(Found {
            name: name.to_owned(),
            code: Code::Module(module.to_owned()),
        })
    }

    /// A single file. A name with the prefix loses it.
    pub(super) fn file(path: &Path) -> Found {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Found {
            name: display_name(&stem).unwrap_or(&stem).to_owned(),
            code: Code::File(path.to_owned()),
        }
    }
}

// === impl Project ===

impl Project {
    /// Looks for `connector_*` directories in `src/`, then in the root; one deeper is not found.
    /// A package without `__init__.py` counts, so that the worker can name the reason.
    pub(super) fn find(root: &Path) -> Result<Project, EnvironmentError> {
        let src = root.join("src");
        for import_root in [src.as_path(), root] {
            let modules = modules_in(import_root);
            if !modules.is_empty() {
                return Ok(Project {
                    import_root: import_root.to_owned(),
                    modules,
                });
            }
        }
        let own = root
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let is_package = root.join("__init__.py").exists() || root.join("commands").is_dir();
        if let (Some(_), true, Some(parent)) = (display_name(own), is_package, root.parent()) {
            return Ok(Project {
                import_root: parent.to_owned(),
                modules: vec![own.to_owned()],
            });
        }
        Err(EnvironmentError::NoConnector {
            asked: root.display().to_string(),
            looked: format!("{} and in {}", src.display(), root.display()),
            there: there(root, &src),
        })
    }
}

/// The display name of a package of connectors.
pub(super) fn display_name(module: &str) -> Option<&str> {
    let name = module.strip_prefix(PREFIX)?;
    let identifier = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (identifier && !name.is_empty()).then_some(name)
}

fn modules_in(directory: &Path) -> Vec<String> {
    let names = entries(directory).into_iter();
    let modules = names.filter(|name| display_name(name).is_some());
    modules
        .filter(|name| directory.join(name).is_dir())
        .collect()
}

fn there(root: &Path, src: &Path) -> String {
    let mut names = entries(root);
    names.extend(entries(src).into_iter().map(|name| format!("src/{name}")));
    let names: Vec<String> = names
        .into_iter()
        .filter(|name| !name.trim_start_matches("src/").starts_with(['.', '_']))
        .take(20)
        .collect();
    match names.is_empty() {
        true => "The directory is empty".to_owned(),
        false => format!("There is: {}", names.join(", ")),
    }
}

/// Sorted names; none when the directory cannot be read.
fn entries(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(directories: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        for directory in directories {
            fs::create_dir_all(root.path().join(directory)).expect("a directory");
        }
        root
    }

    #[test]
    fn src_is_looked_into_before_the_root_and_nothing_deeper() {
        let root = tree(&[
            "src/connector_b/connector_x",
            "src/connector_a",
            "connector_c",
            "src/connector_a.egg-info",
        ]);
        let project = Project::find(root.path()).expect("a project");
        assert_eq!(project.modules, ["connector_a", "connector_b"]);
        assert_eq!(project.import_root, root.path().join("src"));
        let root = tree(&["connector_c", "src/other"]);
        let project = Project::find(root.path()).expect("a project");
        assert_eq!(project.modules, ["connector_c"]);
        assert_eq!(project.import_root, root.path());
    }

    #[test]
    fn the_package_itself_may_be_named() {
        let root = tree(&["connector_c/commands"]);
        let project = Project::find(&root.path().join("connector_c")).expect("a package");
        assert_eq!(project.import_root, root.path());
    }

    #[test]
    fn what_is_there_instead_is_listed() {
        let root = tree(&["src/crm", ".git", "docs"]);
        let error = Project::find(root.path()).expect_err("nothing").to_string();
        assert!(error.contains("There is: docs, src, src/crm"), "{error}");
        assert!(error.contains("begins with connector_"), "{error}");
        let empty = tree(&[]);
        let error = Project::find(empty.path())
            .expect_err("nothing")
            .to_string();
        assert!(error.contains("The directory is empty"), "{error}");
    }

    #[test]
    fn names_lose_their_prefix() {
        assert_eq!(
            Found::module("connector_postgres_v2").expect("one").name,
            "postgres_v2"
        );
        assert_eq!(Found::module("connector_"), None);
        assert_eq!(Found::file(Path::new("/x/crm.py")).name, "crm");
        assert_eq!(Found::file(Path::new("/x/connector_crm.py")).name, "crm");
    }
}
