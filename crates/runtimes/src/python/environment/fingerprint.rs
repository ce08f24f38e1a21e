//! Digests by which environments are kept, and by which a change of code is noticed.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::project::display_name;

/// A digest of fields, each with its length, so that no two lists of fields look alike.
#[derive(Default)]
pub(super) struct Digest(Sha256);

/// What may change under an environment in use: code that is used from source, declarations, and
/// what others install into a ready environment.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched {
    /// What stays the same as long as the environment does.
    pub(super) salt: String,
    /// Files that count with their content, present or not.
    pub(super) files: Vec<PathBuf>,
    /// Directories on `sys.path`: their modules and packages count.
    pub(super) import_roots: Vec<PathBuf>,
    /// Packages: everything in them counts.
    pub(super) packages: Vec<PathBuf>,
    /// `site-packages`: names and times of what is installed count.
    pub(super) sites: Vec<PathBuf>,
}

/// Larger files count with size and time instead of their content.
const LARGE: u64 = 1024 * 1024;

/// Deeper directories do not count; a link may lead back up.
const DEEPEST: usize = 16;

/// Endings of files that editors, programs and Python itself leave beside code.
const NO_CODE: [&str; 6] = [".pyc", ".pyo", ".log", ".tmp", ".swp", "~"];

// === impl Digest ===

impl Digest {
    /// Adds a field.
    pub(super) fn add(&mut self, field: impl AsRef<[u8]>) -> &mut Digest {
        let field = field.as_ref();
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
        self
    }

