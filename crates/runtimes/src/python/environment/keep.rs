//! What is kept on disk: generations of environments, begun, completed, listed and removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use super::error::EnvironmentError;
use super::lock::{Lease, Lock};
use super::meta::Meta;

/// A complete environment on disk, with a lease on it.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) directory: PathBuf,
    pub(super) meta: Meta,
    pub(super) lease: Lease,
}

/// An environment that is kept, as `crosspoint env list` shows it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Where it is.
    pub directory: PathBuf,
    /// The hash of what was asked for.
    pub hash: String,
    /// Counts upgrades, from 1.
    pub generation: u32,
    /// What was installed on request, without credentials. Empty for Python alone.
    pub asked: Vec<String>,
    /// The interpreter's version, as `3.11.7`.
    pub python: String,
    /// What it was made with, such as `uv 0.13.9`.
    pub tool: String,
    /// When it was made.
    pub created: SystemTime,
    /// When it was used last.
    pub used: SystemTime,
    /// Size in bytes. Files that uv shares with its cache count in full.
    pub bytes: u64,
    /// Whether a running process uses it.
    pub in_use: bool,
}

/// What [`Environments::prune`](super::Environments::prune) did.
#[derive(Debug, Clone, Default)]
pub struct Pruned {
    /// What was removed.
    pub removed: Vec<Kept>,
    /// What is not needed, and stays because a running process uses it.
    pub in_use: Vec<Kept>,
}

/// Beginnings of names of what is not complete.
const UNFINISHED: &str = "building-";

// === impl Generation ===

impl Generation {
    /// Opens one that is complete and whose interpreter is still there.
    pub(super) async fn open(directory: &Path) -> Option<Generation> {
        let lease = Lease::take(directory).await.ok()??;
        let generation = Generation {
            directory: directory.to_owned(),
            meta: Meta::read(directory)?,
            lease,
        };
        generation.python().exists().then_some(generation)
    }

    /// Whether something that was asked for could not be installed.
    pub(super) fn is_partial(&self) -> bool {
        !self.meta.left_out.is_empty()
    }

    pub(super) fn python(&self) -> PathBuf {
        self.directory.join("env/bin/python")
    }
}

/// The newest generation that can be used.
pub(super) async fn newest(home: &Path) -> Option<Generation> {
    for (_, directory) in generations(home).into_iter().rev() {
        if let Some(found) = Generation::open(&directory).await {
            return Some(found);
        }
    }
    None
}

/// The number that the next generation gets.
pub(super) fn next_number(home: &Path) -> u32 {
    generations(home).last().map_or(1, |(number, _)| number + 1)
}

/// A place to build in, which is removed unless it is completed.
pub(super) fn begin(home: &Path) -> Result<TempDir, EnvironmentError> {
    use std::os::unix::fs::PermissionsExt;

    // Whoever builds it need not be the one who runs it.
    let mode = fs::Permissions::from_mode(0o755);
    let place = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(mode)
        .tempdir_in(home);
    place.map_err(EnvironmentError::io("making a directory in", home))
}

/// Writes down what was built and moves it into its place.
pub(super) fn complete(
    place: TempDir,
    meta: &Meta,
    destination: &Path,
) -> Result<(), EnvironmentError> {
    let path = place.path();
    meta.write(path)
        .map_err(EnvironmentError::io("writing meta.json in", path))?;
    Lease::prepare(path).map_err(EnvironmentError::io("writing in", path))?;
    fs::rename(path, destination)
        .map_err(EnvironmentError::io("moving into place", destination))?;
    let _ = place.keep();
    Ok(())
}

/// Removes what interrupted builds and removals left. Only for the holder of the lock.
pub(super) fn remove_leftovers(home: &Path) {
    for (name, path) in entries(home).unwrap_or_default() {
        if name.starts_with(UNFINISHED) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Everything that is kept, the newest first.
pub(super) fn list(envs: &Path) -> Result<Vec<Kept>, EnvironmentError> {
    let homes = entries(envs).map_err(EnvironmentError::io("reading", envs))?;
    let all = homes.iter().flat_map(|(hash, home)| {
        let generations = generations(home).into_iter();
        generations.filter_map(|(number, directory)| describe(hash, number, &directory))
    });
    let mut all: Vec<Kept> = all.collect();
    all.sort_by_key(|kept| std::cmp::Reverse(kept.created));
    Ok(all)
}

/// Removes all but the newest generation of the needed hashes, and what is in use.
pub(super) async fn prune(envs: &Path, needed: &[String]) -> Result<Pruned, EnvironmentError> {
    let mut pruned = Pruned::default();
    let homes = entries(envs).map_err(EnvironmentError::io("reading", envs))?;
    for (hash, home) in homes.into_iter().filter(|(_, home)| home.is_dir()) {
        // A build is under way there.
        let lock = Lock::try_acquire(&home).map_err(EnvironmentError::io("locking", &home))?;
        let Some(_lock) = lock else { continue };
        remove_leftovers(&home);
        let stays = match needed.contains(&hash) {
            true => newest(&home).await.map(|generation| generation.directory),
            false => None,
        };
        for (number, directory) in generations(&home) {
            if stays.as_ref() != Some(&directory) {
                remove(&home, &hash, number, &directory, &mut pruned)?;
            }
        }
        if generations(&home).is_empty() {
            // Whoever waits for the lock notices that it is gone, and makes the next one.
            let _ = fs::remove_dir_all(&home);
        }
    }
    Ok(pruned)
}

fn remove(
    home: &Path,
    hash: &str,
    number: u32,
    directory: &Path,
    pruned: &mut Pruned,
) -> Result<(), EnvironmentError> {
    let kept = describe(hash, number, directory);
    let Some(ended) = Lease::end(directory) else {
        pruned.in_use.extend(kept);
        return Ok(());
    };
    // Renamed first: half removed it must not look complete.
    let aside = home.join(format!("{UNFINISHED}removed-{number}"));
    fs::rename(directory, &aside).map_err(EnvironmentError::io("removing", directory))?;
    drop(ended);
    fs::remove_dir_all(&aside).map_err(EnvironmentError::io("removing", &aside))?;
    pruned.removed.extend(kept);
    Ok(())
}

fn describe(hash: &str, generation: u32, directory: &Path) -> Option<Kept> {
    let meta = Meta::read(directory)?;
    Some(Kept {
        directory: directory.to_owned(),
        hash: hash.to_owned(),
        generation,
        created: meta.created(),
        used: Lease::last_taken(directory).unwrap_or(meta.created()),
        asked: meta.asked,
        python: meta.python,
        tool: meta.tool,
        bytes: meta.bytes,
        in_use: Lease::end(directory).is_none(),
    })
}

/// Numbers and directories, the oldest first.
fn generations(home: &Path) -> Vec<(u32, PathBuf)> {
    let entries = entries(home).unwrap_or_default().into_iter();
    let numbered = entries.filter_map(|(name, path)| Some((name.parse().ok()?, path)));
    let mut all: Vec<(u32, PathBuf)> = numbered.collect();
    all.sort();
    all
}

/// Names and paths in a directory; none when there is no such directory.
fn entries(directory: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let named = entries.map(|entry| {
        let entry = entry?;
        Ok((
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
        ))
    });
    named.collect()
}
