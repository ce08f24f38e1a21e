//! Opens a ledger: checks the schema, brings it up to date, checks the master key.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Engine, Fault};
use crate::key::{KeyError, Keys, PROVIDE, RESTORE};
use crate::ledger::Ledger;
use crate::sealer::Sealer;
use crate::sql::{INSERT_META, SELECT_META};
use crate::value::Statement;
use crate::{postgres, schema, sqlite};

/// The row of the meta table that tells whether a master key is the right one.
pub(crate) const CHECK: &str = "seal_check";

/// Against what a commit is safe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of this process.
    #[default]
    Process,
    /// The end of the machine or the database server, too. Slower: every commit waits for the disk.
    Full,
}

/// How a ledger is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the master key is.
    pub master_key: PathBuf,
    /// Against what a commit is safe.
    pub durability: Durability,
    /// Whether a missing SQLite file and a missing master key are made.
    pub create: bool,
    /// Whether this process serves from the ledger. On SQLite only one may: it takes every open call
    /// of another for one of a process that has ended. Default: no.
    pub serves: bool,
    /// How many records may wait to be written. Default: 10,000, and never more than 64 MiB.
    pub queue: usize,
    /// For how long after its last sign of life an owner counts as alive, PostgreSQL only.
    /// Default: 30 s. It gives a sign every third of that. All owners should have the same.
    pub lease: Duration,
    /// How long a write is waited for. Default: 5 s.
    pub patience: Duration,
}

/// Why a ledger cannot be opened. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a URL of a store.
    #[error(
        "{0} is not the URL of a store: write sqlite:<file>, postgres://… or, for no ledger, none"
    )]
    Url(String),
    /// No file, where none may be made.
    #[error("there is no ledger at {}: `crosspoint serve` makes one", .0.display())]
    Missing(PathBuf),
    /// Another process serves from it.
    #[error(
        "the ledger at {} is in use by another `crosspoint serve`: stop that one, or give each a \
         ledger of its own (store.url); several may share one on PostgreSQL",
        .0.display()
    )]
    Taken(PathBuf),
    /// Its master key is being replaced.
    #[error(
        "the master key of the ledger at {} is being replaced: try again when `crosspoint secret \
         rotate-key` has ended",
        .0.display()
    )]
    Rotating(PathBuf),
    /// The database cannot be reached, or does not do what is needed.
    #[error("opening the ledger: {0}")]
    Database(String),
    /// The ledger belongs to a newer program.
    #[error(
        "the ledger has schema {found} and this program knows up to {known}: use the newer program \
         that made it, or another store; nothing was changed"
    )]
    Newer {
        /// The ledger's schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The master key is missing, unreadable or wrong.
    #[error(transparent)]
    Key(#[from] KeyError),
}

// === impl Options ===

impl Options {
    /// The defaults, with the master key at `master_key`.
    pub fn new(master_key: impl Into<PathBuf>) -> Options {
        Options {
            master_key: master_key.into(),
            durability: Durability::default(),
            create: true,
            serves: false,
            queue: 10_000,
            lease: Duration::from_secs(30),
            patience: Duration::from_secs(5),
        }
    }
}

/// Opens the ledger at `sqlite:<file>` or `postgres://…`. Must be called within a tokio runtime,
/// and the ledger be used within the same.
pub async fn open(url: &str, options: &Options) -> Result<Arc<Ledger>, OpenError> {
    let bad = |error: sqlx::Error| OpenError::Database(error.to_string());
    if let Some(file) = sqlite::file_of(url) {
        let file = file.map_err(bad)?;
        if !options.create && !file.exists() {
            return Err(OpenError::Missing(file));
        }
        private(&file)?;
        let serves = options.serves.then(|| lock(&file)).transpose()?;
        let locks = serves.into_iter().chain([lock_key(&file)?]).collect();
        let engine = sqlite::engine(&file, options.durability);
        return ready(Arc::new(engine), options, locks).await;
    }
    if postgres::is_url(url) {
        let engine = postgres::engine(url, options.durability, options.lease).map_err(bad)?;
        return ready(Arc::new(engine), options, Vec::new()).await;
    }
    // A URL may hold a password.
    let scheme = url.split(':').next().unwrap_or_default();
    Err(OpenError::Url(format!("'{scheme}:…'")))
}

/// Makes the file, when it is missing, for its owner alone; those beside it take its permissions.
fn private(file: &Path) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    let made = options
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file)
        .map(drop);
    made.map_err(|error| OpenError::Database(format!("{}: {error}", file.display())))
}

