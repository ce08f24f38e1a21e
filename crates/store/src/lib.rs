//! The ledger on SQLite and PostgreSQL.
//!
//! [`open`] makes a [`crosspoint_broker::ledger::Store`] of a URL, which is a
//! [`crosspoint_broker::cabinet::Cabinet`], too (`cabinet.rs`). Writes go through one queue
//! (`queue.rs`) to one task (`writer.rs`), which puts what has queued into one transaction
//! (`batch.rs`); reads go to a pool, and so do signs of life (`alive.rs`). The SQL is shared (`sql.rs`); what differs between the two
//! databases is a [`sql::Dialect`] and a file each.

mod alive;
mod batch;
mod cabinet;
mod codec;
mod engine;
mod key;
mod ledger;
mod open;
mod port;
mod postgres;
mod prune;
mod queue;
mod record;
mod reseal;
mod rotate;
mod schema;
mod sealer;
mod sql;
mod sqlite;
mod value;
mod work;
mod writer;

pub use key::KeyError;
pub use ledger::Ledger;
pub use open::{Durability, OpenError, Options, open};
pub use rotate::{Progress, RotateError, Rotated, rotate};

#[cfg(test)]
mod plan_tests;
