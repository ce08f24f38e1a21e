//! The Node packages of the tests: installed once, kept as long as what is wanted stays the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::needs::quietly;
use crate::python::silently;

/// Succeeds on a Node that is new enough for the official SDK.
const NEW_ENOUGH: &str = "process.exit(process.versions.node.split('.')[0] < 18 ? 1 : 0)";

/// Whether Node and npm are there and new enough.
pub(crate) fn is_there() -> bool {
    quietly("node", &["-e", NEW_ENOUGH]) && quietly("npm", &["--version"])
}

/// A folder of the repository with a `package.json`, as it is built in `target`.
pub(crate) struct Package {
    /// The folder's files that are needed.
    pub(crate) files: &'static [&'static str],
    /// Where they are, from the root of the repository.
    pub(crate) folder: &'static str,
    /// What the copy is called.
    pub(crate) name: &'static str,
    /// Whether it has a script `build`.
    pub(crate) builds: bool,
}

/// Copies each package into a folder below `target`, installs what it needs and builds it, unless
/// that was done with the same files. Returns the folder.
pub(crate) fn packages(root: &Path, target: &Path, packages: &[Package]) -> Result<PathBuf> {
    for package in packages {
        provide(root, &target.join(package.name), package)?;
    }
    Ok(target.to_owned())
}

fn provide(root: &Path, folder: &Path, package: &Package) -> Result<()> {
    let mut wanted = String::new();
    let read = |file: &str| {
        let path = root.join(package.folder).join(file);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    };
    for file in package.files {
        wanted += &read(file)?;
    }
    let stamp = folder.join("made-from.txt");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        eprintln!("  reusing {}", folder.display());
        return Ok(());
    }
    eprintln!("  making {}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    for file in package.files {
        fs::write(folder.join(file), read(file)?)?;
    }
    let install = ["install", "--no-package-lock", "--no-audit", "--no-fund"];
    silently(Command::new("npm").args(install).current_dir(folder))?;
    if package.builds {
        silently(
            Command::new("npm")
                .args(["run", "build"])
                .current_dir(folder),
        )?;
    }
    fs::write(&stamp, wanted)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_is_not_there_is_named() {
        let package = Package {
            files: &["package.json"],
            folder: "no/such/folder",
            name: "x",
            builds: false,
        };
        let error = packages(Path::new("/repository"), Path::new("nowhere"), &[package]);
        let text = error.unwrap_err().to_string();
        assert_eq!(text, "reading /repository/no/such/folder/package.json");
    }
}
