//! The worker's own code, which is part of this binary, and where it is kept.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

type Files = &'static [(&'static str, &'static str)];

macro_rules! files {
    ($folder:literal: $($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../../../../python/", $folder, "/", $name)))),*]
    };
}

/// The files of `python/worker/crosspoint_worker`.
const FILES: Files = files!["worker/crosspoint_worker":
    "__init__.py",
    "__main__.py",
    "adapter_actions.py",
    "adapter_answers.py",
    "adapter_context.py",
    "adapter_errors.py",
    "adapter_list.py",
    "adapter_places.py",
    "adapter_source.py",
    "adapters.py",
    "answers.py",
    "calls.py",
    "channel.py",
    "config.py",
    "current.py",
    "describe.py",
    "discovery.py",
    "docstrings.py",
    "failures.py",
    "flask_host.py",
    "hints.py",
    "loop.py",
    "main.py",
    "output.py",
    "packages.py",
    "pool.py",
    "process.py",
    "schema.py",
    "threads.py",
    "values.py",
    "wire.py",
];

/// The files of `python/automate-connectors/automate_connectors`, which adapters of Django Automate
/// import.
const AUTOMATE: Files = files!["automate-connectors/automate_connectors":
    "__init__.py",
    "_alone.py",
    "_harness.py",
    "_redaction.py",
    "_slack_api.py",
    "adapters/__init__.py",
    "adapters/base.py",
    "adapters/logging.py",
    "adapters/slack.py",
    "context.py",
    "entry_points.py",
    "errors.py",
    "models.py",
    "profiles.py",
    "registry.py",
    "testing.py",
    "types.py",
];

/// Writes the code to `<folder>/worker-<hash>/crosspoint_worker`, what is missing or changed of it,
/// and gives that path, which is what the interpreter has to run. Each file appears whole, so that
/// several processes may do this at once.
pub(super) fn write(folder: &Path) -> io::Result<PathBuf> {
    let home = std::path::absolute(folder)?.join(format!("worker-{}", hash()));
    let package = home.join("crosspoint_worker");
    write_all(&package, FILES)?;
    write_all(&own_package(&package).join("automate_connectors"), AUTOMATE)?;
    Ok(package)
}

/// The folder, beside the worker's code, from which adapters import our `automate_connectors`.
pub(super) fn own_package(worker: &Path) -> PathBuf {
    worker.with_file_name("automate")
}

fn write_all(package: &Path, files: Files) -> io::Result<()> {
    for (name, text) in files {
        let place = package.join(name);
        if fs::read(&place).is_ok_and(|there| there == text.as_bytes()) {
            continue;
        }
        let folder = place.parent().unwrap_or(package);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(&place)?;
    }
    Ok(())
}

/// Sixteen hexadecimal digits that tell versions of the code apart.
fn hash() -> String {
    let mut hash = Sha256::new();
    for (name, text) in FILES.iter().chain(AUTOMATE) {
        for part in [name, text] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
    }
    let hash = hash.finalize();
    hash.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn source() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python/worker/crosspoint_worker")
    }

    #[test]
    fn every_file_of_the_worker_is_in_the_binary() {
        let there = fs::read_dir(source()).unwrap();
        let there = there.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let there: BTreeSet<_> = there.filter(|name| name != "__pycache__").collect();
        let listed: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(there, listed);
    }

    #[test]
    fn the_code_is_written_once_and_mended_when_it_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let package = write(&folder.path().join("data/python")).unwrap();
        let main = package.join("__main__.py");
        let written = fs::metadata(&main).unwrap().modified().unwrap();
        fs::write(package.join("__init__.py"), "broken").unwrap();

        assert_eq!(write(&folder.path().join("data/python")).unwrap(), package);
        assert_eq!(fs::metadata(&main).unwrap().modified().unwrap(), written);
        let mended = fs::read_to_string(package.join("__init__.py")).unwrap();
        assert_eq!(
            mended,
            fs::read_to_string(source().join("__init__.py")).unwrap()
        );
    }

    #[test]
    fn nobody_else_can_read_or_change_it() {
        let folder = tempfile::tempdir().unwrap();
        let package = write(&folder.path().join("python")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&package), 0o700);
        assert_eq!(mode(&package.join("__main__.py")), 0o600);
    }
}
