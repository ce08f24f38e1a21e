//! Where calls are recorded: `[store]`. The comments here are the configuration reference that
//! users read.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::durations::{Age, Lease};
use super::scalars::FilePath;
use super::sizes::Volume;
use super::store_url::StoreUrl;

/// The ledger: a durable record of every call, by which a repeated request has one effect and a
/// long call survives a restart. `crosspoint ledger` shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Where the ledger is: `sqlite:<file>`, which one process at a time serves from;
    /// `postgres://user:password@host/database`, which several may share; or `none` for no ledger,
    /// and then a request with an `Idempotency-Key` is refused. A relative path starts at the
    /// working directory. May be a reference, such as `env:DATABASE_URL`. When there is no such
    /// setting, it is the SQLite file `crosspoint.db` in `data_dir`.
    pub url: Option<StoreUrl>,

    /// Against what a record is safe.
    pub durability: Durability,

    /// How long another replica that is not heard of counts as alive, from `3s` to `10m`; then its
    /// calls are taken over. Each gives a sign every third of this. The same for all replicas, and
    /// only with PostgreSQL: from a SQLite file one process serves.
    pub lease: Lease,

    /// The file with the key that arguments and results are encrypted with. With SQLite the first
    /// start makes it, with PostgreSQL it must be there. Without it what is kept cannot be read:
    /// have a copy of it. A relative path starts at the working directory. When there is no such
    /// setting, it is `master.key` in `data_dir`.
    pub master_key: Option<FilePath>,

    /// How much is kept. What a call under way still needs stays in any case.
    pub retention: Retention,
}

/// Against what a record is safe once a caller relies on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// The end of Crosspoint, however it comes, but not of the machine: after a power failure the
    /// records of the last moments may be lost.
    #[default]
    Process,
    /// A power failure, or a crash of the database server, as well. Every record waits for the
    /// disk, which takes time.
    Full,
}

/// How much is kept. What a call under way still needs stays in any case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// How long a call is kept, in days or hours, from `1h` to `3650d`.
    pub age: Age,

    /// About how large the ledger may grow, from `1MiB` to `16TiB`. The oldest calls go first.
    pub size: Volume,
}

// === impl Store ===

impl Store {
    /// The file of the master key.
    pub fn key_file(&self, data_dir: &Path) -> PathBuf {
        match &self.master_key {
            Some(path) => path.0.clone(),
            None => data_dir.join("master.key"),
        }
    }
}

// === impl Retention ===

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            age: Age::days(90),
            size: Volume::gibibytes(10),
        }
    }
}