/// Keeps every other process from serving from this file until the ledger is dropped. A file of its
/// own, since the database has locks of its own on its file.
pub(crate) fn lock(file: &Path) -> Result<File, OpenError> {
    let lock = beside(file, "-serve")?;
    let taken = lock.try_lock();
    held(lock, taken, || OpenError::Taken(file.to_owned()))
}

/// Keeps every other process from replacing the master key until the ledger is dropped.
fn lock_key(file: &Path) -> Result<File, OpenError> {
    let lock = beside(file, KEY_LOCK)?;
    let taken = lock.try_lock_shared();
    held(lock, taken, || OpenError::Rotating(file.to_owned()))
}

/// What everybody who has the ledger open shares, and who replaces its master key has alone.
pub(crate) const KEY_LOCK: &str = "-key";

/// The file of a lock on a ledger.
pub(crate) fn beside(file: &Path, suffix: &str) -> Result<File, OpenError> {
    let mut path = file.as_os_str().to_owned();
    path.push(suffix);
    let options = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path);
    options.map_err(|error| OpenError::Database(format!("{}: {error}", Path::new(&path).display())))
}

pub(crate) fn held<E: From<OpenError>>(
    lock: File,
    taken: Result<(), TryLockError>,
    refused: impl FnOnce() -> E,
) -> Result<File, E> {
    match taken {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(refused()),
        Err(TryLockError::Error(error)) => {
            Err(OpenError::Database(format!("locking the ledger: {error}")).into())
        }
    }
}

async fn ready(
    engine: Arc<dyn Engine>,
    options: &Options,
    locks: Vec<File>,
) -> Result<Arc<Ledger>, OpenError> {
    schema::migrate(&*engine).await?;
    let sealer = unlock(&*engine, options).await?;
    let shared = engine.dialect().leases.then(|| engine.clone());
    let ledger = Ledger::start(engine, sealer, options, locks).await?;
    if let Some(engine) = shared {
        // Who replaces the master key looks for owners after it has sealed the check anew: either it
        // has seen this one, or this one sees that its key is not the right one any more.
        let check = read_check(&*engine).await?.unwrap_or_default();
        prove(&ledger.sealer, &check, options)?;
    }
    Ok(Arc::new(ledger))
}

/// Finds the master key and proves that the ledger was sealed with it.
async fn unlock(engine: &dyn Engine, options: &Options) -> Result<Sealer, OpenError> {
    let path = &options.master_key;
    let missing = |advice| {
        let path = path.to_owned();
        OpenError::Key(KeyError::Missing { path, advice })
    };
    let check = read_check(engine).await?;
    let keys = match Keys::read(path)? {
        Some(keys) => keys,
        None if check.is_some() => return Err(missing(RESTORE)),
        None if engine.dialect().leases => return Err(missing(PROVIDE)),
        None if !options.create => return Err(missing(RESTORE)),
        None => Keys::create(path)?,
    };
    let sealer = Sealer::new(&keys);
    let check = match check {
        Some(check) => check,
        None => {
            write_check(engine, &sealer).await?;
            // Another process may have been faster.
            read_check(engine).await?.unwrap_or_default()
        }
    };
    prove(&sealer, &check, options)?;
    Ok(sealer)
}

fn prove(sealer: &Sealer, check: &[u8], options: &Options) -> Result<(), OpenError> {
    match sealer.open("meta", CHECK, check) {
        Ok(_) => Ok(()),
        Err(_) => Err(KeyError::Wrong(options.master_key.clone()).into()),
    }
}

pub(crate) async fn read_check(engine: &dyn Engine) -> Result<Option<Vec<u8>>, OpenError> {
    let rows = engine
        .read(Statement::new(SELECT_META, [CHECK.into()]))
        .await?;
    let check = rows.first().map(|row| row.blob(0)).transpose();
    Ok(check.map_err(Fault::from)?.flatten())
}

async fn write_check(engine: &dyn Engine, sealer: &Sealer) -> Result<(), OpenError> {
    let sealed = sealer.seal("meta", CHECK, b"crosspoint");
    let sealed = sealed.map_err(|_| OpenError::Database("sealing a value".to_owned()))?;
    let mut transaction = engine.begin().await?;
    let values = [CHECK.into(), sealed.as_slice().into()];
    transaction
        .run(&Statement::new(INSERT_META, values))
        .await?;
    Ok(transaction.commit().await?)
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> OpenError {
        OpenError::Database(fault.message().to_owned())
    }
}
