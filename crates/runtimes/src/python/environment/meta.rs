//! What is written down beside an environment.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::apart::LeftOut;
use super::survey::Distribution;

/// `meta.json` of an environment. Written once, as the last step of a build: where it is missing,
/// there is no environment. When it was used last is the time of the file `lease`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Meta {
    /// What was installed on request, without credentials.
    pub(super) asked: Vec<String>,
    pub(super) interpreter: PathBuf,
    /// The interpreter's version.
    pub(super) python: String,
    /// What it was made with, such as `uv 0.13.9`.
    pub(super) tool: String,
    /// Seconds since 1970.
    pub(super) created_at: u64,
    /// Bytes; files that are shared with a cache count in full.
    pub(super) bytes: u64,
    pub(super) distributions: Vec<Distribution>,
    /// What could not be installed. As long as there is anything, it is tried again whenever the
    /// environment is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) left_out: Vec<LeftOut>,
}

const FILE: &str = "meta.json";

// === impl Meta ===

impl Meta {
    pub(super) fn read(directory: &Path) -> Option<Meta> {
        let bytes = fs::read(directory.join(FILE)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        fs::write(directory.join(FILE), text)
    }

    pub(super) fn created(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.created_at)
    }
}

/// Bytes of all files below a directory.
pub(super) fn size(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
