//! Environments in which Python connectors run: made, kept, found again and thrown away.
//!
//! A [`Recipe`] says what is asked for. [`Environments`] turns it into an [`Environment`]: an
//! interpreter with the libraries, the connectors it offers, and a fingerprint that changes
//! whenever their code or their libraries do. Nothing of a directory is built: it is used from
//! source, and its dependencies alone are installed.

mod apart;
mod build;
mod command;
mod declarations;
mod error;
mod fingerprint;
mod interpreter;
mod keep;
mod lock;
mod meta;
mod offer;
mod plan;
mod poetry;
mod progress;
mod project;
mod recipe;
mod requirement;
mod search;
mod source;
mod store;
mod survey;
mod tools;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use error::EnvironmentError;
pub use keep::{Kept, Pruned};
pub use offer::{Change, Environment, Synced};
pub use progress::{Progress, Quiet};
pub use project::{Code, Found};
pub use recipe::{Recipe, Seeks};
pub use search::Search;
pub use source::{NotASource, Source};
pub use store::Environments;
pub use tools::{COMMON, Tools};
