//! Proxies with a ledger on either database.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::task::spawn_blocking;

use super::postgres::{PASSWORD, server};
use crate::harness::{Database, Setup};

/// A setup and the database of its ledger.
pub struct Place {
    pub setup: Setup,
    pub database: Database,
    pub is_sqlite: bool,
}

// === impl Place ===

impl Place {
    /// The default, with more configuration.
    pub fn sqlite(config: &str) -> Place {
        let setup = Setup::new().config(config);
        let database = Database::file(&setup.path().join(".crosspoint/crosspoint.db"));
        Place {
            setup,
            database,
            is_sqlite: true,
        }
    }

    /// A new database of the server that all tests share.
    pub async fn postgres(config: &str) -> Place {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("ledger_{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let create = format!("CREATE DATABASE {name}");
        let port = spawn_blocking(move || {
            server().psql(&create);
            server().port
        });
        let port = port.await.unwrap();
        Place::at(&format!("127.0.0.1:{port}/{name}"), config)
    }

    /// A database of PostgreSQL at `host:port/name`.
    pub fn at(address: &str, config: &str) -> Place {
        let url = format!("postgres://postgres:{PASSWORD}@{address}");
        let store = format!("[store]\nurl = \"{url}\"\nmaster_key = \"master.key\"\n");
        let setup = Setup::new()
            .config(&(store + config))
            .file("master.key", &STANDARD.encode([42; 32]));
        Place {
            setup,
            database: Database::new(url),
            is_sqlite: false,
        }
    }

    /// Another working directory for the same database: where another replica runs.
    pub fn replica(&self) -> Setup {
        let read = |name| fs::read_to_string(self.setup.path().join(name)).unwrap();
        let (config, key) = (read("crosspoint.toml"), read("master.key"));
        Setup::new().config(&config).file("master.key", &key)
    }

    /// One on each database.
    pub async fn both(config: &str) -> [Place; 2] {
        [Place::sqlite(config), Place::postgres(config).await]
    }
}
