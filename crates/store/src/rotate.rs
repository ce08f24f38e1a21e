//! A new master key: everything that is sealed with the old one is sealed with the new one.
//!
//! The file has both keys before anything is sealed anew, and the old one is dropped after
//! everything is: however it ends in between, nothing is lost, and the next attempt goes on. Every
//! commit waits for the disk, since what it replaces is soon not to be opened any more.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::alive::Alive;
use crate::engine::{Engine, Fault};
use crate::key::{KeyError, Keys, RESTORE};
use crate::open::{Durability, KEY_LOCK, OpenError, Options, beside, held, lock, read_check};
use crate::reseal::Resealing;
use crate::sealer::Sealer;
use crate::sql::{Dialect, FORGET_OWNER};
use crate::value::Statement;
use crate::{postgres, schema, sqlite};

/// How far it is: how many values of how many have been looked at.
pub type Progress<'p> = &'p (dyn Fn(u64, u64) + Send + Sync);

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Whether there was a new key already: an earlier attempt has not come to its end, or somebody
    /// has written it.
    pub resumed: bool,
    /// How many values were sealed anew.
    pub resealed: u64,
    /// What no key opens, and was left as it is.
    pub damaged: Vec<String>,
    /// Why the old key is still in the file, where it cannot be written.
    pub stays: Option<String>,
}

