//! The ledger: a durable row for every call, behind a port that knows no SQL.
//!
//! Read [`Store`] first, then [`State`] for the way of a row.

mod row;
mod state;
mod store;

pub use row::{About, Delivery, Ending, Filter, Kept, Key, NewRow, Row};
pub use state::{NotAState, State};
pub use store::{
    Begun, Due, End, Pruned, Retention, Store, StoreError, StoreHealth, Version, Wait,
};
