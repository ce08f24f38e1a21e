//! Profiles: the settings and secrets of accounts, and how a call gets them.

mod definition;
mod names;
mod secrets;
mod tokens;
mod vault;

pub use definition::{Definition, From, NotADefinition, NotAProfile, ProfileId, Source};
pub use names::is_secret_name;
pub use secrets::{Secrets, Vault};
pub use tokens::{Token, Tokens};
pub use vault::{HashiCorp, VaultKv};
