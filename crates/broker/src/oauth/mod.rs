//! OAuth 2: how profiles are authorised at the provider of a system, and how their tokens stay fresh.
//!
//! [`Grants`] keeps what was granted: read `refresh.rs` for how a token is refreshed once, however
//! many ask. `flow.rs` is the round trip through a person's browser. What an auth is like comes
//! from the configuration ([`AuthSettings`]) or from a connector's code (`description.rs`).

mod answer;
mod described;
mod description;
mod flow;
mod grants;
mod jwt;
mod kept;
mod random;
mod redirect;
mod refresh;
mod request;
mod settings;
mod slot;
mod status;
#[cfg(test)]
mod tests;
mod waiting;

pub use answer::TokenSet;
pub(crate) use described::Described;
pub use flow::{Callback, Finished, FlowError, Purpose};
pub use grants::{Describe, Grants, Refreshes, Setup};
pub use redirect::Redirects;
pub use settings::{Assertion, AuthId, AuthSettings, ClientAuth, Expired, Grant, Pattern};
pub use status::Authorised;
pub(crate) use waiting::waiting;
