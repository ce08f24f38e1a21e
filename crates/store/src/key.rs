//! The master key: 32 random bytes as one line of base64, in a file that its owner alone can read.
//!
//! While it is being replaced the file has several lines: the first key seals, and the others open
//! what was not sealed anew yet.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::Generate;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// The key that everything sealed opens with.
pub(crate) struct MasterKey(Zeroizing<[u8; 32]>);

/// The keys of a file.
pub(crate) struct Keys {
    /// What seals.
    pub(crate) current: MasterKey,
    /// What opens what is older.
    pub(crate) others: Vec<MasterKey>,
}

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
    /// Everybody on this machine can read it.
    #[error(
        "everybody on this machine can read the master key at {}: {fix}",
        path.display()
    )]
    Exposed {
        /// Where it is.
        path: PathBuf,
        /// What to do.
        fix: String,
    },
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

    fn new() -> MasterKey {
        MasterKey(Zeroizing::new(<[u8; 32]>::generate()))
    }

    /// From a line of base64.
    fn of_line(line: &[u8]) -> Option<MasterKey> {
        // Decoding needs room for the padding that it then takes away.
        let mut bytes = Zeroizing::new([0; 36]);
        let len = STANDARD.decode_slice(line.trim_ascii(), &mut *bytes).ok()?;
        let key = bytes[..len].try_into().ok()?;
        Some(MasterKey(Zeroizing::new(key)))
    }

    fn line(&self) -> Zeroizing<String> {
        let mut line = Zeroizing::new(STANDARD.encode(self.0.as_slice()));
        line.push('\n');
        line
    }
}

// === impl Keys ===

impl Keys {
    /// Reads the keys. None when there is no file.
    pub(crate) fn read(path: &Path) -> Result<Option<Keys>, KeyError> {
        let text = match fs::read(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(unreadable(path, source)),
        };
        refuse_if_exposed(path)?;
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.trim_ascii().is_empty());
        let keys: Option<Vec<_>> = lines.map(MasterKey::of_line).collect();
        let mut keys = keys.into_iter().flatten();
        let current = keys
            .next()
            .ok_or_else(|| KeyError::Malformed(path.to_owned()))?;
        Ok(Some(Keys {
            current,
            others: keys.collect(),
        }))
    }

    /// Makes a key file, unless somebody else was faster; then theirs is read.
    pub(crate) fn create(path: &Path) -> Result<Keys, KeyError> {
        let made = staged(path, &[&MasterKey::new()]);
        let made = made.and_then(|(file, folder)| match file.persist_noclobber(path) {
            Ok(_) => fs::File::open(folder)?.sync_all(),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        });
        made.map_err(|source| unreadable(path, source))?;
        Keys::read(path)?.ok_or_else(|| KeyError::Missing {
            path: path.to_owned(),
            advice: RESTORE,
        })
    }

    /// These with a new one before them, not written yet.
    pub(crate) fn with_new(self) -> Keys {
        let others = std::iter::once(self.current).chain(self.others);
        Keys {
            current: MasterKey::new(),
            others: others.collect(),
        }
    }

    /// Writes the file anew, `all` the keys or the current one alone. Fails where that is not
    /// possible, and then it is as it was.
    pub(crate) fn write(&self, path: &Path, all: bool) -> io::Result<()> {
        // A link stays one.
        let path = fs::canonicalize(path)?;
        let others = self.others.iter().filter(|_| all);
        let keys: Vec<_> = std::iter::once(&self.current).chain(others).collect();
        let (file, folder) = staged(&path, &keys)?;
        file.persist(&path).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()
    }
}

/// A file beside the place where the keys belong, so that nobody ever sees half a key there; and the
/// directory of both.
fn staged(path: &Path, keys: &[&MasterKey]) -> io::Result<(NamedTempFile, PathBuf)> {
    let folder = path.parent().filter(|parent| *parent != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    // Made for this user alone.
    let mut file = NamedTempFile::new_in(&folder)?;
    for key in keys {
        file.write_all(key.line().as_bytes())?;
    }
    file.as_file().sync_all()?;
    Ok((file, folder))
}

fn refuse_if_exposed(path: &Path) -> Result<(), KeyError> {
    let file = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    let own = fs::metadata("/proc/self").map_or(true, |own| own.uid() == file.uid());
    let mode = file.permissions().mode();
    let shown = path.display();
    if mode & 0o007 != 0 {
        let fix = match own {
            true => format!("run `chmod 600 {shown}`, and make a new one if anybody may have"),
            // Secrets of Kubernetes are so.
            false => format!(
                "its owner must run `chmod o= {shown}`; for a secret of Kubernetes set its \
                 defaultMode to 0440 and the fsGroup of the pod"
            ),
        };
        let path = path.to_owned();
        return Err(KeyError::Exposed { path, fix });
    }
    // Where the key belongs to somebody else, its group is how this user can read it.
    if own && mode & 0o070 != 0 {
        tracing::warn!(path = %shown, "Others than its owner can read the master key: run chmod 600 on it.");
    }
    Ok(())
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
        assert!(Keys::read(&path).unwrap().is_none());
        let made = Keys::create(&path).unwrap();
        let again = Keys::create(&path).unwrap();
        assert_eq!(made.current.bytes(), again.current.bytes());
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
                .map(|_| scope.spawn(|| *Keys::create(&path).unwrap().current.bytes()))
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
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = Keys::create(&path).err().unwrap().to_string();
            assert!(error.contains("master.key is not a master key"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn while_it_is_replaced_the_file_has_both_keys_and_then_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("master.key"), folder.path().join("link"));
        let first = Keys::create(&path).unwrap();
        std::os::unix::fs::symlink("master.key", &link).unwrap();
        let old = *first.current.bytes();
        let both = first.with_new();
        both.write(&link, true).unwrap();
        let read = Keys::read(&path).unwrap().unwrap();
        assert_eq!(read.current.bytes(), both.current.bytes());
        assert_eq!((read.others.len(), read.others[0].bytes()), (1, &old));
        both.write(&link, false).unwrap();
        let read = Keys::read(&link).unwrap().unwrap();
        assert!(read.others.is_empty() && read.current.bytes() == both.current.bytes());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_everybody_can_read_is_refused_with_the_fix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        Keys::create(&path).unwrap();
        let allow = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for mode in [0o644, 0o604, 0o602] {
            allow(mode);
            let error = Keys::read(&path).err().unwrap().to_string();
            assert!(error.contains("`chmod 600 "), "{error}");
        }
        for mode in [0o600, 0o400, 0o640] {
            allow(mode);
            assert!(Keys::read(&path).is_ok(), "{mode:o}");
        }
    }
}
