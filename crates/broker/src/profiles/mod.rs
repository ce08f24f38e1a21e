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
mod ground;
mod held;
mod keeping;
mod listing;
mod names;
mod secrets;
mod tokens;
mod usable;
mod uses;
mod variant;
mod vault;
pub(crate) mod watch;

pub use check::{CheckError, CheckResult};
pub(crate) use choice::{Choice, Resolved};
pub use connections::Connections;
pub use definition::{Definition, NotADefinition, NotAProfile, ProfileId, Source, Written};
pub(crate) use held::{Held, Wanted};
pub use keeping::{About, Change, Kept, NotChanged, all, keep, remove};
pub use listing::Listed;
pub use names::is_secret_name;
pub use secrets::{Secrets, Vault};
pub(crate) use tokens::FIELD;
pub use tokens::{Token, Tokens};
pub use uses::Uses;
pub use variant::{ConfigurationParameter, Variant};
pub use vault::{HashiCorp, VaultKv};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod variant_tests;