    /// The digest as 32 hexadecimal digits.
    pub(super) fn finish(self) -> String {
        let bytes = self.0.finalize();
        bytes[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Adds a file's content. One that cannot be read counts as that.
    fn add_file(&mut self, path: &Path) {
        let Ok(mut file) = fs::File::open(path) else {
            self.add("unreadable");
            return;
        };
        let mut content = Sha256::new();
        let mut chunk = [0; 64 * 1024];
        while let Ok(count @ 1..) = file.read(&mut chunk) {
            content.update(&chunk[..count]);
        }
        self.add(content.finalize());
    }

    /// Adds names and contents of what is below a directory.
    fn add_tree(&mut self, directory: &Path, depth: usize, counts: &dyn Fn(&Path, &str) -> bool) {
        for (name, path) in sorted(directory) {
            if !counts(&path, &name) {
                continue;
            }
            let Ok(meta) = path.metadata() else { continue };
            self.add(&name);
            if !meta.is_dir() {
                self.add_entry(&path, &meta);
            } else if depth < DEEPEST {
                self.add("{");
                self.add_tree(&path, depth + 1, &is_content);
                self.add("}");
            }
        }
    }

    fn add_entry(&mut self, path: &Path, meta: &fs::Metadata) {
        // Opening a pipe would wait for its writer.
        if meta.is_file() && meta.len() <= LARGE {
            self.add_file(path);
        } else {
            self.add(format!(
                "{} {} {}",
                meta.len(),
                meta.mtime(),
                meta.mtime_nsec()
            ));
        }
    }
}

// === impl Watched ===

impl Watched {
    /// The fingerprint of everything watched, as it is now. Reads files, so it blocks.
    pub(super) fn digest(&self) -> String {
        let mut digest = Digest::default();
        digest.add(&self.salt);
        for file in &self.files {
            digest.add(file.as_os_str().as_encoded_bytes());
            digest.add_file(file);
        }
        for root in &self.import_roots {
            digest.add(root.as_os_str().as_encoded_bytes());
            digest.add_tree(root, 0, &is_importable);
        }
        for package in &self.packages {
            digest.add(package.as_os_str().as_encoded_bytes());
            digest.add_tree(package, 0, &is_content);
        }
        for site in &self.sites {
            add_site(&mut digest, site);
        }
        digest.finish()
    }
}

/// The digest of a file's content, or of everything in a directory.
pub(super) fn content(path: &Path) -> String {
    let mut digest = Digest::default();
    if path.is_dir() {
        digest.add_tree(path, 0, &is_content);
    } else {
        digest.add_file(path);
    }
    digest.finish()
}

/// What installing, upgrading and removing touch.
fn add_site(digest: &mut Digest, site: &Path) {
    for (name, path) in sorted(site) {
        let installed = [".dist-info", ".egg-info", ".egg-link", ".pth"];
        if !installed.iter().any(|suffix| name.ends_with(suffix)) && display_name(&name).is_none() {
            continue;
        }
        digest.add(&name);
        if let Ok(meta) = path.metadata() {
            digest.add(format!("{} {}", meta.mtime(), meta.mtime_nsec()));
        }
    }
}

/// Directly below an entry of `sys.path`: modules, packages, and connectors that lack their
/// `__init__.py`. A project has much else in its root.
fn is_importable(path: &Path, name: &str) -> bool {
    match path.is_dir() {
        true => {
            is_content(path, name)
                && (display_name(name).is_some() || path.join("__init__.py").exists())
        }
        false => name.ends_with(".py"),
    }
}

fn is_content(path: &Path, name: &str) -> bool {
    let hidden = name.starts_with('.') || ["__pycache__", "node_modules"].contains(&name);
    !hidden
        && !NO_CODE.iter().any(|suffix| name.ends_with(suffix))
        && !path.join("pyvenv.cfg").exists()
}

fn sorted(directory: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let named = entries.map(|entry| {
        (
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
        )
    });
    let mut all: Vec<(String, PathBuf)> = named.collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    #[test]
    fn code_and_data_of_a_package_count_and_leavings_do_not() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path();
        write(root, "connector_a/commands/one.py", "1");
        write(root, "connector_a/template.html", "1");
        let watched = Watched {
            import_roots: vec![root.to_owned()],
            ..Watched::default()
        };
        let mut last = watched.digest();
        for (name, text, counts) in [
            ("connector_a/commands/one.py", "2", true),
            ("connector_a/template.html", "2", true),
            ("connector_a/commands/two.py", "", true),
            ("connector_b/__init__.py", "", true),
            ("connector_c/commands/x.py", "", true),
            ("helper.py", "", true),
            ("library/__init__.py", "", true),
            ("connector_a/__pycache__/one.pyc", "x", false),
            ("connector_a/run.log", "x", false),
            ("connector_a/.one.py.swp", "x", false),
            (".git/HEAD", "x", false),
            ("docs/index.md", "x", false),
            ("README.md", "x", false),
            (".venv/pyvenv.cfg", "", false),
            ("env/pyvenv.cfg", "", false),
            ("env/__init__.py", "", false),
        ] {
            write(root, name, text);
            let now = watched.digest();
            assert_eq!(now != last, counts, "{name}");
            last = now;
        }
        fs::remove_file(root.join("helper.py")).expect("removed");
        assert_ne!(watched.digest(), last);
    }

    #[test]
    fn a_file_that_appears_counts() {
        let root = tempfile::tempdir().expect("a directory");
        let watched = Watched {
            files: vec![root.path().join("pyproject.toml")],
            ..Watched::default()
        };
        let before = watched.digest();
        write(root.path(), "pyproject.toml", "");
        assert_ne!(watched.digest(), before);
    }

    #[test]
    fn a_link_to_its_own_parent_ends() {
        let root = tempfile::tempdir().expect("a directory");
        write(root.path(), "connector_a/__init__.py", "");
        std::os::unix::fs::symlink(root.path(), root.path().join("connector_a/up"))
            .expect("a link");
        assert_eq!(content(root.path()), content(root.path()));
    }

    #[test]
    fn fields_do_not_run_together() {
        let digest = |fields: &[&str]| {
            let mut digest = Digest::default();
            for field in fields {
                digest.add(field);
            }
            digest.finish()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_eq!(digest(&["ab"]).len(), 32);
    }
}
