//! SpiffArena's connector proxy protocol: `spiff-openapi.json`, and for what it leaves open the
//! behaviour of the backend's service task delegate.

mod answer;
mod invocation;
mod listing;
mod run;

pub use answer::callback;
pub use listing::commands_json;
pub(crate) use listing::{auths, commands, title};
pub(crate) use run::run;
