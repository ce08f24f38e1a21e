//! Python connectors through the mount and the contract of the core, with real interpreters.

mod calls;
mod crashes;
mod interpreter;
mod mounts;
mod output;
mod replacing;
mod stuck;
mod support;
mod zoo;
