//! Access keys: who may do what. The ways in ask; what is asked for is decided here.

mod audit;
mod kept;
mod key;
mod scopes;

pub use audit::{Doer, act_json, audit};
pub use kept::{KeptKey, KeptKeys, NotKept};
pub use key::{AccessKey, KeyHash, NoRandomness, new_key};
pub use scopes::{NotAScope, Right, Scopes};