/// Why there is no new master key. What was sealed before still opens.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A server works with it.
    #[error(
        "a server works with this store: stop it, and run this again; calls that are under way go on \
         when it is back"
    )]
    Serves,
    /// Other processes work with it.
    #[error(
        "{0} other processes work with this store: stop the servers, and run this again; one that was \
         killed counts for as long as store.lease says"
    )]
    Shared(i64),
    /// Another command works with it.
    #[error("another `crosspoint` command works with this store: let it end, and run this again")]
    Busy,
    /// The file of the key cannot be written.
    #[error(
        "the file of the master key at {} cannot be written ({source}), so do it by hand: make a new \
         key with `head -c 32 /dev/urandom | base64`, write it into this file as the first line, \
         before the old one, give that file to all replicas, and run this again; nothing was changed",
        path.display()
    )]
    ByHand {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Who has the store alone.
enum Alone {
    /// By locks on the file.
    File { _locks: [File; 2] },
    /// By being the only one who gives signs of life.
    Owner {
        alive: Arc<Alive>,
        owner: Arc<str>,
        signs: Signs,
    },
}

/// Signs of life that end with the work, also where that is broken off.
struct Signs(JoinHandle<()>);

/// Replaces the master key of the store at `url`, or goes on with that. Must be called within a
/// tokio runtime.
pub async fn rotate(
    url: &str,
    options: &Options,
    progress: Progress<'_>,
) -> Result<Rotated, RotateError> {
    let (engine, alone) = alone(url, options).await?;
    let rotated = with(&*engine, &alone, options, progress).await;
    if let Alone::Owner {
        alive,
        owner,
        signs,
    } = alone
    {
        alive.end(options.patience).await;
        drop(signs);
        let _ = run(&*engine, Statement::new(FORGET_OWNER, [(&owner).into()])).await;
    }
    engine.close().await;
    rotated
}

async fn alone(url: &str, options: &Options) -> Result<(Arc<dyn Engine>, Alone), RotateError> {
    let bad = |error: sqlx::Error| OpenError::Database(error.to_string());
    if let Some(file) = sqlite::file_of(url) {
        let file = file.map_err(bad)?;
        if !file.exists() {
            return Err(OpenError::Missing(file).into());
        }
        let serves = lock(&file).map_err(|error| match error {
            OpenError::Taken(_) => RotateError::Serves,
            error => error.into(),
        })?;
        let key = beside(&file, KEY_LOCK)?;
        let taken = key.try_lock();
        let locks = [serves, held(key, taken, || RotateError::Busy)?];
        let engine = Arc::new(sqlite::engine(&file, Durability::Full));
        schema::migrate(&*engine).await?;
        return Ok((engine, Alone::File { _locks: locks }));
    }
    if !postgres::is_url(url) {
        let scheme = url.split(':').next().unwrap_or_default();
        return Err(OpenError::Url(format!("'{scheme}:…'")).into());
    }
    let engine = postgres::engine(url, Durability::Full, options.lease).map_err(bad)?;
    let engine: Arc<dyn Engine> = Arc::new(engine);
    schema::migrate(&*engine).await?;
    let owner: Arc<str> = uuid::Uuid::now_v7().to_string().into();
    let alive = Alive::begin(engine.clone(), owner.clone(), options.lease).await;
    let alive = Arc::new(alive.map_err(OpenError::from)?);
    let signs = Signs(tokio::spawn(alive.clone().run()));
    let alone = Alone::Owner {
        alive,
        owner,
        signs,
    };
    Ok((engine, alone))
}

async fn with(
    engine: &dyn Engine,
    alone: &Alone,
    options: &Options,
    progress: Progress<'_>,
) -> Result<Rotated, RotateError> {
    let path = &options.master_key;
    alone.look_around(engine).await?;
    let missing = || KeyError::Missing {
        path: path.clone(),
        advice: RESTORE,
    };
    let keys = Keys::read(path).map_err(OpenError::from)?;
    let keys = keys.ok_or_else(missing).map_err(OpenError::from)?;
    let check = read_check(engine).await?.unwrap_or_default();
    let opens = |keys: &Keys| Sealer::new(keys).open("meta", crate::open::CHECK, &check);
    if !check.is_empty() && opens(&keys).is_err() {
        return Err(OpenError::from(KeyError::Wrong(path.clone())).into());
    }
    let resumed = !keys.others.is_empty();
    let keys = if resumed { keys } else { begun(keys, path)? };
    let mut resealing = Resealing::new(engine, Sealer::new(&keys), progress);
    // From here on nobody begins who does not have the new key.
    resealing.check().await?;
    alone.look_around(engine).await?;
    resealing.everything().await?;
    let stays = keys.write(path, false).err().map(|error| error.to_string());
    Ok(Rotated {
        resumed,
        resealed: resealing.resealed,
        damaged: resealing.damaged,
        stays,
    })
}

/// The keys with a new one before them, in the file.
fn begun(keys: Keys, path: &Path) -> Result<Keys, RotateError> {
    let keys = keys.with_new();
    let by_hand = |source| RotateError::ByHand {
        path: path.to_owned(),
        source,
    };
    keys.write(path, true).map_err(by_hand)?;
    Ok(keys)
}

impl Drop for Signs {
    fn drop(&mut self) {
        self.0.abort();
    }
}

// === impl Alone ===

impl Alone {
    /// Fails where somebody else works with the store.
    async fn look_around(&self, engine: &dyn Engine) -> Result<(), RotateError> {
        let Alone::Owner { owner, .. } = self else {
            return Ok(());
        };
        let others = Statement::new(engine.dialect().others(), [owner.into()]);
        let rows = engine.read(others).await.map_err(OpenError::from)?;
        let count = rows.first().map(|row| row.int(0)).transpose();
        let count = count.map_err(|error| OpenError::from(Fault::from(error)))?;
        match count.flatten().unwrap_or(0) {
            0 => Ok(()),
            1 => Err(RotateError::Serves),
            others => Err(RotateError::Shared(others)),
        }
    }
}

// === impl Dialect ===

impl Dialect {
    /// How many owners are alive but $1.
    fn others(&self) -> String {
        format!(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM crosspoint_owners \
             WHERE owner <> $1 AND lease > {}",
            self.now
        )
    }
}

/// Runs one statement in a transaction of its own.
pub(crate) async fn run(engine: &dyn Engine, statement: Statement) -> Result<(), Fault> {
    let mut transaction = engine.begin().await?;
    transaction.run(&statement).await?;
    transaction.commit().await
}

impl From<Fault> for RotateError {
    fn from(fault: Fault) -> RotateError {
        OpenError::from(fault).into()
    }
}
