//! What the tests have in common.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crosspoint_broker::ledger::{
    About, Begun, End, Ending, Key, NewRow, Row, State, Store, StoreError, Wait,
};
use crosspoint_store::{Ledger, OpenError, Options, open};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::postgres::{PASSWORD, server};

/// Enough for any machine where an answer must come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Soon enough for those who wait for an answer that cannot come, and enough for one that can.
pub const IMPATIENCE: Duration = Duration::from_secs(3);

/// A place for one ledger.
pub struct Place {
    pub folder: TempDir,
    pub url: String,
    pub options: Options,
}

/// Runs each test of a module on both databases.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(crate::kit::Place::sqlite()).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(crate::kit::Place::postgres().await).await;
            })*
        }
    };
}
pub(crate) use on_both;

// === impl Place ===

impl Place {
    pub fn sqlite() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
        Place::new(folder, url)
    }

    pub async fn postgres() -> Place {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let port = tokio::task::spawn_blocking(|| server().port).await.unwrap();
        let name = format!("ledger_{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let base = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}");
        let mut admin = PgConnection::connect(&format!("{base}/postgres"))
            .await
            .unwrap();
        let create = format!("CREATE DATABASE {name}");
        sqlx::raw_sql(AssertSqlSafe(create))
            .execute(&mut admin)
            .await
            .unwrap();
        let place = Place::new(tempfile::tempdir().unwrap(), format!("{base}/{name}"));
        place.write_key(&STANDARD.encode([42; 32]));
        place
    }

    fn new(folder: TempDir, url: String) -> Place {
        let mut options = Options::new(folder.path().join("master.key"));
        // Long on a busy machine, short enough for tests that wait for its end.
        options.lease = Duration::from_secs(3);
        options.patience = PATIENCE;
        Place {
            folder,
            url,
            options,
        }
    }

    /// Writes the file of the master key, for this user alone.
    pub fn write_key(&self, text: &str) {
        let path = &self.options.master_key;
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }

    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    pub async fn try_open(&self) -> Result<Arc<Ledger>, OpenError> {
        open(&self.url, &self.options).await
    }

    pub async fn open(&self) -> Arc<Ledger> {
        self.try_open().await.unwrap()
    }

    /// Runs SQL that is not the ledger's; answers the first column of the first row.
    pub async fn sql(&self, sql: &str) -> Option<String> {
        use sqlx::Row as _;
        let sql = || AssertSqlSafe(sql.to_owned());
        if self.is_sqlite() {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::raw_sql(sql())
                .fetch_all(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
            rows.first().and_then(|row| row.get_unchecked(0))
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::raw_sql(sql())
                .fetch_all(&mut connection)
                .await
                .unwrap();
            rows.first().and_then(|row| row.get_unchecked(0))
        }
    }

    /// Makes every owner look as if nothing had been heard of it for long.
    pub async fn end_leases(&self) {
        self.sql("UPDATE crosspoint_owners SET lease = 0").await;
    }

    /// The same for one of several.
    pub async fn end_lease_of(&self, owner: &dyn Store) {
        let owner = owner.owner();
        self.sql(&format!(
            "UPDATE crosspoint_owners SET lease = 0 WHERE owner = '{owner}'"
        ))
        .await;
    }
}

pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A row without a key.
pub fn new_row(state: State) -> NewRow {
    NewRow {
        id: new_id(),
        key: None,
        about: About {
            ingress: "spiff".to_owned(),
            request_id: "request".to_owned(),
            connector: "http".to_owned(),
            command: "PostRequestV2".to_owned(),
            created: 1_700_000_000_000,
            ..About::default()
        },
        state,
        replay: None,
    }
}

/// A running row with a key.
pub fn keyed(scope: &str, key: &str) -> NewRow {
    NewRow {
        key: Some(Key {
            scope: scope.to_owned(),
            text: key.to_owned(),
            fingerprint: [7; 32],
        }),
        ..new_row(State::Running)
    }
}

pub fn end(id: &str, state: State) -> End {
    End {
        id: id.to_owned(),
        state,
        ending: Ending {
            ended: 1_700_000_000_500,
            status: Some(200),
            ..Ending::default()
        },
        result: None,
    }
}

/// Begins a row and waits for the commit; its id.
pub async fn begun(store: &dyn Store, row: NewRow) -> String {
    let id = row.id.clone();
    match store.begin(row, Wait::Committed).await.unwrap() {
        Begun::New => id,
        Begun::Known(row) => panic!("the key is taken by {}", row.id),
    }
}

pub async fn found(store: &dyn Store, id: &str) -> Row {
    store.find(id).await.unwrap().expect("the row is there")
}

/// Brings a new row into a state.
pub async fn row_in(store: &dyn Store, state: State) -> String {
    let first = match state {
        State::Received | State::Accepted => state,
        _ => State::Running,
    };
    let id = begun(store, new_row(first)).await;
    let before = match state {
        State::Delivered | State::Undeliverable => State::Finished,
        state => state,
    };
    if !before.is_open() {
        store.end(end(&id, before), Wait::Committed).await.unwrap();
    }
    match state {
        State::Delivered => store.delivered(&id).await.unwrap(),
        State::Undeliverable => store.undeliverable(&id, "no").await.unwrap(),
        _ => {}
    }
    assert_eq!(found(store, &id).await.state, state);
    id
}

pub fn is_unavailable<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

/// Somebody else who keeps the ledger from being written.
pub enum Lock {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Lock {
    pub async fn take(place: &Place) -> Lock {
        if place.is_sqlite() {
            let mut other = SqliteConnection::connect(&place.url).await.unwrap();
            sqlx::raw_sql("BEGIN IMMEDIATE")
                .execute(&mut other)
                .await
                .unwrap();
            return Lock::Sqlite(other);
        }
        let mut other = PgConnection::connect(&place.url).await.unwrap();
        let lock = "BEGIN; LOCK TABLE crosspoint_calls IN EXCLUSIVE MODE";
        sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
        Lock::Postgres(other)
    }

    pub async fn release(self) {
        let rollback = || sqlx::raw_sql("ROLLBACK");
        match self {
            Lock::Sqlite(mut other) => drop(rollback().execute(&mut other).await.unwrap()),
            Lock::Postgres(mut other) => drop(rollback().execute(&mut other).await.unwrap()),
        }
    }
}
