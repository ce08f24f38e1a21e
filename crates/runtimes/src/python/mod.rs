//! Unmodified Python connector packages, each in its own environment, in warm workers.
//!
//! A [`PythonMount`] runs a [`Program`]: for each connector a pool of processes, to which calls go
//! by the wire of `docs/python-worker.md`.

mod answer;
mod auth;
mod code;
mod connector;
pub mod environment;
#[cfg(test)]
mod golden_tests;
mod launch;
mod manifest;
mod mount;
mod outgoing;
mod pool;
mod program;
mod running;
mod settings;
mod slots;
mod supervisor;
mod wire;
mod worker;

pub use mount::PythonMount;
pub use program::{At, Program, Source};
pub use settings::{Recycle, Settings};
