//! Locks between processes: one builds at a time, and nobody removes what another one uses.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

const AGAIN: Duration = Duration::from_millis(50);

/// The right to build and to remove in a directory. Ends with the value, and with the process.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// Says that an environment is in use, as long as the value lives.
#[derive(Debug)]
pub(super) struct Lease {
    file: File,
}

const LOCK: &str = "lock";
const LEASE: &str = "lease";

// === impl Lock ===

impl Lock {
    /// Makes the directory and waits for the lock; `waiting` is called once when it is not free.
    pub(super) async fn acquire(directory: &Path, waiting: impl FnOnce()) -> io::Result<Lock> {
        let mut waiting = Some(waiting);
        loop {
            if let Some(lock) = Lock::try_acquire(directory)? {
                return Ok(lock);
            }
            if let Some(waiting) = waiting.take() {
                waiting();
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The lock if it is free.
    pub(super) fn try_acquire(directory: &Path) -> io::Result<Option<Lock>> {
        fs::create_dir_all(directory)?;
        let path = directory.join(LOCK);
        let file = match File::options().create(true).append(true).open(&path) {
            Ok(file) => file,
            // Removed with its directory between the two steps.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever removes the directory holds the lock of a file that is then no longer there.
        let same = fs::metadata(&path).is_ok_and(|meta| {
            let own = file.metadata();
            own.is_ok_and(|own| (own.dev(), own.ino()) == (meta.dev(), meta.ino()))
        });
        Ok(same.then_some(Lock { file }))
    }
}

// === impl Lease ===

impl Lease {
    /// Makes the file that leases are taken on.
    pub(super) fn prepare(directory: &Path) -> io::Result<()> {
        File::create(directory.join(LEASE)).map(|_| ())
    }

    /// Takes a lease and notes the time of use. None when the directory was removed meanwhile.
    /// Works on a file system that cannot be written.
    pub(super) async fn take(directory: &Path) -> io::Result<Option<Lease>> {
        let path = directory.join(LEASE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        loop {
            match file.try_lock_shared() {
                Ok(()) => break,
                // Only for as long as a directory takes to be renamed.
                Err(TryLockError::WouldBlock) => tokio::time::sleep(AGAIN).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        let _ = file.set_modified(SystemTime::now());
        Ok(path.exists().then_some(Lease { file }))
    }

    /// The right to remove what nobody has a lease on; None when somebody has.
    pub(super) fn end(directory: &Path) -> Option<Lease> {
        let path = directory.join(LEASE);
        // Without the file nobody can have a lease, and making it harms nobody.
        let made = || File::options().create(true).append(true).open(&path);
        let file = File::open(&path).or_else(|_| made()).ok()?;
        file.try_lock().ok()?;
        Some(Lease { file })
    }

    /// When a lease was taken last.
    pub(super) fn last_taken(directory: &Path) -> Option<SystemTime> {
        fs::metadata(directory.join(LEASE)).ok()?.modified().ok()
    }
}

/// Said aloud, since closing the file is not enough at once: a process that is just being started
/// elsewhere in this one holds it, too, until it runs its program.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_has_the_lock_and_the_other_says_once_that_it_waits() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("new");
        let first = Lock::acquire(&path, || panic!("it is free"))
            .await
            .expect("a lock");
        let waits = AtomicUsize::new(0);
        let second = Lock::acquire(&path, || {
            waits.fetch_add(1, Ordering::SeqCst);
        });
        tokio::pin!(second);
        let early = tokio::time::timeout(AGAIN * 4, &mut second).await;
        assert!(early.is_err());
        drop(first);
        second.await.expect("a lock");
        assert_eq!(waits.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_lock_whose_directory_was_removed_is_no_lock() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x");
        let held = Lock::try_acquire(&path).expect("no error").expect("free");
        fs::remove_dir_all(&path).expect("removed");
        let second = Lock::try_acquire(&path).expect("no error");
        assert!(second.is_some(), "the new file is another one");
        drop(held);
    }

    #[tokio::test]
    async fn what_is_leased_cannot_be_ended() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        assert!(Lease::take(path).await.expect("no error").is_none());
        Lease::prepare(path).expect("a file");
        let one = Lease::take(path).await.expect("no error");
        let two = Lease::take(path).await.expect("no error");
        assert!(one.is_some() && two.is_some());
        drop(one);
        assert!(Lease::end(path).is_none());
        drop(two);
        assert!(Lease::end(path).is_some());
    }
}
