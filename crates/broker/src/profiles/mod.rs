//! Profiles: the settings and secrets of accounts, and how a call gets them.
//!
//! [`Connections`] knows them all. What calls of one connector choose from is `held.rs`, what they get
//! is `choice.rs`; `watch.rs` notices what somebody changed.

pub(crate) mod check;
mod checked;
mod choice;
mod connections;
mod definition;
pub mod fields;
mod held;
mod secrets;
mod tokens;
pub(crate) mod watch;

pub use check::{CheckError, CheckResult};
pub(crate) use choice::{Choice, Resolved};
pub use connections::Connections;
pub use definition::{
    Definition, From, NotADefinition, NotAProfile, ProfileId, Source, is_secret_name,
};
pub(crate) use held::Held;
pub use secrets::{Secrets, Vault};
pub(crate) use tokens::FIELD;
pub use tokens::{Token, Tokens};

#[cfg(test)]
mod tests;
