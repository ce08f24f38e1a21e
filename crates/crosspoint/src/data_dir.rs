//! The data directory, and the lock that keeps two servers from sharing it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A data directory that this process alone serves from. Given free when dropped, or when the
/// process ends in whatever way.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory cannot be served from.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error(
        "{0} is in use by another `crosspoint serve`: stop that one, or set data_dir \
         (CROSSPOINT_DATA_DIR) to a directory of its own"
    )]
    Taken(String),
    /// It cannot be made, or not be written.
    #[error("opening the data directory {0}: {1}")]
    Unusable(String, #[source] io::Error),
}

// === impl DataDir ===

impl DataDir {
    /// Makes the directory, for this user alone, and locks it.
    pub fn open(path: &Path) -> Result<DataDir, DataDirError> {
        let shown = || path.display().to_string();
        let lock = create(path)
            .and_then(|()| lock_file(path))
            .map_err(|error| DataDirError::Unusable(shown(), error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataDirError::Taken(shown())),
            Err(TryLockError::Error(error)) => {
                return Err(DataDirError::Unusable(shown(), error));
            }
        }
        // For people who look; nothing reads it.
        let _ = lock
            .set_len(0)
            .and_then(|()| writeln!(&lock, "{}", std::process::id()));
        Ok(DataDir {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes a directory that only this user can read, with those above it.
pub fn create(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path.join("serve.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused_until_the_first_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let first = DataDir::open(&path).unwrap();
        let error = DataDir::open(&path).unwrap_err();
        assert!(matches!(error, DataDirError::Taken(_)), "{error}");
        assert!(error.to_string().contains("CROSSPOINT_DATA_DIR"));
        drop(first);
        assert_eq!(DataDir::open(&path).unwrap().path(), path);
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let error = DataDir::open(&file.join("below")).unwrap_err();
        assert!(matches!(error, DataDirError::Unusable(..)), "{error}");
        assert!(error.to_string().contains("file/below"), "{error}");
    }
}
