//! The ledger: a durable row for every call, behind a port that knows no SQL.
//!
//! Read [`Store`] first, then [`State`] for the way of a row. The layers that write rows are
//! `layers/record.rs`, `layers/recognise.rs` and `layers/long.rs`; what happens after a crash is
//! `recovery.rs`.

mod ending;
mod flight;
mod recorder;
pub(crate) mod recovery;
mod replay;
mod row;
mod sealed;
mod settle;
mod show;
mod state;
mod store;
mod summary;
mod watch;

pub use replay::{NoReplay, Replay, replay};
pub use row::{About, Delivery, Ending, Filter, Kept, Key, NewRow, Row};
pub use sealed::{Unreadable, open_call, open_result, seal_call, seal_result};
pub use settle::{NotACode, NotRun, settle, settled_failure};
pub use show::{read_time, row_json, time_json};
pub use state::{NotAState, State};
pub use store::{
    Begun, Due, End, MAY_HAVE_ARRIVED, Pruned, Retention, Store, StoreError, StoreHealth, Version,
    Wait,
};
pub use summary::Bodies;
pub use watch::Watch;

pub(crate) use ending::{Repeat, ending, now};
pub use flight::Recorded;
pub(crate) use flight::{Flight, Listed};
pub(crate) use recorder::{Recorder, key, unavailable};
pub(crate) use summary::{Reader, declared_secrets, secret_texts};
