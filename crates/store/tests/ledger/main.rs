//! The behaviour of a ledger, whichever database it is on: every test runs on both.

mod cabinet;
#[path = "../../../broker/tests/cabinet/suite.rs"]
mod cabinet_suite;
mod deliveries;
mod faults;
mod keys;
mod kit;
mod opening;
#[path = "../../../connectors/src/postgres_v2/testing.rs"]
#[allow(
    dead_code,
    reason = "the tests of postgres_v2 need more of their server than is needed here"
)]
mod postgres;
mod postgres_faults;
mod proxy;
mod recovery;
mod retention;
mod sealed;
mod sqlite_faults;
mod steps;
mod texts;
mod upgrade;
mod watch;
