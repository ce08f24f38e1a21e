//! The master key: 32 random bytes as one line of base64, in a file that its owner alone can read.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::Generate;
use zeroize::Zeroizing;

/// The key that everything sealed opens with.
pub(crate) struct MasterKey(Zeroizing<[u8; 32]>);

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No file, where none may be made.
    #[error(
        "there is no master key at {}: {advice}",
        path.display()
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// The file is there and cannot be read, or not be made.
    #[error("reading the master key at {}: {source}", path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{} is not a master key: it must hold 32 bytes as one line of base64; restore it from a \
         copy",
        .0.display()
    )]
    Malformed(PathBuf),
    /// The ledger was sealed with another key.
    #[error(
        "the ledger was sealed with another master key than the one at {}: restore the one that \
         belongs to this ledger, or begin a new ledger; nothing was changed",
        .0.display()
    )]
    Wrong(PathBuf),
}

/// What to do when the ledger already holds sealed values.
pub(crate) const RESTORE: &str =
    "the ledger was sealed with one, restore it from a copy, or begin a new ledger";

/// What to do where several processes need the same key.
pub(crate) const PROVIDE: &str = "with PostgreSQL every replica needs the same one, so none is made; \
     make one with `head -c 32 /dev/urandom | base64`, and give it to all replicas as a file that \
     only their user can read";

// === impl MasterKey ===

impl MasterKey {
    #[cfg(test)]
    pub(crate) fn of(bytes: [u8; 32]) -> MasterKey {
        MasterKey(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads the key. None when there is no file.
    pub(crate) fn read(path: &Path) -> Result<Option<MasterKey>, KeyError> {
        let text = match fs::read(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(unreadable(path, source)),
        };
        warn_if_others_can_read(path);
        let malformed = || KeyError::Malformed(path.to_owned());
        // Decoding needs room for the padding that it then takes away.
        let mut bytes = Zeroizing::new([0; 36]);
        let len = STANDARD
            .decode_slice(text.trim_ascii(), &mut *bytes)
            .map_err(|_| malformed())?;
        let key = bytes[..len].try_into().map_err(|_| malformed())?;
        Ok(Some(MasterKey(Zeroizing::new(key))))
    }

    /// Makes a key file, unless somebody else was faster; then theirs is read.
    pub(crate) fn create(path: &Path) -> Result<MasterKey, KeyError> {
        write_new(path).map_err(|source| unreadable(path, source))?;
        MasterKey::read(path)?.ok_or_else(|| KeyError::Missing {
            path: path.to_owned(),
            advice: RESTORE,
        })
    }
}

/// Written elsewhere and linked to its place, so that nobody ever sees half a key.
fn write_new(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    let directory = directory.unwrap_or(Path::new("."));
    let bytes = Zeroizing::new(<[u8; 32]>::generate());
    let mut text = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
    text.push('\n');
    // Made for this user alone.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => fs::File::open(directory)?.sync_all(),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

fn warn_if_others_can_read(path: &Path) {
    let others = fs::metadata(path).is_ok_and(|file| {
        // Where the key belongs to somebody else, as secrets of Kubernetes do, its group is how this
        // user can read it.
        let own = fs::metadata("/proc/self").map_or(true, |own| own.uid() == file.uid());
        let others = if own { 0o077 } else { 0o007 };
        file.permissions().mode() & others != 0
    });
    if others {
        tracing::warn!(
            path = %path.display(),
            "Others than its owner can read the master key: run chmod 600 on it."
        );
    }
}

fn unreadable(path: &Path, source: io::Error) -> KeyError {
    KeyError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        assert!(MasterKey::read(&path).unwrap().is_none());
        let made = MasterKey::create(&path).unwrap();
        let again = MasterKey::create(&path).unwrap();
        assert_eq!(made.bytes(), again.bytes());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!((text.len(), text.ends_with("=\n")), (45, true));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn many_who_make_one_at_once_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let made: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| *MasterKey::create(&path).unwrap().bytes()))
                .collect();
            made.into_iter().map(|key| key.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn what_is_not_a_key_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        for text in ["", "short", "hunter2 hunter2", &"A".repeat(200)] {
            fs::write(&path, text).unwrap();
            let error = MasterKey::create(&path).err().unwrap().to_string();
            assert!(error.contains("master.key is not a master key"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
