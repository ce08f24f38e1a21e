//! Several replicas on one PostgreSQL: each has a data directory of its own, all have one ledger and
//! one master key.

mod examples;
mod keys;
mod losses;
mod starts;
mod tokens;

use crate::harness::{Database, Proxy, until};
use crate::ledger::place::Place;

/// A lease that tests can wait for.
const SHORT: &str = "lease = \"3s\"\n";

/// One that no test waits for.
const LONG: &str = "lease = \"10m\"\n";

/// Three replicas on a new database.
async fn three(config: &str) -> (Place, [Proxy; 3]) {
    let place = Place::postgres(config).await;
    let (second, third) = (place.replica(), place.replica());
    let starts = tokio::join!(place.setup.clone().serve(), second.serve(), third.serve());
    (place, starts.into())
}

/// The owners that count as alive.
async fn alive(database: &Database) -> usize {
    let now = "extract(epoch FROM clock_timestamp()) * 1000";
    let sql = format!("SELECT owner FROM crosspoint_owners WHERE lease > {now}");
    database.sql(&sql).await.len()
}

/// Waits until so many owners count as alive, and nobody else has anything left to do.
async fn taken_over(database: &Database, owners: usize) {
    let sql = "SELECT id FROM crosspoint_calls c WHERE NOT EXISTS (SELECT 1 FROM crosspoint_owners o \
               WHERE o.owner = c.owner AND o.lease > extract(epoch FROM clock_timestamp()) * 1000) \
               AND (state IN ('received', 'accepted', 'running') OR deliver_until IS NOT NULL)";
    until("others have what a replica had", async || {
        alive(database).await == owners && database.sql(sql).await.is_empty()
    })
    .await;
}
