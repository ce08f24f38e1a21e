//! The behaviour suite at work: `crosspoint check` on every built-in connector, in process and
//! over HTTP, and on proxies that misbehave.

mod built_ins;
#[path = "../blackbox/harness/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the harness of the black-box tests has more than is needed here"
)]
mod harness;
mod misbehaving;
#[path = "../../../connectors/src/postgres_v2/testing.rs"]
#[allow(
    dead_code,
    reason = "the tests of postgres_v2 need more of their server than is needed here"
)]
mod postgres;
mod proxies;
mod systems;
mod usage;
